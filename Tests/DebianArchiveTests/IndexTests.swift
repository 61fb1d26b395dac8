import BlobStore
import Bytes
import FoundationEssentials
import Manifest
import TestSupport
import Testing

@testable import DebianArchive

/// Which files of an archive are read, and how several archives come together.
@Testing.Suite(.enabled(if: FixtureArchive.isAvailable, "gpg, gpgv, dpkg-deb and xz are needed"))
struct IndexTests {
  private static let plain = "main/binary-amd64/Packages"

  private func load(
    _ sources: [SuiteSource], _ prepare: (inout FixtureArchive) throws -> Void
  ) async throws -> (suites: [SuiteIndexes], requests: [String]) {
    try await withScratchDirectory { directory in
      var archive = try FixtureArchive(in: directory)
      try prepare(&archive)
      let served = archive
      return try await withServer({ served.reply($0) }) { server in
        let client = try FixtureClient([server], store: try BlobStore(root: directory.path + "/store"))
        let suite = Manifest.Suite(name: "trixie", keyring: served.key.keyring, sources: sources)
        let suites = try await client.loader.load(suite, architecture: .amd64)
        return (suites, server.requests.map(\.path))
      }
    }
  }

  private func line(_ path: String, _ bytes: [UInt8]) -> String {
    " \(SHA256.digest(of: bytes).hex) \(bytes.count) \(path)"
  }

  private static let source = SuiteSource(archive: "debian", suite: "trixie", sections: ["main"])

  @Test func anArchiveWithoutXZIsReadAsItIs() async throws {
    let text = Array(SolverFixture.paragraph("app").utf8)
    let (suites, requests) = try await load([Self.source]) { archive in
      archive.set("Acquire-By-Hash", nil)
      archive.files["dists/trixie/\(Self.plain)"] = text
      try archive.sign(digests: [line(Self.plain, text)])
    }
    #expect(suites.first?.indexes.map(\.text) == [text])
    #expect(requests == ["/debian/dists/trixie/InRelease", "/debian/dists/trixie/\(Self.plain)"])
  }

  @Test(arguments: [true, false])
  func packagesForAllArchitecturesMayHaveTheirOwnIndex(isSeparate: Bool) async throws {
    let text = Array(SolverFixture.paragraph("app").utf8)
    let all = Array(SolverFixture.paragraph("data", "1", "Architecture: all").utf8)
    let (suites, _) = try await load([Self.source]) { archive in
      if isSeparate { archive.set("No-Support-for-Architecture-all", nil) }
      archive.files["dists/trixie/\(Self.plain)"] = text
      archive.files["dists/trixie/main/binary-all/Packages"] = all
      try archive.sign(digests: [line(Self.plain, text), line("main/binary-all/Packages", all)])
    }
    #expect(suites.first?.indexes.map(\.text) == (isSeparate ? [text, all] : [text]))
  }

  /// Some archives keep a copy for tools that want it, and say that it is not for package managers.
  @Test func anIndexForAllThatTheArchiveDoesNotAnnounceIsNotRead() async throws {
    let text = Array(SolverFixture.paragraph("app").utf8)
    let (suites, _) = try await load([Self.source]) { archive in
      archive.set("No-Support-for-Architecture-all", nil)
      archive.release.replace(field: "Architectures", "amd64 arm64")
      archive.files["dists/trixie/\(Self.plain)"] = text
      try archive.sign(digests: [line(Self.plain, text), line("main/binary-all/Packages", [1])])
    }
    #expect(suites.first?.indexes.count == 1)
  }

  @Test func severalSuitesAndSectionsKeepTheOrderOfTheManifest() async throws {
    let sources = [
      SuiteSource(archive: "debian", suite: "trixie-updates", sections: ["main"]),
      SuiteSource(archive: "debian", suite: "trixie", sections: ["contrib", "main"]),
    ]
    let (suites, _) = try await load(sources) { archive in
      let first = Array(SolverFixture.paragraph("one").utf8)
      let second = Array(SolverFixture.paragraph("two").utf8)
      archive.set("Acquire-By-Hash", nil)
      for (suite, section, text) in [("trixie", "main", first), ("trixie", "contrib", second)] {
        archive.files["dists/\(suite)/\(section)/binary-amd64/Packages"] = text
      }
      try archive.sign(digests: [line(Self.plain, first), line("contrib/binary-amd64/Packages", second)])
      archive.release.replace(field: "Codename", "trixie-updates")
      try archive.publish(index: first, suite: "trixie-updates")
    }
    #expect(
      suites.flatMap(\.indexes).map(\.name)
        == ["debian trixie-updates main", "debian trixie contrib", "debian trixie main"])
  }

  @Test func anEmptyIndexIsNoError() async throws {
    let (suites, _) = try await load([Self.source]) { archive in
      archive.files["dists/trixie/\(Self.plain)"] = []
      try archive.sign(digests: [line(Self.plain, [])])
    }
    let indexes = suites.flatMap(\.indexes)
    #expect(indexes.map(\.text) == [[]])
    let request = SolverRequest(architecture: "amd64", wanted: [SolverFixture.wanted("app")])
    let error = #expect(throws: ArchiveError.self) { try PackageSolver.solve(request, over: indexes) }
    #expect(error?.code == .unknownPackage)
  }

  /// A second lock downloads nothing but the signatures.
  @Test func whatIsInTheStoreIsNotFetchedAgain() async throws {
    try await withScratchDirectory { directory in
      var archive = try FixtureArchive(in: directory)
      try archive.publish(index: Array(SolverFixture.paragraph("app").utf8))
      let served = archive
      try await withServer({ served.reply($0) }) { server in
        let store = try BlobStore(root: directory.path + "/store")
        for _ in 0..<2 {
          let client = try FixtureClient([server], store: store)
          _ = try await client.loader.load(.fixture(served.key.keyring), architecture: .amd64)
        }
        #expect(server.requests.filter { $0.path.contains("binary-amd64") }.count == 1)
        #expect(server.requests.filter { $0.path.hasSuffix("InRelease") }.count == 2)
      }
    }
  }
}
