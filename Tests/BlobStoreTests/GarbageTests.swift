import BlobStore
import Bytes
import FoundationEssentials
import Glibc
import Testing

@Suite struct GarbageTests {
  @Test func theLeastRecentlyUsedGoFirst() async throws {
    try await withStore { store in
      let all = try (0..<5).map { try store.insert(pattern(1000, seed: $0)) }
      for (age, digest) in all.enumerated() { setAge(store.path(of: digest), seconds: 100 + age * 10) }
      let done = try store.collectGarbage(maximumSize: 2500)
      #expect(done.removed == 3)
      #expect(done.bytes == 3000)
      #expect(try store.digests() == [all[0], all[1]].sorted())
      let again = try store.collectGarbage(maximumSize: 2500)
      #expect(again.removed == 0)
    }
  }

  @Test func readingCountsAsUse() async throws {
    try await withStore { store in
      let all = try (0..<4).map { try store.insert(pattern(1000, seed: $0)) }
      for (index, digest) in all.enumerated() { setAge(store.path(of: digest), seconds: 90_000 - index) }
      _ = try store.read(all[0])
      _ = store.contains(all[1])
      _ = try store.verify(all[2])
      _ = try store.collectGarbage(maximumSize: 3000)
      #expect(try store.digests() == all[0...2].sorted())
    }
  }

  @Test func aUseWithinTheHourWritesNothing() async throws {
    try await withStore { store in
      let digest = try store.insert(pattern(10))
      setAge(store.path(of: digest), seconds: 1800)
      let before = modified(store.path(of: digest))
      _ = try store.read(digest)
      #expect(modified(store.path(of: digest)) == before)
    }
  }

  @Test func recordsAreCollectedTooAndCorruptEntriesFirst() async throws {
    try await withStore { store in
      let digest = try store.insert(pattern(1000))
      try store.setRecord(pattern(952), kind: "k", key: "old")  // 1000 bytes with its header
      setAge("\(store.root)/records/k/old", seconds: 500)
      let bad = try store.insert(pattern(50, seed: 3))
      try flipBit(store.path(of: bad), byte: 1)
      #expect(try store.read(bad) == nil)
      let done = try store.collectGarbage(maximumSize: 1000)
      #expect(done.removed == 1)
      #expect(done.bytes == 1000)
      #expect(try store.record(kind: "k", key: "old") == nil)
      #expect(store.contains(digest))
      #expect(try leftovers(store) == [])
    }
  }

  @Test func isSafeBesideReadersAndWriters() async throws {
    try await withStore { store in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for seed in UInt8(0)..<3 {
          group.addTask {
            for round in 0..<100 {
              let bytes = pattern(2000 + round % 7, seed: seed)
              let digest = try store.insert(bytes, durable: false)
              let seen = try store.read(digest)
              #expect(seen == nil || seen == bytes)
            }
          }
        }
        group.addTask {
          for _ in 0..<100 { _ = try store.collectGarbage(maximumSize: 3000) }
        }
        try await group.waitForAll()
      }
      #expect(try store.verifyAll() == [])
      #expect(try leftovers(store) == [])
    }
  }

  @Test func openingSweepsWhatCrashedWritersLeft() async throws {
    try await withStore { store in
      func plant(_ name: String, age: Int) throws {
        try Data("x".utf8).write(to: URL(filePath: "\(store.root)/\(name)"))
        setAge("\(store.root)/\(name)", seconds: age)
      }
      let day = 86_400
      let digest = SHA256.digest(of: [1, 2])
      try plant("temporary/old", age: day + 10)
      try plant("temporary/new", age: day - 10)
      try plant("partial/old", age: 8 * day)
      try plant("partial/new", age: 6 * day)
      try plant("corrupt/old", age: 8 * day)
      // Old by its time stamp, but somebody is at it.
      let held = try await store.download(digest, size: 2)
      try held.append([1])
      setAge("\(store.root)/partial/\(digest.hex)", seconds: 8 * day)
      _ = try BlobStore(root: store.root)
      #expect(try leftovers(store) == ["temporary/new", "partial/\(digest.hex)", "partial/new"])
      try held.append([2])
      try held.commit()
      #expect(try store.read(digest) == [1, 2])
    }
  }
}

@Suite struct LeaseTests {
  @Test func whatARunningBuildUsesStays() async throws {
    try await withStore { store in
      let old = try store.insert(pattern(1000, seed: 1))
      let used = try store.insert(pattern(1000, seed: 2))
      for digest in [old, used] { setAge(store.path(of: digest), seconds: 90_000) }
      do {
        let lease = try #require(store.lease())
        #expect(store.contains(used))
        let made = try store.insert(pattern(1000, seed: 3))
        let dry = try store.collectGarbage(maximumSize: 0, isDryRun: true)
        #expect(dry.removed == 1 && dry.inUse == 2 && dry.left == 2000)
        #expect(store.contains(old))
        // Looking at it was a use, so another age it is.
        setAge(store.path(of: old), seconds: 90_000)
        let done = try store.collectGarbage(maximumSize: 0)
        #expect(done == dry)
        #expect(try store.digests() == [used, made].sorted())
        withExtendedLifetime(lease) {}
      }
      #expect(try store.collectGarbage(maximumSize: 0).removed == 2)
      #expect(try store.digests() == [])
    }
  }

  @Test func aLeaseOfADeadProcessHoldsNothing() async throws {
    try await withStore { store in
      try store.insert(pattern(1000))
      try Data().write(to: URL(filePath: "\(store.root)/leases/1-dead"))
      #expect(try store.collectGarbage(maximumSize: 0).removed == 1)
      #expect(try names("\(store.root)/leases") == [".gate"])
    }
  }

  @Test func whatNothingCanDeriveAgainIsNoGarbage() async throws {
    try await withStore { store in
      try store.setRecord([1], kind: "archives", key: "k")
      #expect(try store.collectGarbage(maximumSize: 0).removed == 0)
      #expect(try store.record(kind: "archives", key: "k") == [1])
    }
  }

  @Test func usageCountsWhatIsThere() async throws {
    try await withStore { store in
      try store.insert(pattern(1000))
      try store.insert(pattern(24))
      try store.setRecord(pattern(52), kind: "frame", key: "k")
      let usage = try store.usage()
      #expect(usage.blobs.count == 2 && usage.blobs.bytes == 1024)
      #expect(usage.records["frame"]?.count == 1 && usage.records["frame"]?.bytes == 100)
      #expect(usage.bytes == 1124 && usage.partial.count == 0)
    }
  }
}
