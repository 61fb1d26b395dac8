import BlobStore
import Bytes
import FoundationEssentials
import Glibc
import Testing

@Suite struct CorruptionTests {
  @Test(arguments: [(0, UInt8(0)), (4095, 7), (9_999, 3)])
  func aFlippedBitIsMovedAwayAndHealed(byte: Int, bit: UInt8) async throws {
    try await withStore { store in
      let digest = try store.insert(pattern(10_000))
      try flipBit(store.path(of: digest), byte: byte, bit: bit)
      #expect(store.contains(digest, size: 10_000))
      #expect(try store.read(digest) == nil)
      #expect(!store.contains(digest))
      #expect(try leftovers(store) == ["corrupt/\(digest.hex)"])
      try store.insert(pattern(10_000))
      #expect(try store.read(digest) == pattern(10_000))
    }
  }

  @Test(arguments: [0, 1, 9_999, 10_001])
  func aWrongLengthIsMovedAway(size: Int) async throws {
    try await withStore { store in
      let digest = try store.insert(pattern(10_000))
      #expect(truncate(store.path(of: digest), size) == 0)
      #expect(!store.contains(digest, size: 10_000))
      #expect(try !store.verify(digest))
      #expect(!store.contains(digest))
    }
  }

  @Test func insertReplacesACorruptEntryOfTheRightSize() async throws {
    try await withStore { store in
      let digest = try store.insert(pattern(100))
      try flipBit(store.path(of: digest), byte: 50)
      try store.insert(pattern(100))
      #expect(try Data(contentsOf: URL(filePath: store.path(of: digest))) == Data(pattern(100)))
    }
  }

  @Test func aLinkADirectoryOrAPipeInAnEntrysPlaceIsNoBlob() async throws {
    try await withStore { store in
      let digest = try store.insert(pattern(100))
      let path = store.path(of: digest)
      try FileManager.default.moveItem(atPath: path, toPath: "\(store.root)/elsewhere")
      #expect(symlink("\(store.root)/elsewhere", path) == 0)
      #expect(!store.contains(digest))
      #expect(try store.read(digest) == nil)
      // Opening a FIFO for reading would wait for a writer for ever.
      #expect(mkfifo(path, 0o644) == 0)
      #expect(try store.read(digest) == nil)
      #expect(mkdir(path, 0o755) == 0)
      #expect(try store.read(digest) == nil)
      #expect(try store.insert(pattern(100)) == digest)
      #expect(try store.read(digest) == pattern(100))
    }
  }

  @Test func verifyAllFindsExactlyTheCorruptOnesAndReportsProgress() async throws {
    try await withStore { store in
      let all = try (0..<12).map { try store.insert(pattern(3_000_000 / 12 + Int($0), seed: $0)) }
      try flipBit(store.path(of: all[3]), byte: 17)
      #expect(truncate(store.path(of: all[7]), 5) == 0)
      var seen: [[Int]] = []
      let corrupt = try store.verifyAll { seen.append([$0, $1]) }
      #expect(corrupt == [all[3], all[7]].sorted())
      #expect(seen == (1...12).map { [$0, 12] })
      #expect(try store.digests().count == 10)
      #expect(try leftovers(store) == [])
      #expect(try store.verifyAll() == [])
    }
  }

  @Test func aReaderDoesNotMoveAwayWhatSomebodyHasJustHealed() async throws {
    try await withStore { store in
      let (good, other) = (pattern(1000), pattern(1000, seed: 9))
      let digest = try store.insert(good)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<3 {
          group.addTask {
            for _ in 0..<200 {
              let bytes = try store.read(digest)
              #expect(bytes == nil || bytes == good)
            }
          }
        }
        group.addTask {
          for _ in 0..<100 {
            // As a dying disk would: bad bytes under the name, by rename so that readers see it whole.
            let bad = "\(store.root)/temporary/bad"
            try Data(other).write(to: URL(filePath: bad))
            #expect(rename(bad, store.path(of: digest)) == 0)
            try store.insert(good, durable: false)
          }
        }
        try await group.waitForAll()
      }
      try store.insert(pattern(1000))
      #expect(try store.read(digest) == pattern(1000))
    }
  }
}
