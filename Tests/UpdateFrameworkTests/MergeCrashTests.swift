import Bytes
import FoundationEssentials
import Glibc
import Signing
import Synchronization
import TestSupport
import Testing

@testable import UpdateFramework

/// Publishers that are killed, at every step that leaves a trace.
@Suite struct MergeCrashTests {
  /// Runs something in a process that kills itself before step `count`; the steps are renames and removals.
  private static func dieAt(_ count: Int, _ body: () async throws -> Void) async throws {
    let steps = Mutex(0)
    try await AtomicFile.$beforeStep.withValue({
      let step = steps.withLock { steps in
        steps += 1
        return steps
      }
      if step == count { kill(getpid(), SIGKILL) }
    }) { try await body() }
  }

  private static func steps(_ body: () async throws -> Void) async throws -> Int {
    let steps = Mutex(0)
    try await AtomicFile.$beforeStep.withValue({ steps.withLock { $0 += 1 } }) { try await body() }
    return steps.withLock { $0 }
  }

  /// What lies there, and can be read without the lock: versions of root, targets and prod.
  private func versions(_ directory: RepositoryDirectory) throws -> [Int] {
    let repository = try #require(try Repository.load(directory))
    return [
      repository.root.signed.header.version, repository.targets["targets"]?.signed.header.version ?? 0,
      repository.targets["prod"]?.signed.header.version ?? 0,
    ]
  }

  @Test func aMergeIsDoneOrNotWheneverItIsKilled() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path + "/pristine")
      let (old, new, keeper) = (
        try PrivateKey.generate(.ed25519), try PrivateKey.generate(.ed25519),
        try PrivateKey.generate(.ed25519)
      )
      func edit(_ draft: inout RepositoryDraft, _ key: PrivateKey) {
        draft.edit("targets") { targets in
          let keys = RoleKeys(keyIDs: [ExactString(key.keyID)], threshold: 1)
          targets.delegations = Delegations(
            keys: [ExactString(key.keyID): key.key],
            roles: .listed([DelegatedRole(name: "prod", keys: keys, scope: .paths(["prod/*"]))]))
        }
        draft.edit("prod") { _ in }
      }
      var first = try published.draft()
      edit(&first, old)
      try await published.merge(first.proposal(reason: ""), signers: published.targets + [old])
      try await published.directory.publish(signers: published.online, now: published.now)
      // Root, targets and the delegated role at once, each signed by keys that the others name.
      var second = try published.draft()
      edit(&second, new)
      second.root.add([keeper], to: "targets", threshold: 1)
      var proposal = try second.proposal(reason: "")
      for key in published.root + [keeper, new] {
        _ = try await proposal.sign(with: key, in: try published.load())
      }
      #expect(proposal.roles == ["root", "prod", "targets"])
      let file = scratch.path + "/proposal.json"
      try Data(proposal.bytes).write(to: URL(fileURLWithPath: file))

      func copy() throws -> String {
        let path = scratch.path + "/copy"
        try? FileManager.default.removeItem(atPath: path)
        try FileManager.default.copyItem(atPath: scratch.path + "/pristine", toPath: path)
        return path
      }
      let count = try await Self.steps { try RepositoryDirectory(copy()).merge(proposal) }
      #expect(count >= 5)
      var outcomes: Set<[Int]> = []
      for step in 1...count {
        let path = try copy()
        await #expect(processExitsWith: .signal(SIGKILL)) {
          [path = path as String, file = file as String, step = step as Int] in
          let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
          let proposal = try Proposal(bytes, source: file)
          try await Self.dieAt(step) { try RepositoryDirectory(path).merge(proposal) }
        }
        let directory = RepositoryDirectory(path)
        let versions = try versions(directory)
        #expect(versions == [1, 2, 1] || versions == [2, 3, 2], "killed before step \(step): \(versions)")
        outcomes.insert(versions)
        // A version that counts can be read one by one, too.
        #expect((try directory.targets("prod", version: 2) != nil) == (versions == [2, 3, 2]))
        // Whoever comes next goes on, and the same merge is done once.
        let isPublished = try await directory.publish(signers: published.online, now: published.now)
        #expect(isPublished == (versions == [2, 3, 2]))
        do {
          try directory.merge(proposal)
          #expect(versions == [1, 2, 1])
        } catch let error as UpdateError {
          #expect(error.code == .conflict && versions == [2, 3, 2], "\(error)")
        }
        #expect(try self.versions(directory) == [2, 3, 2])
        let left = try FileManager.default.contentsOfDirectory(atPath: path + "/metadata")
        #expect(left.filter { $0.hasPrefix("%") } == ["%lock"])
      }
      #expect(outcomes.count == 2)
    }
  }

  @Test(arguments: [false, true]) func freshnessIsSignedWheneverThatIsKilled(_ isFirst: Bool) async throws {
    try await withScratchDirectory { scratch in
      let pair = try KeyPair.generate(name: "online")
      let online = KeyRingSigner(FileSigner(pair))
      let file = scratch.path + "/online.key"
      try SecretKeyFile(pair, protection: .none).write(file)
      let keys = try (0..<2).map { _ in try PrivateKey.generate(.ed25519) }
      let pristine = RepositoryDirectory(scratch.path + "/pristine")
      var root = RootRole(header: RoleHeader(version: 1, expires: .now), roles: [:])
      root.add([keys[0]], to: "root", threshold: 1)
      root.add([keys[1]], to: "targets", threshold: 1)
      root.keys[ExactString(online.keyID)] = online.key
      for name: ExactString in ["snapshot", "timestamp"] {
        root.roles[name] = RoleKeys(keyIDs: [ExactString(online.keyID)], threshold: 1)
      }
      var proposal = try RepositoryDraft(root: root, now: .now).proposal(reason: "")
      for key in keys { _ = try await proposal.sign(with: key, in: nil) }
      try pristine.merge(proposal)
      if !isFirst { try await pristine.publish(signers: [online], now: .now) }
      let before = try #require(try Repository.load(pristine)).timestamp?.signed.header.version ?? 0

      func copy() throws -> String {
        let path = scratch.path + "/copy"
        try? FileManager.default.removeItem(atPath: path)
        try FileManager.default.copyItem(atPath: pristine.path, toPath: path)
        return path
      }
      let count = try await Self.steps {
        try await RepositoryDirectory(copy()).publish(signers: [online], now: .now, force: true)
      }
      #expect(count >= 2)
      for step in 1...count {
        let path = try copy()
        await #expect(processExitsWith: .signal(SIGKILL)) {
          [path = path as String, file = file as String, step = step as Int] in
          let signer = KeyRingSigner(FileSigner(try SecretKeyFile.read(file).unlock(passphrase: nil)))
          try await Self.dieAt(step) {
            try await RepositoryDirectory(path).publish(signers: [signer], now: .now, force: true)
          }
        }
        // Nobody is told to restore what never was, and no version is made twice.
        let directory = RepositoryDirectory(path)
        let state = try #require(try Repository.load(directory))
        let there = state.timestamp?.signed.header.version ?? 0
        #expect(there == before || there == before + 1)
        let old = try directory.versions(of: "snapshot").map {
          try directory.read("snapshot", version: $0, limit: .max)
        }
        try await directory.publish(signers: [online], now: .now, force: true)
        let new = try directory.versions(of: "snapshot").map {
          try directory.read("snapshot", version: $0, limit: .max)
        }
        #expect(new.starts(with: old) && new.count == old.count + 1)
        let after = try #require(try Repository.load(directory))
        #expect(after.timestamp?.signed.header.version == there + 1)
        let left = try FileManager.default.contentsOfDirectory(atPath: path + "/metadata")
        #expect(left.filter { $0.hasPrefix("%") } == ["%lock"])
      }
    }
  }

  @Test func readersNeverSeeHalfOfAMerge() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      var keys = [try PrivateKey.generate(.ed25519)]
      func edit(_ draft: inout RepositoryDraft, _ key: PrivateKey) {
        draft.edit("targets") { targets in
          let role = RoleKeys(keyIDs: [ExactString(key.keyID)], threshold: 1)
          targets.delegations = Delegations(
            keys: [ExactString(key.keyID): key.key],
            roles: .listed([DelegatedRole(name: "prod", keys: role, scope: .paths(["prod/*"]))]))
        }
        draft.edit("prod") { _ in }
      }
      let directory = published.directory
      let (started, start) = AsyncStream<Void>.makeStream()
      try await withThrowingTaskGroup { group in
        group.addTask {
          while !Task.isCancelled {
            _ = try Repository.load(directory)
            start.yield()
          }
        }
        for await _ in started { break }
        for _ in 0..<20 {
          let key = try PrivateKey.generate(.ed25519)
          keys.append(key)
          var draft = try published.draft()
          edit(&draft, key)
          try await published.merge(draft.proposal(reason: ""), signers: published.targets + keys)
        }
        group.cancelAll()
        try await group.waitForAll()
      }
    }
  }

  @Test func whatKilledWritersLeftIsSweptUp() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      let metadata = scratch.path + "/metadata/%.1.2.part"
      let (fresh, stale) = (
        scratch.path + "/targets/new/%.1.2.part", scratch.path + "/targets/new/%.1.3.part"
      )
      try FileManager.default.createDirectory(
        atPath: scratch.path + "/targets/new", withIntermediateDirectories: true)
      for path in [metadata, fresh, stale] { try Data([1]).write(to: URL(fileURLWithPath: path)) }
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSinceNow: -7200)], ofItemAtPath: stale)
      try await published.add("new/file", "content", signers: published.targets)
      #expect(!FileManager.default.fileExists(atPath: metadata))
      // A target may be on its way there at this moment.
      #expect(FileManager.default.fileExists(atPath: fresh))
      #expect(!FileManager.default.fileExists(atPath: stale))
    }
  }
}
