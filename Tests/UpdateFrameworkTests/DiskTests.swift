import Bytes
import FoundationEssentials
import TestSupport
import Testing

@testable import UpdateFramework

/// Disks that fill up, and files that are not what they should be.
@Suite struct DiskTests {
  @Test(.enabled(if: SmallDisk.isAvailable, "only root may mount a small file system"))
  func aDiskThatFillsUpLeavesTheOldState() async throws {
    var repository = try TestRepository()
    try await withClient(of: repository) { client in
      try await SmallDisk.with(at: client.directory + "/disk", bytes: 64 << 10) { path in
        let small = LocalMetadata(directory: path + "/trust")
        try small.initialize(root: try #require(repository.files["metadata/1.root.json"]))
        func refresh() async throws {
          client.server.handle(repository.handler)
          let updater = try Updater(
            local: small, fetcher: try HTTPFetcher(), metadataURL: client.server.address + "/metadata",
            targetsURL: client.server.address + "/targets")
          try await updater.refresh()
        }
        try await refresh()
        let before = try #require(FileManager.default.contents(atPath: small.path(of: "targets")))
        // Metadata that do not fit.
        for number in 0..<800 { repository.add("file-\(number)", "\(number)") }
        try repository.publishAll()
        #expect(await client.refusal { try await refresh() } == "localStorage")
        #expect(FileManager.default.contents(atPath: small.path(of: "targets")) == before)
        let names = try FileManager.default.contentsOfDirectory(atPath: small.directory).sorted()
        #expect(names == ["%lock", "root.json", "snapshot.json", "targets.json", "timestamp.json"])
        // Room again, and the update goes on.
        repository.targets["targets"]?.targets = [:]
        try repository.publishAll()
        try await refresh()
      }
    }
  }

  @Test func whatIsNoFileIsNotRead() async throws {
    try await withScratchDirectory { directory in
      try FileManager.default.createDirectory(
        atPath: directory.path + "/root.json", withIntermediateDirectories: true)
      let local = LocalMetadata(directory: directory.path)
      #expect(throws: UpdateError.self) { try local.readRoot(limit: 100) }
      #expect(try AtomicFile.read(directory.path + "/none", limit: 1) == nil)
      try AtomicFile.write([1, 2, 3], to: directory.path + "/three")
      #expect(throws: UpdateError.self) { try AtomicFile.read(directory.path + "/three", limit: 2) }
      #expect(try AtomicFile.read(directory.path + "/three", limit: 3) == [1, 2, 3])
      #expect(throws: UpdateError.self) { try AtomicFile.write([1], to: directory.path + "/none/x") }
    }
  }

  @Test func aFileIsComparedWhole() async throws {
    try await withScratchDirectory { directory in
      let bytes = [UInt8](repeating: 7, count: 600_000)
      let path = directory.path + "/file"
      try AtomicFile.write(bytes, to: path)
      let digests = ContentDigests(sha256: SHA256.digest(of: bytes))
      #expect(AtomicFile.fits(path, length: bytes.count, digests: digests))
      #expect(!AtomicFile.fits(path, length: bytes.count - 1, digests: digests))
      #expect(
        !AtomicFile.fits(path, length: bytes.count, digests: ContentDigests(sha256: SHA256.digest(of: [1]))))
      #expect(!AtomicFile.fits(directory.path, length: 0, digests: digests))
      #expect(!AtomicFile.fits(path + "x", length: 0, digests: digests))
    }
  }
}
