import BlobStore
import Bytes
import Foundation
import Glibc
import TestSupport
import Testing

@Suite("stores that are only read") struct SharedStoreTests {
  /// A store, and another that looks into it.
  private func withPair(_ body: (_ shared: BlobStore, _ own: BlobStore) async throws -> Void) async throws {
    try await withStore { shared in
      try await withScratchDirectory { scratch in
        let own = try BlobStore(root: scratch.appending(path: "own").path, shared: [shared.root])
        try await body(shared, own)
      }
    }
  }

  /// Every file with its size and time of modification.
  private func snapshot(_ root: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: root).sorted().map { path in
      var status = stat()
      lstat("\(root)/\(path)", &status)
      return "\(path) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) \(status.st_ino)"
    }
  }

  @Test("entries of a shared store count as here, and it is not changed, not even its times")
  func readThrough() async throws {
    try await withPair { shared, own in
      let digest = try shared.insert(pattern(100))
      try shared.setRecord([1, 2], kind: "frame", key: "k")
      setAge(shared.path(of: digest), seconds: 100_000)
      setAge("\(shared.root)/records/frame/k", seconds: 100_000)
      let before = try snapshot(shared.root)
      #expect(own.contains(digest, size: 100) && own.contains(digest))
      #expect(!own.contains(digest, size: 101))
      #expect(try own.read(digest) == pattern(100))
      #expect(try own.verify(digest))
      #expect(own.path(of: digest) == shared.path(of: digest))
      #expect(try own.record(kind: "frame", key: "k") == [1, 2])
      #expect(try await own.download(digest, size: 100).isFinished)
      #expect(try own.insert(pattern(100)) == digest)
      #expect(try own.digests() == [])
      try own.remove(digest)
      try own.removeRecord(kind: "frame", key: "k")
      #expect(try own.collectGarbage(maximumSize: 0).removed == 0)
      #expect(try snapshot(shared.root) == before)
    }
  }

  @Test("a damaged entry of a shared store is missing, is left alone, and can be fetched anew")
  func damage() async throws {
    try await withPair { shared, own in
      let digest = try shared.insert(pattern(100))
      try flipBit(shared.path(of: digest), byte: 50)
      let before = try snapshot(shared.root)
      #expect(own.contains(digest, size: 100))  // nothing has been hashed yet
      #expect(try own.read(digest) == nil)
      #expect(!own.contains(digest, size: 100))
      #expect(try !own.verify(digest))
      let download = try await own.download(digest, size: 100)
      try download.append(pattern(100))
      try download.commit()
      #expect(try own.read(digest) == pattern(100))
      #expect(own.path(of: digest).hasPrefix(own.root))
      #expect(try snapshot(shared.root) == before)
      try shared.setRecord([1], kind: "frame", key: "k")
      try flipBit("\(shared.root)/records/frame/k", byte: 20)
      #expect(try own.record(kind: "frame", key: "k") == nil)
      #expect(FileManager.default.fileExists(atPath: "\(shared.root)/records/frame/k"))
    }
  }

  @Test("what is here counts before what is shared")
  func order() async throws {
    try await withPair { shared, own in
      try shared.setRecord([1], kind: "frame", key: "k")
      try own.setRecord([2], kind: "frame", key: "k")
      #expect(try own.record(kind: "frame", key: "k") == [2])
    }
  }

  @Test("a directory that is no store is refused, with its name")
  func noStore() async throws {
    try await withScratchDirectory { scratch in
      let error = storeError {
        _ = try BlobStore(root: "\(scratch.path)/own", shared: ["\(scratch.path)/none"])
      }
      #expect(error?.code == .notADirectory && error?.description.contains("/none") == true)
    }
  }

  @Test(
    "a store on a read-only file system serves, whole and damaged",
    .enabled(if: canMount, "mounting needs root and a kernel that allows it"))
  func readOnlyFileSystem() async throws {
    try await withSmallDisk("1m") { disk in
      let good: SHA256Digest
      let bad: SHA256Digest
      do {
        let store = try BlobStore(root: "\(disk)/store")
        good = try store.insert(pattern(100))
        bad = try store.insert(pattern(101))
        try store.setRecord([3], kind: "frame", key: "k")
        try flipBit(store.path(of: bad), byte: 7)
      }
      try remountReadOnly(disk)
      let store = try BlobStore(root: "\(disk)/store")
      #expect(try store.read(good) == pattern(100))
      #expect(try store.record(kind: "frame", key: "k") == [3])
      #expect(try store.read(bad) == nil)
      #expect(!store.contains(bad))
      #expect(store.lease() == nil)
      #expect(storeError { _ = try store.collectGarbage(maximumSize: 0) }?.code == .readOnly)
      #expect(storeError { _ = try store.insert(pattern(5)) }?.code == .readOnly)
    }
  }

  @Test(
    "a record of another user is not believed, root's and one's own are",
    .enabled(if: geteuid() == 0, "the test does not run as root"))
  func owners() async throws {
    try await withStore { store in
      try store.setRecord([1], kind: "frame", key: "k")
      let path = "\(store.root)/records/frame/k"
      #expect(try store.record(kind: "frame", key: "k") == [1])
      chown(path, 12345, 12345)
      #expect(try store.record(kind: "frame", key: "k") == nil)
      #expect(FileManager.default.fileExists(atPath: path), "it is another user's, not damaged")
      try store.setRecord([2], kind: "frame", key: "k")
      #expect(try store.record(kind: "frame", key: "k") == [2])
      // A blob proves itself.
      let digest = try store.insert(pattern(10))
      chown(store.path(of: digest), 12345, 12345)
      #expect(try store.read(digest) == pattern(10))
    }
  }
}
