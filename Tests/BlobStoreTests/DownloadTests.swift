import BlobStore
import Bytes
import FoundationEssentials
import Glibc
import TestSupport
import Testing

@Suite struct DownloadTests {
  // Made once: debug builds are slow at it.
  private static let shared = pattern(3_000_000)
  private static let sharedDigest = SHA256.digest(of: shared)
  let bytes = shared
  let digest = sharedDigest

  @Test func arrivesInPiecesAndIsCommitted() async throws {
    try await withStore { store in
      let blob = try await store.download(digest, size: bytes.count)
      #expect(blob.size == 0)
      #expect(!blob.isFinished)
      for start in stride(from: 0, to: bytes.count, by: 100_000) {
        try blob.append(Array(bytes[start..<start + 100_000]))
      }
      #expect(!store.contains(digest))
      try blob.commit()
      #expect(blob.isFinished)
      #expect(try store.read(digest) == bytes)
      #expect(try leftovers(store) == [])
      try blob.commit()
    }
  }

  @Test func resumesWhereItEnded() async throws {
    try await withStore { store in
      let first = try await store.download(digest, size: bytes.count)
      try first.append(Array(bytes[..<1_234_567]))
      first.keep()
      let second = try await store.download(digest, size: bytes.count)
      #expect(second.size == 1_234_567)
      try second.append(Array(bytes[1_234_567...]))
      try second.commit()
      #expect(try store.read(digest) == bytes)
    }
  }

  @Test func oneThatIsDroppedIsKeptAndOneWithoutBytesIsNot() async throws {
    try await withStore { store in
      do {
        let blob = try await store.download(digest, size: bytes.count)
        try blob.append([bytes[0]])
      }
      #expect(try leftovers(store) == ["partial/\(digest.hex)"])
      let again = try await store.download(digest, size: bytes.count)
      #expect(again.size == 1)
      try again.restart()
      again.keep()
      #expect(try leftovers(store) == [])
    }
  }

  @Test func discardLeavesNothing() async throws {
    try await withStore { store in
      let blob = try await store.download(digest, size: bytes.count)
      try blob.append(Array(bytes[..<1000]))
      blob.discard()
      #expect(try leftovers(store) == [])
      #expect(storeError { try blob.append([1]) }?.code == .incomplete)
      #expect(storeError { try blob.commit() }?.code == .incomplete)
    }
  }

  @Test func wrongBytesAreDiscarded() async throws {
    try await withStore { store in
      let blob = try await store.download(digest, size: bytes.count)
      var wrong = bytes
      wrong[2_999_999] ^= 1
      try blob.append(wrong)
      let error = try #require(storeError { try blob.commit() })
      #expect(error.code == .mismatch)
      #expect(error.description.contains(digest.hex))
      #expect(error.description.contains(SHA256.digest(of: wrong).hex))
      #expect(!store.contains(digest))
      #expect(try leftovers(store) == [])
    }
  }

  @Test func aPartThatWentBadOnDiskIsFoundOutAndTheNextTryIsClean() async throws {
    try await withStore { store in
      let first = try await store.download(digest, size: bytes.count)
      try first.append(Array(bytes[..<1000]))
      first.keep()
      try flipBit("\(store.root)/partial/\(digest.hex)", byte: 500)
      let second = try await store.download(digest, size: bytes.count)
      try second.append(Array(bytes[1000...]))
      #expect(storeError { try second.commit() }?.code == .mismatch)
      let third = try await store.download(digest, size: bytes.count)
      #expect(third.size == 0)
    }
  }

  @Test func tooManyBytesAreRefusedAndNothingOfThemIsWritten() async throws {
    try await withStore { store in
      let blob = try await store.download(digest, size: bytes.count)
      try blob.append(Array(bytes[..<2_999_999]))
      #expect(storeError { try blob.append([1, 2]) }?.code == .tooLong)
      #expect(blob.size == 2_999_999)
      try blob.append([bytes[2_999_999]])
      try blob.commit()
      #expect(try store.read(digest) == bytes)
    }
  }

  @Test func anEarlyCommitSaysWhatIsMissingAndLosesNothing() async throws {
    try await withStore { store in
      let blob = try await store.download(digest, size: bytes.count)
      try blob.append(Array(bytes[..<10]))
      let error = try #require(storeError { try blob.commit() })
      #expect(error.code == .incomplete)
      #expect(error.description.contains("10 of 3000000 bytes"))
      try blob.append(Array(bytes[10...]))
      try blob.commit()
      #expect(store.contains(digest))
    }
  }

  @Test func aPartialFileLongerThanTheWholeBeginsAnew() async throws {
    try await withStore { store in
      try Data(pattern(50)).write(to: URL(filePath: "\(store.root)/partial/\(digest.hex)"))
      let blob = try await store.download(digest, size: 49)
      #expect(blob.size == 0)
    }
  }

  @Test func whatIsThereAlreadyNeedsNoDownload() async throws {
    try await withStore { store in
      try store.insert(bytes)
      let blob = try await store.download(digest, size: bytes.count)
      #expect(blob.isFinished)
      #expect(blob.size == bytes.count)
      try blob.commit()
      #expect(try leftovers(store) == [])
    }
  }

  @Test func twoTasksShareOneDownload() async throws {
    try await withStore { store in
      let (bytes, digest) = (bytes, digest)
      let writers = try await withThrowingTaskGroup(of: Int.self) { group in
        // More tasks than cores: waiting must not hold a thread, or the owner could never go on.
        for _ in 0..<8 {
          group.addTask {
            let blob = try await store.download(digest, size: bytes.count)
            if blob.isFinished { return 0 }
            for start in stride(from: 0, to: bytes.count, by: 300_000) {
              try blob.append(Array(bytes[start..<start + 300_000]))
              await Task.yield()
            }
            try blob.commit()
            return 1
          }
        }
        return try await group.reduce(0, +)
      }
      #expect(writers == 1)
      #expect(try store.read(digest) == bytes)
      #expect(try leftovers(store) == [])
    }
  }

  @Test func aCancelledTaskStopsWaiting() async throws {
    try await withStore { store in
      let holder = try await store.download(digest, size: bytes.count)
      let (size, digest) = (bytes.count, digest)
      let waiter = Task { _ = try await store.download(digest, size: size) }
      waiter.cancel()
      await #expect(throws: CancellationError.self) { try await waiter.value }
      holder.discard()
    }
  }

  @Test func twoProcessesShareOneDownload() async throws {
    try await withScratchDirectory { directory in
      let root = directory.appending(path: "store").path
      let store = try BlobStore(root: root)
      let begun = try await store.download(digest, size: bytes.count)
      try begun.append(Array(bytes[..<1000]))
      begun.keep()
      async let one: Void = child(root, name: "one", rival: "two")
      async let two: Void = child(root, name: "two", rival: "one")
      _ = await (one, two)
      let results = try names(root).filter { $0.hasPrefix("wrote") || $0.hasPrefix("saw") }
      #expect(results == ["saw-two", "wrote-one"] || results == ["saw-one", "wrote-two"])
      #expect(try store.read(digest) == bytes)
      #expect(try leftovers(store) == [])
    }
  }

  /// A process that downloads the blob of this suite and leaves a note on how it got it.
  private func child(_ root: String, name: String, rival: String) async {
    await #expect(processExitsWith: .success) {
      [root = root as String, name = name as String, rival = rival as String] in
      func note(_ text: String) throws {
        try Data().write(to: URL(filePath: "\(root)/\(text)-\(name)"))
      }
      let bytes = pattern(3_000_000)
      let store = try BlobStore(root: root)
      try note("ready")
      // Start together; on a machine that runs one child at a time, go on alone in the end.
      for _ in 0..<2000 where access("\(root)/ready-\(rival)", F_OK) != 0 { usleep(5000) }
      // The form that waits in the kernel; the other form is raced by the test before.
      let blob = try { try store.download(SHA256.digest(of: bytes), size: bytes.count) }()
      if blob.isFinished { return try note("saw") }
      guard blob.size == 1000 else { exit(1) }
      for start in stride(from: blob.size, to: bytes.count, by: 100_000) {
        try blob.append(Array(bytes[start..<min(start + 100_000, bytes.count)]))
        usleep(1000)
      }
      try blob.commit()
      try note("wrote")
    }
  }
}
