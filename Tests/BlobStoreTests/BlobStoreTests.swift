import BlobStore
import Bytes
import FoundationEssentials
import Glibc
import TestSupport
import Testing

@Suite struct BlobStoreTests {
  @Test func storesByTheDigestThatSha256sumSays() async throws {
    try await withStore { store in
      let digest = try store.insert(Array("abc".utf8))
      // FIPS 180-4's example.
      #expect(digest.hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
      #expect(
        store.path(of: digest)
          == "\(store.root)/blobs/sha256/ba/7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
      #expect(try Data(contentsOf: URL(filePath: store.path(of: digest))) == Data("abc".utf8))
      #expect(try store.read(digest) == Array("abc".utf8))
      #expect(try leftovers(store) == [])
    }
  }

  @Test func theEmptyBlobIsABlob() async throws {
    try await withStore { store in
      let digest = try store.insert([])
      #expect(store.contains(digest, size: 0))
      #expect(try store.read(digest) == [])
      #expect(try store.verify(digest))
    }
  }

  @Test func aRopeIsStoredAsItsConcatenation() async throws {
    try await withStore { store in
      var rope = ByteRope(pattern(5000))
      rope.append(pattern(70, seed: 2))
      let digest = try store.insert(rope)
      #expect(digest == SHA256.digest(of: pattern(5000) + pattern(70, seed: 2)))
      #expect(try store.read(digest) == rope.flattened())
    }
  }

  @Test func insertingAgainKeepsTheFileThatIsThere() async throws {
    try await withStore { store in
      let digest = try store.insert(pattern(100), durable: false)
      setAge(store.path(of: digest), seconds: 60)
      let before = modified(store.path(of: digest))
      #expect(try store.insert(pattern(100)) == digest)
      #expect(modified(store.path(of: digest)) == before)
    }
  }

  @Test func containsLooksAtNameAndSize() async throws {
    try await withStore { store in
      let digest = try store.insert(pattern(100))
      #expect(store.contains(digest))
      #expect(store.contains(digest, size: 100))
      #expect(!store.contains(digest, size: 99))
      #expect(!store.contains(SHA256.digest(of: pattern(101))))
    }
  }

  @Test func whatIsNotThereIsNil() async throws {
    try await withStore { store in
      let absent = SHA256.digest(of: [1])
      #expect(try store.read(absent) == nil)
      #expect(try !store.verify(absent))
      try store.remove(absent)
    }
  }

  @Test func removeRemovesOne() async throws {
    try await withStore { store in
      let one = try store.insert([1])
      let two = try store.insert([2])
      try store.remove(one)
      #expect(try store.digests() == [two])
    }
  }

  @Test func digestsAreSortedAndStrangersAreIgnored() async throws {
    try await withStore { store in
      let all = try (0..<40).map { try store.insert(pattern(10, seed: $0)) }
      try Data("x".utf8).write(to: URL(filePath: "\(store.root)/blobs/sha256/README"))
      try Data("x".utf8).write(to: URL(filePath: "\(store.path(of: all[0])).orig"))
      #expect(try store.digests() == all.sorted())
    }
  }

  @Test func anEmptiedCacheFillsAgainUnderARunningProcess() async throws {
    try await withStore { store in
      try store.insert([1])
      try FileManager.default.removeItem(atPath: store.root)
      let digest = try store.insert([1])
      #expect(try store.read(digest) == [1])
      try FileManager.default.removeItem(atPath: store.root)
      let blob = try store.download(digest, size: 1)
      try blob.append([1])
      try blob.commit()
      try FileManager.default.removeItem(atPath: store.root)
      try store.setRecord([7], kind: "k", key: "k")
      #expect(try store.record(kind: "k", key: "k") == [7])
    }
  }

  @Test func aRootThatIsAFileIsRefused() async throws {
    try await withScratchDirectory { directory in
      let path = directory.appending(path: "file").path
      try Data().write(to: URL(filePath: path))
      let error = try #require(storeError { _ = try BlobStore(root: path) })
      #expect(error.code == .notADirectory)
      #expect(error.description.contains(path))
      #expect(storeError { _ = try BlobStore(root: "") }?.code == .noLocation)
    }
  }

  @Test func modesDoNotDependOnTheUmask() async throws {
    try await withScratchDirectory { directory in
      // The umask belongs to the process: only a child may change it.
      await #expect(processExitsWith: .success) {
        [root = directory.appending(path: "a/store").path as String] in
        umask(0o077)
        let store = try BlobStore(root: root)
        try store.insert([1, 2, 3])
        try store.setRecord([1], kind: "kind", key: "key")
        let blob = try store.download(SHA256.digest(of: [9, 9]), size: 2)
        try blob.append([9, 9])
        try blob.commit()
      }
      let root = directory.appending(path: "a/store").path
      let store = try BlobStore(root: root)
      for path in try FileManager.default.subpathsOfDirectory(atPath: root) {
        var status = stat()
        #expect(stat("\(root)/\(path)", &status) == 0)
        #expect(status.st_mode & 0o7777 == (status.st_mode & S_IFMT == S_IFDIR ? 0o755 : 0o644), "\(path)")
      }
      #expect(try store.digests().count == 2)
    }
  }
}
