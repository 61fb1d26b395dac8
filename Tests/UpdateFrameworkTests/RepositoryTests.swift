import Bytes
import FoundationEssentials
import Signing
import TestSupport
import Testing

@testable import UpdateFramework

/// The publisher's side: changes are proposed, signed by enough people, merged, and published.
@Suite struct RepositoryTests {
  private func code(_ body: () async throws -> Void) async -> UpdateError.Code? {
    do {
      try await body()
      return nil
    } catch {
      return (error as? UpdateError)?.code
    }
  }

  @Test func aNewRepositoryServesAClient() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path + "/repo")
      try await published.add("dir/file", "content", signers: published.targets)
      let local = LocalMetadata(directory: scratch.path + "/trust")
      try local.initialize(rootFile: scratch.path + "/repo/metadata/1.root.json")
      // libcurl reads a directory as well as a server.
      let updater = try Updater(
        local: local, fetcher: try HTTPFetcher(), metadataURL: "file://\(scratch.path)/repo/metadata",
        targetsURL: "file://\(scratch.path)/repo/targets")
      let target = try await updater.target("dir/file")
      let outcome1 = try await updater.download(target, to: scratch.path + "/out")
      #expect(outcome1)
      #expect(try String(contentsOf: scratch.appendingPathComponent("out"), encoding: .utf8) == "content")
      let outcome2 = try await updater.download(target, to: scratch.path + "/out")
      #expect(!outcome2)
    }
  }

  @Test func aProposalTravelsAndCollectsSignatures() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      let repository = try published.load()
      var draft = try published.draft()
      draft.root.add([published.root[0], try PrivateKey.generate(.ed25519)], to: "root", threshold: 1)
      let proposal = try draft.proposal(reason: "new keys")
      #expect(proposal.roles == ["root"])
      // Two people sign copies of their own; a stranger's key signs nothing.
      var copies = [try Proposal(proposal.bytes, source: "a"), try Proposal(proposal.bytes, source: "b")]
      let outcome3 = try await copies[0].sign(with: published.root[0], in: repository)
      #expect(outcome3 == ["root"])
      let outcome4 = try await copies[1].sign(with: published.root[2], in: repository)
      #expect(outcome4 == ["root"])
      let outcome5 = try await copies[1].sign(with: PrivateKey.generate(.ed25519), in: repository)
      #expect(outcome5 == [])
      #expect(copies[0].tallies(of: "root", in: repository).map(\.tally.count) == [1, 1])
      #expect(!copies[0].isComplete(in: repository))
      #expect(await code { try published.directory.merge(copies[0]) } == .threshold)
      try copies[0].add(signaturesOf: try Proposal(copies[1].bytes, source: "b"))
      #expect(copies[0].isComplete(in: repository))
      try published.directory.merge(copies[0])
      #expect(try published.load().root.signed.header.version == 2)
      // The same once more comes too late.
      #expect(await code { try published.directory.merge(copies[0]) } == .conflict)
    }
  }

  @Test func differentProposalsDoNotShareSignatures() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      var draft = try published.draft()
      draft.edit("targets") { $0.header.unknown = [.init("x", .integer(1))] }
      var one = try draft.proposal(reason: "one")
      draft.edit("targets") { $0.header.unknown = [.init("x", .integer(2))] }
      let other = try draft.proposal(reason: "other")
      #expect(await code { try one.add(signaturesOf: other) } == .conflict)
    }
  }

  @Test func ofTwoMergesAtOnceOneWins() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      var proposals: [Proposal] = []
      for number in 0..<4 {
        var draft = try published.draft()
        draft.edit("targets") { $0.header.unknown = [.init("x", .integer(number))] }
        var proposal = try draft.proposal(reason: "\(number)")
        _ = try await proposal.sign(with: published.targets[0], in: try published.load())
        proposals.append(proposal)
      }
      let directory = published.directory
      let outcomes = await withTaskGroup(of: UpdateError.Code?.self) { group in
        for proposal in proposals { group.addTask { await code { try directory.merge(proposal) } } }
        return await group.reduce(into: []) { $0.append($1) }
      }
      #expect(outcomes.filter { $0 == nil }.count == 1)
      #expect(outcomes.filter { $0 == .conflict }.count == 3)
      #expect(try published.load().targets["targets"]?.signed.header.version == 2)
    }
  }

  @Test func aDelegationAndItsRoleComeInOneProposal() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      let keys = try (0..<3).map { _ in try PrivateKey.generate(.ed25519) }
      var draft = try published.draft()
      draft.edit("targets") { targets in
        var role = RoleKeys(keyIDs: keys.map { ExactString($0.keyID) }, threshold: 2, lifetime: 3600)
        role.people = [
          ExactString(keys[0].keyID): "ada", ExactString(keys[1].keyID): "ada",
          ExactString(keys[2].keyID): "bob",
        ]
        targets.delegations = Delegations(
          keys: Dictionary(uniqueKeysWithValues: keys.map { (ExactString($0.keyID), $0.key) }),
          roles: .listed([DelegatedRole(name: "prod", keys: role, scope: .paths(["prod/*"]))]))
      }
      draft.edit("prod") { _ in }
      let proposal = try draft.proposal(reason: "a channel")
      #expect(proposal.targets["prod"]?.signed.header.expires == published.now.advanced(by: 3600))
      // Two keys of one person are one.
      #expect(
        await code { try await published.merge(proposal, signers: published.targets + [keys[0], keys[1]]) }
          == .threshold)
      try await published.merge(proposal, signers: published.targets + [keys[0], keys[2]])
      try await published.directory.publish(signers: published.online, now: published.now)
      let snapshot = try #require(try published.load().snapshot?.signed)
      #expect(snapshot[role: "prod"]?.version == 1 && snapshot[role: "targets"]?.version == 2)
    }
  }

  @Test func nobodyMaySignARoleWithoutADelegation() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      var draft = try published.draft()
      draft.edit("stray") { _ in }
      #expect(
        await code { try await published.merge(draft.proposal(reason: ""), signers: published.targets) }
          == .threshold)
    }
  }

  @Test(arguments: ["a/b", "a b", "ä", "%2F"]) func aRoleThatAServerCouldMisreadIsNotPublished(_ name: String)
    async throws
  {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      let key = try PrivateKey.generate(.ed25519)
      var draft = try published.draft()
      draft.edit("targets") { targets in
        let keys = RoleKeys(keyIDs: [ExactString(key.keyID)], threshold: 1)
        targets.delegations = Delegations(
          keys: [ExactString(key.keyID): key.key],
          roles: .listed([DelegatedRole(name: ExactString(name), keys: keys, scope: .paths(["*"]))]))
      }
      draft.edit(ExactString(name)) { _ in }
      let proposal = try draft.proposal(reason: "odd")
      #expect(
        await code { try await published.merge(proposal, signers: published.targets + [key]) } == .invalidName
      )
    }
  }

  @Test func publishingSignsOnlyWhatIsDue() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      func versions() throws -> [Int?] {
        let repository = try published.load()
        return [repository.snapshot?.signed.header.version, repository.timestamp?.signed.header.version]
      }
      let (now, directory, online) = (published.now, published.directory, published.online)
      #expect(try versions() == [1, 1])
      let outcome6 = try await directory.publish(signers: online, now: now)
      #expect(!outcome6)
      // Half of a day, half of a week.
      let outcome7 = try await directory.publish(signers: online, now: now.advanced(by: 44000))
      #expect(outcome7)
      #expect(try versions() == [1, 2])
      let outcome8 = try await directory.publish(signers: online, now: now.advanced(by: 4 * 86400))
      #expect(outcome8)
      #expect(try versions() == [2, 3])
      #expect(await code { try await directory.publish(signers: [], now: now, force: true) } == .threshold)
      #expect(try versions() == [2, 3])
    }
  }

  @Test func aRoleWhoseKeysAreTakenAwayIsSignedAnew() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      let newKey = try PrivateKey.generate(.ed25519)
      var draft = try published.draft()
      draft.root.add([newKey], to: "targets", threshold: 1)
      let proposal = try draft.proposal(reason: "another keeper")
      #expect(proposal.roles == ["root", "targets"])
      // Without it, the repository would be one that no client takes.
      let half = Proposal(reason: "half", root: proposal.root)
      #expect(await code { try await published.merge(half, signers: published.root) } == .threshold)
      try await published.merge(proposal, signers: published.root + [newKey])
      #expect(try published.load().targets["targets"]?.signatures.map(\.keyID) == [ExactString(newKey.keyID)])
    }
  }

  @Test func rolesAreRenewed() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      var draft = try published.draft()
      let known = ["root", "targets", "timestamp", "none"].map { draft.renew($0) }
      #expect(known == [true, true, false, false])
      let proposal = try draft.proposal(reason: "renewal")
      #expect(proposal.roles == ["root", "targets"])
      try await published.merge(proposal, signers: published.root + published.targets)
      #expect(try published.load().root.signed.header.version == 2)
    }
  }

  @Test func keysAreRotatedAndTheRepositoryGoesOn() async throws {
    try await withScratchDirectory { scratch in
      var published = try await PublishedRepository(at: scratch.path)
      try await published.add("file", "content", signers: published.targets)
      let local = LocalMetadata(directory: scratch.path + "/trust")
      try local.initialize(rootFile: scratch.path + "/metadata/1.root.json")
      func refresh() async throws -> TrustedSet {
        let updater = try Updater(
          local: local, fetcher: try HTTPFetcher(), metadataURL: "file://\(scratch.path)/metadata")
        try await updater.refresh()
        return await updater.trusted
      }
      _ = try await refresh()
      let newRoot = try (0..<3).map { _ in try PrivateKey.generate(.ed25519) }
      let newOnline = [try PrivateKey.generate(.ed25519)]
      var draft = try published.draft()
      draft.root.add(newRoot, to: "root", threshold: 3)
      draft.root.add(newOnline, to: "snapshot", threshold: 1)
      draft.root.add(newOnline, to: "timestamp", threshold: 1)
      try await published.merge(draft.proposal(reason: "rotation"), signers: published.root + newRoot)
      published.root = newRoot
      #expect(
        await code { try await published.directory.publish(signers: published.online, now: published.now) }
          == .threshold)
      published.online = newOnline
      let outcome9 = try await published.directory.publish(signers: published.online, now: published.now)
      #expect(outcome9)
      let trusted = try await refresh()
      #expect(trusted.root.signed.header.version == 2)
      #expect(trusted.timestamp?.signatures.map(\.keyID) == newOnline.map { ExactString($0.keyID) })
    }
  }

  @Test func aDamagedRepositoryIsNotPublished() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      for (name, codes) in [
        ("1.targets.json", [UpdateError.Code.wrongDigest, .wrongLength]),
        ("1.snapshot.json", [.wrongDigest, .wrongLength]),
        ("timestamp.json", [.threshold, .malformed]), ("1.root.json", [.threshold, .malformed]),
      ] {
        let file = scratch.appendingPathComponent("metadata/\(name)")
        let good = try Data(contentsOf: file)
        for damage in [
          Data(String(decoding: good, as: UTF8.self).replacing("20", with: "21").utf8), good.dropLast(5),
        ] {
          try damage.write(to: file)
          let code = await code {
            try await published.directory.publish(signers: published.online, now: published.now, force: true)
          }
          #expect(code.map(codes.contains) == true, "\(name): \(code.map(\.rawValue) ?? "accepted")")
        }
        try good.write(to: file)
      }
      let isPublished = try await published.directory.publish(
        signers: published.online, now: published.now, force: true)
      #expect(isPublished)
    }
  }

  @Test func targetsHavePlainPaths() throws {
    for path in [
      "", "/a", "a/", "a//b", "../a", "a/..", "./a", "a b", "a?b", "a#b", "a%20b", "ä", "a\\b", "a\nb",
    ] {
      #expect(throws: UpdateError.self) { try RepositoryDirectory.checkTargetPath(path) }
    }
    for path in ["a", "a/b.c", "releases/edge-router/1.0~rc1+b2/release.json", "...", "a@b:c"] {
      #expect(throws: Never.self) { try RepositoryDirectory.checkTargetPath(path) }
    }
  }

  @Test func aTargetThatIsThereIsNotReplaced() async throws {
    try await withScratchDirectory { scratch in
      let directory = RepositoryDirectory(scratch.path)
      let bytes = Array("content".utf8)
      let file = TargetFile(length: bytes.count, digests: ContentDigests(sha256: SHA256.digest(of: bytes)))
      try directory.add(bytes, target: "a/b", file)
      let path = try directory.targetPath("a/b", file)
      let before = try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? UInt
      try directory.add(bytes, target: "a/b", file)
      let after = try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? UInt
      #expect(before == after)
      #expect(throws: UpdateError.self) { try directory.add(Array("other".utf8), target: "a/b", file) }
    }
  }

  @Test func aProposalFromOutsideIsReadStrictly() {
    for text in [
      "", "{}", "[]", #"{"format":"other","reason":"","roles":{}}"#,
      #"{"format":"tuf-proposal-1","roles":{}}"#,
      #"{"format":"tuf-proposal-1","reason":"","roles":{"root":{}}}"#,
      #"{"format":"tuf-proposal-1","reason":"","roles":{"a":1}}"#,
    ] {
      #expect(throws: UpdateError.self) { try Proposal(Array(text.utf8), source: "test") }
    }
  }
}
