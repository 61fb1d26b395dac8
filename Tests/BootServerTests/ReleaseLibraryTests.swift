import BootServer
import Bytes
import Foundation
import Manifest
import TestSupport
import Testing

@Suite struct ReleaseLibraryTests {
  @Test func releasesAreFoundByDigestAndByName() async throws {
    try await LibraryFixture.with { fixture async throws in
      #expect(fixture.library.refresh() == false && fixture.library.releases.isEmpty)
      let old = try fixture.add("edge", timestamp: 1)
      let new = try fixture.add("edge", timestamp: 2)
      let other = try fixture.add("edge", version: "2.0")
      let library = fixture.library
      #expect(library.releases.map(\.digest) == [new] + [old, other].sorted())
      #expect(library.find(.digest(old.hex))?.digest == old)
      #expect(library.find(.named("edge", version: "1.0"))?.digest == new)
      #expect(library.find(.named("edge", version: "2.0"))?.digest == other)
      #expect(library.find(.named("edge", version: "3.0")) == nil && library.find(.digest("00")) == nil)
      #expect(library[new]?.artifact("uki.efi")?.size ?? 0 > 3000)
    }
  }

  @Test func releasesComeAndGo() async throws {
    try await LibraryFixture.with { fixture async throws in
      let first = try fixture.add("edge")
      _ = try fixture.library.open(first, "uki.efi")
      try FileManager.default.removeItem(atPath: fixture.path(first))
      #expect(fixture.library.refresh())
      #expect(fixture.library.releases.isEmpty)
      #expect(throws: BootServerError.self) { try fixture.library.open(first, "uki.efi") }
      #expect(!fixture.library.refresh())
    }
  }

  @Test func whatIsNoReleaseIsNotListedAndSaidOnce() async throws {
    try await LibraryFixture.with { fixture async throws in
      let good = try fixture.add("edge")
      let manager = FileManager.default
      let wrong = String(repeating: "0f", count: 32)
      try manager.copyItem(
        atPath: String(fixture.path(good).dropLast()), toPath: "\(fixture.directory)/releases/\(wrong)")
      try manager.createDirectory(
        atPath: "\(fixture.directory)/releases/notes", withIntermediateDirectories: true)
      try manager.createDirectory(
        atPath: "\(fixture.directory)/releases/.x.partial-1", withIntermediateDirectories: true)
      let empty = String(repeating: "0e", count: 32)
      try manager.createDirectory(
        atPath: "\(fixture.directory)/releases/\(empty)", withIntermediateDirectories: true)
      fixture.library.refresh(force: true)
      fixture.library.refresh(force: true)
      #expect(fixture.library.releases.map(\.digest) == [good])
      #expect(fixture.library.problems.count == 3)
      #expect(fixture.damage.codes == [.corrupt, .corrupt, .corrupt])
    }
  }

  @Test func filesAreOpenedByReleaseAndByDigest() async throws {
    try await LibraryFixture.with { fixture async throws in
      let digest = try fixture.add("edge")
      let library = fixture.library
      #expect(library.openAtOnce(digest, "uki.efi") == nil)
      let file = try library.open(digest, "uki.efi")
      #expect(library.openAtOnce(digest, "uki.efi") === file)
      #expect(
        try library.open(content: file.digest) === file && library.openAtOnce(content: file.digest) === file)
      var bytes = [UInt8](repeating: 0, count: file.size)
      try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
      #expect(SHA256.digest(of: bytes) == file.digest)
      for name in ["nothing", "release.json", "../x", ""] {
        let error = #expect(throws: BootServerError.self) { try library.open(digest, name) }
        #expect(error?.code == .notFound)
      }
    }
  }

  @Test func aFlippedBitIsNeverServed() async throws {
    try await LibraryFixture.with { fixture async throws in
      let digest = try fixture.add("edge")
      try fixture.flip(digest, "uki.efi")
      for _ in 0..<2 {
        let error = #expect(throws: BootServerError.self) { try fixture.library.open(digest, "uki.efi") }
        #expect(error?.code == .corrupt && error?.message.contains("publish the release again") == true)
      }
      #expect(fixture.damage.codes == [.corrupt])
      #expect(fixture.library.damage(of: digest, "uki.efi")?.contains("has SHA-256") == true)
      #expect(fixture.library.damage(of: digest, "vmlinuz") == nil)
      // Mended, it is served again.
      try fixture.flip(digest, "uki.efi")
      _ = try fixture.library.open(digest, "uki.efi")
      #expect(fixture.library.damage(of: digest, "uki.efi") == nil)
    }
  }

  @Test func aFileThatIsChangedAfterItWasCheckedIsNoticed() async throws {
    try await LibraryFixture.with { fixture async throws in
      let digest = try fixture.add("edge")
      let file = try fixture.library.open(digest, "uki.efi")
      #expect(file.isUnchanged())
      try fixture.flip(digest, "uki.efi")
      #expect(!file.isUnchanged() && fixture.library.openAtOnce(digest, "uki.efi") == nil)
      #expect(throws: BootServerError.self) { try fixture.library.open(digest, "uki.efi") }
      // A transfer under way gets everything but the end.
      var bytes = [UInt8](repeating: 0, count: 100)
      try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
      #expect(throws: BootServerError.self) {
        try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: file.size - 100) }
      }
    }
  }

  @Test(arguments: ["truncate", "grow", "remove", "pipe", "link", "restore the time"])
  func damageOfEveryKind(_ kind: String) async throws {
    try await LibraryFixture.with { fixture async throws in
      let digest = try fixture.add("edge")
      _ = try fixture.library.open(digest, "uki.efi")
      let path = fixture.path(digest, "uki.efi")
      let script =
        switch kind {
        case "truncate": "truncate -s 100 \(path)"
        case "grow": "echo x >> \(path)"
        case "remove": "rm \(path)"
        case "pipe": "rm \(path) && mkfifo \(path)"
        case "link": "mv \(path) \(path).x && ln -s \(path).x \(path)"
        // Only the time of the last change of the inode tells.
        default:
          "touch -r \(path) \(path).t && printf X | dd of=\(path) bs=1 seek=9 conv=notrunc 2>/dev/null && touch -r \(path).t \(path)"
        }
      #expect(try run(["sh", "-c", script]).status == 0)
      #expect(fixture.library.openAtOnce(digest, "uki.efi") == nil)
      #expect(throws: BootServerError.self) { try fixture.library.open(digest, "uki.efi") }
    }
  }

  @Test func manyAtOnceShareOneLook() async throws {
    try await LibraryFixture.with { fixture async throws in
      let digest = try fixture.add("edge")
      let library = fixture.library
      let files = try await withThrowingTaskGroup(of: ArtifactFile.self) { group in
        for _ in 0..<32 { group.addTask { try library.open(digest, "uki.efi") } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(files.allSatisfy { $0 === files[0] })
    }
  }

  @Test func everythingIsLookedAtWithoutBeingAskedFor() async throws {
    try await LibraryFixture.with { fixture async throws in
      let digest = try fixture.add("edge")
      try fixture.flip(digest, "initrd")
      fixture.library.checkAll()
      #expect(fixture.damage.codes == [.corrupt])
      #expect(fixture.library.openAtOnce(digest, "uki.efi") != nil)
    }
  }

  @Test func whatIsNotWellIsNotPublished() async throws {
    try await LibraryFixture.with { fixture async throws in
      let digest = try fixture.add("edge")
      try await withScratchDirectory { target async throws in
        let error = await #expect(throws: (any Error).self) {
          try await ReleasePublisher(library: target.path).publish(
            fixture.path(digest), keys: [], threshold: 1)
        }
        #expect((error as? BootServerError)?.code == .refused, "\(String(describing: error))")
        #expect(!FileManager.default.fileExists(atPath: "\(target.path)/releases/\(digest.hex)"))
      }
    }
  }
}
