import BlobStore
import Bytes
import FoundationEssentials
import Manifest
import TestSupport
import Testing

@testable import DebianArchive

/// The chain from a key to the package list, attacked link by link: real gpg, real gpgv, real sockets.
@Suite(.enabled(if: FixtureArchive.isAvailable, "gpg, gpgv, dpkg-deb and xz are needed"))
struct TrustTests {
  private static let index = Array(SolverFixture.paragraph("app").utf8)

  /// An archive of one package, changed by `change` before it is served.
  private func load(
    keyring: Keyring? = nil, suite: String = "trixie", now: ReleaseDate? = FixtureArchive.now,
    change: (inout FixtureArchive) throws -> Void = { _ in },
    prepare: (inout FixtureArchive) throws -> Void = { _ in }
  ) async throws -> [SuiteIndexes] {
    try await withScratchDirectory { directory in
      var archive = try FixtureArchive(in: directory)
      try prepare(&archive)
      try archive.publish(index: Self.index)
      try change(&archive)
      let served = archive
      let store = try BlobStore(root: directory.path + "/store")
      return try await withServer({ served.reply($0) }) { server in
        let client = try FixtureClient([server], store: store, now: now)
        return try await client.loader.load(
          .fixture(keyring ?? served.key.keyring, suite: suite), architecture: .amd64)
      }
    }
  }

  private func refusal(
    _ code: ArchiveError.Code, keyring: Keyring? = nil, suite: String = "trixie",
    now: ReleaseDate? = FixtureArchive.now, change: (inout FixtureArchive) throws -> Void = { _ in },
    prepare: (inout FixtureArchive) throws -> Void = { _ in }, location: SourceLocation = #_sourceLocation
  ) async throws -> String {
    let error = await #expect(throws: ArchiveError.self, sourceLocation: location) {
      try await load(keyring: keyring, suite: suite, now: now, change: change, prepare: prepare)
    }
    #expect(error?.code == code, sourceLocation: location)
    return error?.description ?? ""
  }

  private typealias SourceLocation = Testing.SourceLocation

  @Test func aSignedArchiveIsLoaded() async throws {
    let suites = try await load()
    #expect(suites.map(\.codename) == ["trixie"])
    #expect(suites.map(\.version) == ["13.1"])
    #expect(suites.map(\.date.description) == ["2026-11-21T09:15:44Z"])
    #expect(suites.first?.indexes.map(\.text) == [Self.index])
    #expect(suites.first?.indexes.map(\.name) == ["debian trixie main"])
  }

  @Test func anArmoredKeyringWillDo() async throws {
    try await withScratchDirectory { directory in
      var archive = try FixtureArchive(in: directory)
      try archive.publish(index: Self.index)
      let served = archive
      try await withServer({ served.reply($0) }) { server in
        let client = try FixtureClient([server], store: try BlobStore(root: directory.path + "/store"))
        let suites = try await client.loader.load(.fixture(served.key.armoredKeyring), architecture: .amd64)
        #expect(suites.count == 1)
      }
    }
  }

  // MARK: signatures

  @Test func anotherKeysSignatureIsRefused() async throws {
    try await withScratchDirectory { directory in
      let stranger = try FixtureKey(in: directory, name: "stranger")
      let text = try await refusal(.untrusted, keyring: stranger.keyring)
      #expect(text.contains("which the keyring does not hold"))
    }
  }

  @Test func aChangedByteIsRefused() async throws {
    let text = try await refusal(.untrusted) { archive in
      let release = archive.files["dists/trixie/InRelease"] ?? []
      archive.files["dists/trixie/InRelease"] = Array(
        String(decoding: release, as: UTF8.self).replacing("13.1", with: "13.2").utf8)
    }
    #expect(text.contains("changed after it was signed"))
  }

  @Test func noSignatureIsRefused() async throws {
    _ = try await refusal(.untrusted) { archive in
      archive.files["dists/trixie/InRelease"] = Array("Suite: trixie\n".utf8)
    }
    _ = try await refusal(.untrusted) { archive in archive.files["dists/trixie/InRelease"] = [] }
  }

  @Test(arguments: [
    ("before", "does not begin with a signed message"), ("after", "has text after its signature"),
    ("second", "has text after its signature"),
  ])
  func unsignedTextAroundTheMessageIsRefused(place: String, what: String) async throws {
    let text = try await refusal(.untrusted) { archive in
      let release = archive.files["dists/trixie/InRelease"] ?? []
      let evil = Array("Suite: trixie\nDate: Sat, 21 Nov 2026 09:15:44 UTC\n".utf8)
      archive.files["dists/trixie/InRelease"] =
        switch place {
        case "before": evil + release
        case "after": release + evil
        default: release + release
        }
    }
    #expect(text.contains(what))
  }

  @Test func anExpiredKeyIsRefused() async throws {
    try await withScratchDirectory { directory in
      let key = try FixtureKey(in: directory, name: "old", clock: "20200101T000000", expiry: "30d")
      let message = try key.clearSign("Suite: trixie\n")
      let verifier = try SignatureVerifier(environment: ["PATH": "/usr/bin:/bin"], tools: [.gpgv])
      let error = await #expect(throws: ArchiveError.self) {
        try await verifier.verify(message, keyring: key.keyring, file: "InRelease")
      }
      #expect(error?.code == .untrusted)
      #expect(error?.description.contains("expired or was revoked") == true)
    }
  }

  @Test(.enabled(if: Tool.exists("sqv"), "sqv is needed"))
  func sqvJudgesAlike() async throws {
    try await withScratchDirectory { directory in
      let key = try FixtureKey(in: directory)
      let stranger = try FixtureKey(in: directory, name: "stranger")
      let message = try key.clearSign("Suite: trixie\n- dash\n\nblank  \n")
      let verifier = try SignatureVerifier(environment: ["PATH": "/usr/bin:/bin"], tools: [.sqv])
      #expect(try await verifier.verify(message, keyring: key.keyring, file: "x").starts(with: "Suite".utf8))
      await #expect(throws: ArchiveError.self) {
        try await verifier.verify(message, keyring: stranger.keyring, file: "x")
      }
    }
  }

  @Test func aMissingVerifierOrKeyringSaysWhatToInstall() async throws {
    let error = #expect(throws: ArchiveError.self) {
      try SignatureVerifier(environment: ["PATH": "/nowhere"])
    }
    #expect(error?.code == .noVerifier)
    let text = try await refusal(.noVerifier, keyring: .host(path: "/nowhere/keyring.gpg"))
    #expect(text.contains("/nowhere/keyring.gpg"))
    _ = try await refusal(.noVerifier, keyring: .repository(path: "keys/x", bytes: Array("no key".utf8)))
  }

  // MARK: time and identity

  @Test func anotherSuiteIsRefused() async throws {
    let text = try await refusal(.wrongSuite, prepare: { $0.set("Codename", "bookworm") })
    #expect(text.contains("is of the suite bookworm (stable), not trixie"))
  }

  @Test func theRolesNameFitsToo() async throws {
    #expect(
      try await load(prepare: {
        $0.release.replace(field: "Suite", "trixie"); $0.set("Codename", nil)
      }).count == 1)
  }

  @Test func anExpiredReleaseIsRefusedWithItsDate() async throws {
    let text = try await refusal(
      .expired, prepare: { $0.set("Valid-Until", "Sun, 22 Nov 2026 09:15:44 UTC") })
    #expect(text.contains("valid until 2026-11-22T09:15:44Z"))
    #expect(
      try await load(prepare: { $0.set("Valid-Until", "Tue, 24 Nov 2026 09:15:44 UTC") }).count == 1)
  }

  @Test func aReleaseFromTheFutureIsRefused() async throws {
    let yesterday = ReleaseDate(timestamp: "2026-11-20T00:00:00Z")
    let text = try await refusal(.fromTheFuture, now: yesterday)
    #expect(text.contains("set this machine's clock"))
    // A clock that is a few hours behind is no attack.
    #expect(try await load(now: ReleaseDate(timestamp: "2026-11-20T20:00:00Z")).count == 1)
  }

  @Test func olderMetadataThanWasSeenIsRefused() async throws {
    try await withScratchDirectory { directory in
      var archive = try FixtureArchive(in: directory)
      try archive.publish(index: Self.index)
      let newer = archive
      archive.release.replace(field: "Date", "Fri, 20 Nov 2026 09:15:44 UTC")
      try archive.publish(index: Self.index)
      let older = archive
      try await withServer({ newer.reply($0) }) { server in
        let store = try BlobStore(root: directory.path + "/store")
        let suite = Manifest.Suite.fixture(newer.key.keyring)
        let client = try FixtureClient([server], store: store)
        let lock = try await client.loader.load(suite, architecture: .amd64).map {
          LockFile.Archive(
            archive: $0.source.archive, suite: $0.source.suite, codename: $0.codename, version: $0.version,
            date: $0.date, digest: $0.digest)
        }
        // The same again is fine; the older is not: neither where the store remembers, nor where the lock
        // does.
        #expect(try await client.loader.load(suite, architecture: .amd64).count == 1)
        server.handle { older.reply($0) }
        let fromStore = await #expect(throws: ArchiveError.self) {
          try await client.loader.load(suite, architecture: .amd64)
        }
        #expect(fromStore?.code == .replayed)
        let fresh = try FixtureClient([server], store: try BlobStore(root: directory.path + "/fresh"))
        let fromLock = await #expect(throws: ArchiveError.self) {
          try await fresh.loader.load(suite, architecture: .amd64, previous: lock)
        }
        #expect(fromLock?.code == .replayed)
        #expect(fromLock?.description.contains("the lock file") == true)
        // A mirror that is behind costs nothing if another one is current.
        try await withServer({ newer.reply($0) }) { current in
          let both = try FixtureClient([server, current], store: store)
          #expect(try await both.loader.load(suite, architecture: .amd64).count == 1)
          #expect(both.fetcher.notes.contains { $0.contains("replays old metadata") })
        }
      }
    }
  }

  // MARK: indexes

  @Test func anIndexOfOtherBytesIsRefused() async throws {
    let text = try await refusal(.mirrorLied) { archive in
      for path in archive.files.keys where path.contains("Packages") || path.contains("by-hash") {
        archive.files[path]?[20] ^= 1
      }
    }
    #expect(text.contains("SHA-256"))
  }

  @Test func anIndexOfAnotherSizeIsRefused() async throws {
    _ = try await refusal(.mirrorLied) { archive in
      for path in archive.files.keys where path.contains("by-hash") { archive.files[path]? += [0] }
      archive.files["dists/trixie/main/binary-amd64/Packages.xz"]? += [0]
    }
  }

  @Test func theDigestNamedFileIsPreferredAndThePlainNameIsTheFallback() async throws {
    #expect(
      try await load { archive in
        archive.files["dists/trixie/main/binary-amd64/Packages.xz"] = [1, 2, 3]
      }.count == 1)
    #expect(
      try await load { archive in
        for path in archive.files.keys where path.contains("by-hash") { archive.files[path] = nil }
      }.count == 1)
  }

  @Test func anIndexThatDecompressesToMoreThanWasSignedIsRefused() async throws {
    // Five million zeros in a kilobyte, announced as ten bytes.
    let text = try await refusal(.tooLarge) { archive in
      let bomb = [UInt8](repeating: 0, count: 5_000_000)
      try archive.publish(index: bomb)
      let compressed = archive.files["dists/trixie/main/binary-amd64/Packages.xz"] ?? []
      try archive.publish(compressed: compressed, plain: [UInt8](repeating: 0, count: 10))
    }
    #expect(text.contains("grows beyond 10 bytes"))
  }

  @Test func anIndexThatDecompressesToOtherBytesIsRefused() async throws {
    _ = try await refusal(.malformedIndex) { archive in
      let compressed = archive.files["dists/trixie/main/binary-amd64/Packages.xz"] ?? []
      try archive.publish(compressed: compressed, plain: Array(repeating: 0x41, count: Self.index.count))
    }
    _ = try await refusal(.malformedIndex) { archive in
      try archive.publish(compressed: [1, 2, 3, 4], plain: Self.index)
    }
  }

  @Test func anIndexThatIsNotListedIsRefused() async throws {
    let text = try await refusal(.missingIndex) { try $0.sign(digests: []) }
    #expect(text.contains("main/binary-amd64/Packages"))
  }

  @Test func aReleaseWithoutDigestsOrDateIsRefused() async throws {
    _ = try await refusal(.malformedIndex) { archive in
      archive.files["dists/trixie/InRelease"] = try archive.key.clearSign(
        "Suite: trixie\nDate: Sat, 21 Nov 2026 09:15:44 UTC\nMD5Sum:\n d41d8cd98f00b204e9800998ecf8427e 0 x\n"
      )
    }
    _ = try await refusal(.malformedIndex, prepare: { $0.set("Date", nil) })
    _ = try await refusal(.malformedIndex) { try $0.sign(digests: [" abc 1 main/binary-amd64/Packages.xz"]) }
  }

  @Test func anInReleaseWithoutEndIsRefused() async throws {
    try await withScratchDirectory { directory in
      let key = try FixtureKey(in: directory)
      try await withServer({ _ in .endless(limit: 1 << 26) }) { server in
        let client = try FixtureClient([server], store: try BlobStore(root: directory.path + "/store"))
        let error = await #expect(throws: ArchiveError.self) {
          try await client.loader.load(.fixture(key.keyring), architecture: .amd64)
        }
        #expect(error?.code == .tooLarge)
      }
    }
  }

  @Test func aMirrorThatIsDownSaysSo() async throws {
    let text = try await refusal(.unreachable) { $0.files["dists/trixie/InRelease"] = nil }
    #expect(text.contains("HTTP status 404 for dists/trixie/InRelease"))
  }
}

extension [(String, String)] {
  /// Changes one field in place.
  mutating func replace(field: String, _ value: String) {
    for index in indices where self[index].0 == field { self[index].1 = value }
  }
}
