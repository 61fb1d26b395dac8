import BlobStore
import Bytes
import FoundationEssentials
import Glibc
import TestSupport
import Testing

@Suite struct FailureTests {
  @Test(.enabled(if: canMount, "needs the right to mount a tmpfs: run as root"))
  func aFullDiskIsOneSentenceAndLeavesNoTrace() async throws {
    try await withSmallDisk("1m") { disk in
      let store = try BlobStore(root: "\(disk)/store")
      let small = try store.insert(pattern(1000))
      for durable in [true, false] {
        let error = try #require(storeError { try store.insert(pattern(2_000_000), durable: durable) })
        #expect(error.code == .noSpace)
        #expect(error.path.hasPrefix("\(disk)/store"))
        #expect(error.description.contains("No space left on device; free some space"))
      }
      #expect(storeError { try store.setRecord(pattern(2_000_000), kind: "k", key: "r") }?.code == .noSpace)
      #expect(try leftovers(store) == [])
      #expect(try store.read(small) == pattern(1000))
    }
  }

  @Test(.enabled(if: canMount, "needs the right to mount a tmpfs: run as root"))
  func aDownloadSurvivesAFullDisk() async throws {
    try await withSmallDisk("1m") { disk in
      let store = try BlobStore(root: "\(disk)/store")
      let bytes = pattern(800_000)
      let ballast = try store.insert(pattern(400_000, seed: 5))
      let blob = try await store.download(SHA256.digest(of: bytes), size: bytes.count)
      try blob.append(Array(bytes[..<300_000]))
      #expect(storeError { try blob.append(Array(bytes[300_000...])) }?.code == .noSpace)
      #expect(blob.size == 300_000)
      try store.remove(ballast)
      try blob.append(Array(bytes[300_000...]))
      try blob.commit()
      #expect(try store.read(SHA256.digest(of: bytes)) == bytes)
    }
  }

  @Test(.enabled(if: canMount, "needs the right to mount a tmpfs: run as root"))
  func aReadOnlyFileSystemCanBeReadAndSaysSoWhenWritten() async throws {
    try await withSmallDisk("1m") { disk in
      let writable = try BlobStore(root: "\(disk)/store")
      let good = try writable.insert(pattern(1000))
      let bad = try writable.insert(pattern(1000, seed: 2))
      try writable.setRecord([5], kind: "k", key: "r")
      try flipBit(writable.path(of: bad), byte: 1)
      try remountReadOnly(disk)
      let store = try BlobStore(root: "\(disk)/store")
      #expect(try store.read(good) == pattern(1000))
      #expect(try store.record(kind: "k", key: "r") == [5])
      #expect(try store.read(bad) == nil)
      #expect(try store.verifyAll() == [bad])
      let failures: [() throws -> Void] = [
        { try store.insert([1]) },
        { try store.setRecord([1], kind: "k", key: "r") },
        { try store.remove(good) },
        { _ = try store.download(SHA256.digest(of: [1]), size: 1) },
        { _ = try BlobStore(root: "\(disk)/another") },
      ]
      for failure in failures {
        let error = try #require(storeError(failure))
        #expect(error.code == .readOnly)
        #expect(error.description.contains("set NETIMG_STORE"))
      }
    }
  }

  @Test func aStoreWithoutPermissionCanBeReadAndSaysSoWhenWritten() async throws {
    try await withScratchDirectory { directory in
      _ = await #expect(processExitsWith: .success) {
        [root = directory.appending(path: "store").path as String] in
        let owner = try BlobStore(root: root)
        let digest = try owner.insert([1, 2, 3])
        let hidden = try owner.insert([4])
        chmod(owner.path(of: hidden), 0)
        for path in try FileManager.default.subpathsOfDirectory(atPath: root).map({ "\(root)/\($0)" }) + [
          root
        ] {
          var isDirectory = false
          if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory {
            chmod(path, 0o555)
          }
        }
        // Permission bits do not bind root.
        if geteuid() == 0 { guard setgid(65534) == 0, setuid(65534) == 0 else { exit(2) } }
        let store = try BlobStore(root: root)
        guard try store.read(digest) == [1, 2, 3] else { exit(3) }
        guard storeError({ try store.insert([9]) })?.code == .readOnly else { exit(4) }
        guard storeError({ _ = try store.read(hidden) })?.code == .unreadable else { exit(5) }
        guard storeError({ _ = try store.download(hidden, size: 7) })?.code == .readOnly else { exit(6) }
      }
    }
  }

  @Test func aProcessKilledInTheMiddleLeavesNoHalfBlob() async throws {
    try await withScratchDirectory { directory in
      let root = directory.appending(path: "store").path
      for pause in [0, 1_000, 5_000, 20_000, 60_000] {
        await #expect(processExitsWith: .signal(SIGKILL)) { [root = root as String, pause = pause as Int] in
          let store = try BlobStore(root: root)
          let killer = Task.detached {
            usleep(UInt32(pause))
            kill(getpid(), SIGKILL)
          }
          for round in 0... {
            try store.insert(pattern(50_000 + round % 50), durable: false)
            try store.setRecord(pattern(round % 999), kind: "k", key: "r")
            try store.remove(SHA256.digest(of: pattern(50_000 + (round + 25) % 50)))
          }
          await killer.value
        }
        let store = try BlobStore(root: root)
        #expect(try store.verifyAll() == [])
        // Either there is no record yet, or it is whole: a torn one would be gone from the keys once read.
        let keys = try store.recordKeys(kind: "k")
        let record = try store.record(kind: "k", key: "r")
        #expect((record != nil) == (keys == ["r"]))
      }
    }
  }

  @Test func aKilledDownloadIsResumed() async throws {
    try await withScratchDirectory { directory in
      let root = directory.appending(path: "store").path
      await #expect(processExitsWith: .signal(SIGKILL)) { [root = root as String] in
        let bytes = pattern(200_000)
        let blob = try await BlobStore(root: root).download(SHA256.digest(of: bytes), size: bytes.count)
        try blob.append(Array(bytes[..<123_456]))
        kill(getpid(), SIGKILL)
      }
      let store = try BlobStore(root: root)
      let bytes = pattern(200_000)
      let digest = SHA256.digest(of: bytes)
      #expect(!store.contains(digest))
      let blob = try await store.download(digest, size: bytes.count)
      #expect(blob.size == 123_456)
      try blob.append(Array(bytes[123_456...]))
      try blob.commit()
      #expect(try store.read(digest) == bytes)
    }
  }
}
