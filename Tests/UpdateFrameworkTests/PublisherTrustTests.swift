import Bytes
import FoundationEssentials
import Signing
import TestSupport
import Testing

@testable import UpdateFramework

/// What those who publish believe of their own directory: what follows from a root that they know, signed by keys that
/// count today, and nothing that is older than what was seen.
@Suite struct PublisherTrustTests {
  private func failure(_ body: () async throws -> Void) async -> UpdateError? {
    do {
      try await body()
      return nil
    } catch {
      return error as? UpdateError
    }
  }

  private func read(_ name: String, of directory: RepositoryDirectory) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(directory.path)/metadata/\(name)")))
  }

  private func write(_ bytes: [UInt8], _ name: String, of directory: RepositoryDirectory) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: "\(directory.path)/metadata/\(name)"))
  }

  /// Somebody who has the disk of the online signer, and none of its keys.
  @Test func theOnlineKeySignsForNoOtherRoot() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      let real = try read("1.root.json", of: published.directory)
      let mallory = try PrivateKey.generate(.ed25519)
      let later = published.now.advanced(by: 999_999)
      var root = RootRole(header: RoleHeader(version: 1, expires: later), roles: [:])
      for name in RootRole.roleNames { root.add([mallory] + published.online, to: name, threshold: 1) }
      func put<Content: RoleContent>(_ content: Content, _ name: String) async throws {
        var metadata = try Metadata(content)
        try await metadata.sign(with: mallory)
        try write(metadata.bytes, name, of: published.directory)
      }
      let far = 1 << 50
      try await put(root, "1.root.json")
      try await put(TargetsRole(header: RoleHeader(version: 1, expires: later)), "1.targets.json")
      let files: [ExactString: MetadataFile] = ["targets.json": MetadataFile(version: 1)]
      try await put(
        SnapshotRole(header: RoleHeader(version: far, expires: later), files: files), "\(far).snapshot.json")
      try await put(
        TimestampRole(header: RoleHeader(version: far, expires: later), snapshot: MetadataFile(version: far)),
        "timestamp.json")
      let before = try read("timestamp.json", of: published.directory)
      let careful = RepositoryDirectory(scratch.path, trustedRoot: real)
      let error = await failure {
        try await careful.publish(signers: published.online, now: published.now, force: true)
      }
      #expect(error?.code == .threshold && error?.role == "root")
      #expect(try read("timestamp.json", of: published.directory) == before)
      let merge = await failure { try careful.merge(Proposal(reason: "")) }
      #expect(merge?.role == "root")
    }
  }

  @Test func aKnownRootLeadsOnToItsSuccessors() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      let first = try read("1.root.json", of: published.directory)
      var draft = try published.draft()
      _ = draft.renew("root")
      try await published.merge(draft.proposal(reason: ""), signers: published.root)
      let second = try read("2.root.json", of: published.directory)
      for known in [first, second] {
        let directory = RepositoryDirectory(scratch.path, trustedRoot: known)
        #expect(try Repository.load(directory)?.root.signed.header.version == 2)
      }
      // Taken away, what is known is missed.
      try FileManager.default.removeItem(atPath: scratch.path + "/metadata/2.root.json")
      let error = await failure {
        _ = try Repository.load(RepositoryDirectory(scratch.path, trustedRoot: second))
      }
      #expect(error?.code == .rollback)
      let empty = RepositoryDirectory(scratch.path + "/none", trustedRoot: first)
      #expect(await failure { _ = try Repository.load(empty) }?.code == .rollback)
    }
  }

  @Test func aRootIsTakenOnceAndFollowed() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path + "/repo")
      let other = try await PublishedRepository(at: scratch.path + "/other")
      let repo = scratch.path + "/repo"
      let pin = PinnedRoot(of: repo, in: scratch.path + "/keys/roots")
      let first = try pin.open(repo)
      #expect(first.taken?.signed.header.version == 1)
      #expect(try pin.open(repo).taken == nil)
      var draft = try published.draft()
      _ = draft.renew("root")
      try await published.merge(draft.proposal(reason: ""), signers: published.root)
      let second = try pin.open(repo)
      #expect(second.taken == nil)
      #expect(try Repository.load(second.directory)?.root.signed.header.version == 2)
      // The older root is one that was trusted, and no longer enough.
      let newest = try read("2.root.json", of: published.directory)
      try FileManager.default.removeItem(atPath: repo + "/metadata/2.root.json")
      #expect(await failure { _ = try pin.open(repo) }?.code == .rollback)
      try write(newest, "2.root.json", of: published.directory)
      // Somebody puts another repository in its place.
      for name in ["1.root.json", "2.root.json"] {
        try? FileManager.default.removeItem(atPath: "\(repo)/metadata/\(name)")
      }
      let foreign = try read("1.root.json", of: other.directory)
      try write(foreign, "1.root.json", of: published.directory)
      let error = await failure { _ = try pin.open(repo) }
      #expect(error?.code == .rollback && error?.description.contains(pin.file) == true)
      // Unless the operator says so.
      #expect(try pin.open(repo, given: foreign).taken == nil)
      #expect(await failure { _ = try pin.open(repo) } == nil)
    }
  }

  @Test(arguments: ["timestamp", "role", "root"]) func nothingFreshIsSignedForAnOldState(_ kind: String)
    async throws
  {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path + "/repo")
      try await published.add("file", "1", signers: published.targets)
      let root = try read("1.root.json", of: published.directory)
      let backup = scratch.path + "/backup"
      try FileManager.default.copyItem(atPath: scratch.path + "/repo", toPath: backup)
      switch kind {
      case "timestamp":
        try await published.directory.publish(signers: published.online, now: published.now, force: true)
      case "role": try await published.add("file", "2", signers: published.targets)
      default:
        var draft = try published.draft()
        _ = draft.renew("root")
        try await published.merge(draft.proposal(reason: ""), signers: published.root)
      }
      let trust = LocalMetadata(directory: scratch.path + "/trust")
      try trust.initialize(root: root)
      let updater = try Updater(
        local: trust, fetcher: try HTTPFetcher(), metadataURL: "file://\(scratch.path)/repo/metadata")
      try await updater.refresh()
      // The state of before is put back, or the newest version of a role taken away.
      if kind == "role" {
        for name in ["2.targets.json", "2.snapshot.json", "timestamp.json"] {
          try write(read(name, of: RepositoryDirectory(backup)), name, of: published.directory)
        }
        try FileManager.default.removeItem(atPath: scratch.path + "/repo/metadata/3.targets.json")
        try FileManager.default.removeItem(atPath: scratch.path + "/repo/metadata/3.snapshot.json")
      } else {
        try FileManager.default.removeItem(atPath: scratch.path + "/repo")
        try FileManager.default.copyItem(atPath: backup, toPath: scratch.path + "/repo")
      }
      let directory = RepositoryDirectory(scratch.path + "/repo", trustedRoot: root, seen: trust)
      let error = await failure {
        try await directory.publish(signers: published.online, now: published.now, force: true)
      }
      #expect(error?.code == .rollback, "\(error.map { "\($0)" } ?? "signed")")
      // Without that memory, nothing could tell.
      let forgetful = RepositoryDirectory(scratch.path + "/repo", trustedRoot: root)
      let isSigned = try await forgetful.publish(signers: published.online, now: published.now, force: true)
      #expect(isSigned)
    }
  }

  @Test func whatWentAwayIsRestoredAndNotBegunAnew() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      for _ in 0..<3 {
        try await published.directory.publish(signers: published.online, now: published.now, force: true)
      }
      for (name, role) in [
        ("timestamp.json", "timestamp"), ("4.snapshot.json", "snapshot"), ("1.targets.json", "targets"),
      ] {
        let bytes = try read(name, of: published.directory)
        try FileManager.default.removeItem(atPath: "\(scratch.path)/metadata/\(name)")
        let error = await failure {
          try await published.directory.publish(signers: published.online, now: published.now)
        }
        #expect(error?.code == .notAvailable && error?.role == role)
        #expect(error?.description.contains("restore it") == true)
        try write(bytes, name, of: published.directory)
      }
      let isSigned = try await published.directory.publish(
        signers: published.online, now: published.now, force: true)
      #expect(isSigned)
      #expect(try published.load().timestamp?.signed.header.version == 5)
    }
  }

  @Test(arguments: [Int.max, 1 << 62, 1 << 53]) func versionsStayWhereTheyCanBeCounted(_ version: Int)
    async throws
  {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      func sign<Content: RoleContent>(_ content: Content, _ name: String) async throws -> [UInt8] {
        var metadata = try Metadata(content)
        try await metadata.sign(with: published.online[0])
        try write(metadata.bytes, name, of: published.directory)
        return metadata.bytes
      }
      let state = try published.load()
      let good = try read("timestamp.json", of: published.directory)
      var timestamp = try #require(state.timestamp).signed
      timestamp.header.version = version
      let bytes = try await sign(timestamp, "timestamp.json")
      func attempt() async -> UpdateError.Code? {
        await failure {
          try await published.directory.publish(signers: published.online, now: published.now, force: true)
        }?.code
      }
      #expect(await attempt() == .malformed)
      var set = try TrustedSet(
        root: read("1.root.json", of: published.directory), startTime: published.now, limits: UpdateLimits())
      #expect(throws: UpdateError.self) { try set.update(timestamp: bytes) }
      // The same in what a snapshot says of others.
      var snapshot = try #require(state.snapshot).signed
      snapshot.header.version = 2
      snapshot[role: "targets"] = MetadataFile(version: version)
      _ = try await sign(snapshot, "2.snapshot.json")
      timestamp.header.version = 2
      timestamp.snapshot = MetadataFile(version: 2)
      _ = try await sign(timestamp, "timestamp.json")
      #expect(await attempt() == .malformed)
      try write(good, "timestamp.json", of: published.directory)
      #expect(await attempt() == nil)
    }
  }

  @Test func aVersionWithoutSuccessorIsSaid() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      var timestamp = try #require(try published.load().timestamp).signed
      timestamp.header.version = (1 << 53) - 1
      var metadata = try Metadata(timestamp)
      try await metadata.sign(with: published.online[0])
      try write(metadata.bytes, "timestamp.json", of: published.directory)
      let error = await failure {
        try await published.directory.publish(signers: published.online, now: published.now, force: true)
      }
      #expect(error?.code == .conflict && error?.role == "timestamp")
    }
  }

  /// The thief of an online key had the time to sign what would keep everybody out.
  @Test func aRevokedKeyHasNoSayInWhatComesNext() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      let local = LocalMetadata(directory: scratch.path + "/trust")
      try local.initialize(rootFile: scratch.path + "/metadata/1.root.json")
      func refresh() async throws -> TrustedSet {
        let updater = try Updater(
          local: local, fetcher: try HTTPFetcher(), metadataURL: "file://\(scratch.path)/metadata")
        try await updater.refresh()
        return await updater.trusted
      }
      _ = try await refresh()
      let online = [try PrivateKey.generate(.ed25519)]
      var draft = try published.draft()
      draft.root.add(online, to: "snapshot", threshold: 1)
      draft.root.add(online, to: "timestamp", threshold: 1)
      try await published.merge(draft.proposal(reason: "revoke"), signers: published.root)
      #expect(try published.load().superseded == ["timestamp", "snapshot"])
      var timestamp = try Metadata<TimestampRole>(
        read("timestamp.json", of: published.directory), role: "timestamp", limit: .max
      ).signed
      timestamp.header.version = (1 << 53) - 1
      timestamp.snapshot = MetadataFile(version: (1 << 53) - 1)
      var metadata = try Metadata(timestamp)
      try await metadata.sign(with: published.online[0])
      try write(metadata.bytes, "timestamp.json", of: published.directory)
      let state = try published.load()
      #expect(
        state.superseded == ["timestamp", "snapshot"] && state.timestamp == nil && state.snapshot == nil)
      let isSigned = try await published.directory.publish(signers: online, now: published.now)
      #expect(isSigned)
      let trusted = try await refresh()
      let versions = [trusted.timestamp?.signed.header.version, trusted.snapshot?.signed.header.version]
      #expect(versions == [1, 2])
      #expect(try published.load().superseded.isEmpty)
    }
  }

  @Test func damageInOnesOwnDirectoryIsNotBlamedOnAMirror() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      for name in ["1.root.json", "1.targets.json", "1.snapshot.json", "timestamp.json"] {
        let good = try read(name, of: published.directory)
        let stranger = try Metadata<RootRole>(
          read("1.root.json", of: published.directory), role: "", limit: .max)
        let damages = [
          Array(good.dropLast(5)),
          Array(String(decoding: good, as: UTF8.self).replacing("\"sig\":\"", with: "\"sig\":\"00").utf8),
          stranger.bytes.dropLast() + [0x20, 0x0A],
        ]
        for damage in damages where damage != good {
          try write(damage, name, of: published.directory)
          guard let error = await failure({ _ = try published.load() }) else { continue }
          #expect(!error.description.contains("lies:") && !error.description.contains("use another"))
          #expect(error.description.contains("restore"), "\(error)")
        }
        try write(good, name, of: published.directory)
      }
    }
  }
}
