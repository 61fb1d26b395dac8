import BlobStore
import FoundationEssentials
import Glibc
import Testing

@Suite struct RecordTests {
  @Test func areReplacedAndRemoved() async throws {
    try await withStore { store in
      #expect(try store.record(kind: "packs", key: "frr_10.3-1") == nil)
      try store.setRecord([1, 2], kind: "packs", key: "frr_10.3-1")
      try store.setRecord([3], kind: "packs", key: "frr_10.3-1")
      try store.setRecord([], kind: "packs", key: "empty")
      #expect(try store.record(kind: "packs", key: "frr_10.3-1") == [3])
      #expect(try store.record(kind: "packs", key: "empty") == [])
      #expect(try store.recordKeys(kind: "packs") == ["empty", "frr_10.3-1"])
      #expect(try store.recordKeys(kind: "none") == [])
      try store.removeRecord(kind: "packs", key: "empty")
      try store.removeRecord(kind: "packs", key: "empty")
      #expect(try store.record(kind: "packs", key: "empty") == nil)
      #expect(try leftovers(store) == [])
    }
  }

  @Test func everyFlippedBitAndEveryTruncationIsNoticed() async throws {
    try await withStore { store in
      try store.setRecord(Array("payload".utf8), kind: "k", key: "r")
      let path = "\(store.root)/records/k/r"
      let good = try Data(contentsOf: URL(filePath: path))
      #expect(good.count == 16 + 32 + 7)
      for index in good.indices {
        var bad = good
        bad[index] ^= 1 << UInt8(index % 8)
        try bad.write(to: URL(filePath: path))
        #expect(try store.record(kind: "k", key: "r") == nil, "byte \(index)")
        #expect(try store.recordKeys(kind: "k") == [])
        try good.prefix(index).write(to: URL(filePath: path))
        #expect(try store.record(kind: "k", key: "r") == nil, "first \(index) bytes")
      }
      try good.write(to: URL(filePath: path))
      #expect(try store.record(kind: "k", key: "r") == Array("payload".utf8))
    }
  }

  @Test func aRecordUnderAnotherNameDoesNotCount() async throws {
    try await withStore { store in
      try store.setRecord([1], kind: "k", key: "one")
      #expect(rename("\(store.root)/records/k/one", "\(store.root)/records/k/two") == 0)
      #expect(try store.record(kind: "k", key: "two") == nil)
    }
  }

  @Test(arguments: [
    "", ".", "..", "../x", "a/b", "A", "a b", ".hidden", "ä", "a\0", String(repeating: "a", count: 201),
  ])
  func namesThatCouldLeaveTheirDirectoryAreRefused(name: String) async throws {
    try await withStore { store in
      #expect(storeError { _ = try store.record(kind: name, key: "k") }?.code == .invalidName)
      #expect(storeError { _ = try store.record(kind: "k", key: name) }?.code == .invalidName)
      #expect(storeError { try store.setRecord([], kind: "k", key: name) }?.code == .invalidName)
      #expect(storeError { try store.removeRecord(kind: name, key: "k") }?.code == .invalidName)
      #expect(storeError { _ = try store.recordKeys(kind: name) }?.code == .invalidName)
    }
  }

  @Test func concurrentWritersLeaveOneOfTheirs() async throws {
    try await withStore { store in
      let payloads = (UInt8(1)...4).map { pattern(9000, seed: $0) }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for payload in payloads {
          group.addTask {
            for _ in 0..<30 {
              try store.setRecord(payload, kind: "k", key: "r")
              let seen = try store.record(kind: "k", key: "r")
              #expect(payloads.contains { seen == $0 })
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(try leftovers(store) == [])
    }
  }
}
