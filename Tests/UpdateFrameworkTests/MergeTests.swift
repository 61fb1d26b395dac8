import Bytes
import FoundationEssentials
import Signing
import TestSupport
import Testing

@testable import UpdateFramework

/// What may become part of a repository, and what not, whoever brings it.
@Suite struct MergeTests {
  private func refusal(_ body: () async throws -> Void) async -> UpdateError.Code? {
    do {
      try await body()
      return nil
    } catch {
      return (error as? UpdateError)?.code
    }
  }

  private func delegations(to names: [ExactString], _ keys: [PrivateKey]) -> Delegations {
    Delegations(
      keys: Dictionary(uniqueKeysWithValues: keys.map { (ExactString($0.keyID), $0.key) }),
      roles: .listed(
        names.map { name in
          let ids = keys.map { ExactString($0.keyID) }
          return DelegatedRole(
            name: name, keys: RoleKeys(keyIDs: ids, threshold: 1), scope: .paths(["\(name)/*"]))
        }))
  }

  /// A role of somebody who has nothing but a key.
  private func role(_ delegations: Delegations, by key: PrivateKey) async throws -> Metadata<TargetsRole> {
    let header = RoleHeader(version: 1, expires: UpdateTime.now.advanced(by: 9999))
    var metadata = try Metadata(TargetsRole(header: header, delegations: delegations))
    try await metadata.sign(with: key)
    return metadata
  }

  @Test func nobodyIsAnAuthorityByOnesOwnWord() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      let mallory = try PrivateKey.generate(.ed25519)
      let own = try await role(delegations(to: ["qa"], [mallory]), by: mallory)
      let (one, two) = (
        try await role(delegations(to: ["two"], [mallory]), by: mallory),
        try await role(delegations(to: ["one"], [mallory]), by: mallory)
      )
      for proposal in [
        Proposal(reason: "itself", targets: ["qa": own]),
        Proposal(reason: "each other", targets: ["one": one, "two": two]),
      ] {
        let repository = try published.load()
        #expect(!proposal.isComplete(in: repository))
        for name in proposal.roles {
          #expect(proposal.tallies(of: name, in: repository).isEmpty)
        }
        #expect(await refusal { try published.directory.merge(proposal) } == .threshold)
      }
      #expect(try published.directory.versions(of: "qa") == [])
    }
  }

  @Test func noNameOfATopLevelRoleIsTakenForADelegatedOne() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      // The online key holds these roles, and could write any file under their names.
      for name: ExactString in ["snapshot", "timestamp"] {
        var metadata = try Metadata(TargetsRole(header: RoleHeader(version: 2, expires: published.now)))
        try await metadata.sign(with: published.online[0])
        let proposal = Proposal(reason: "", targets: [name: metadata])
        #expect(await refusal { try published.directory.merge(proposal) } != nil)
        #expect(try published.directory.versions(of: "snapshot") == [1])
      }
    }
  }

  /// Whatever is made of a delegation that does not come to be.
  @Test func aDelegationCountsOnlyWithItsOwnSignatures() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      let mallory = try PrivateKey.generate(.ed25519)
      var draft = try published.draft()
      draft.edit("targets") { $0.delegations = delegations(to: ["qa"], [mallory]) }
      draft.edit("qa") { _ in }
      let proposal = try draft.proposal(reason: "nothing to see")
      #expect(await refusal { try await published.merge(proposal, signers: [mallory]) } == .threshold)
      #expect(try published.directory.versions(of: "qa") == [])
    }
  }

  @Test func aKeyUnderTheNameOfAnotherIsRefused() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      let mallory = try PrivateKey.generate(.ed25519)
      let victim = ExactString(published.root[1].keyID)
      var draft = try published.draft()
      draft.root.keys[victim] = mallory.key
      var proposal = try draft.proposal(reason: "renew the root")
      let repository = try published.load()
      #expect(proposal.strangeKeys(in: repository).map(\.keyID) == [victim])
      await #expect(throws: UpdateError.self) {
        _ = try await proposal.sign(with: published.root[0], in: repository)
      }
      #expect(proposal.root?.signatures == [])
      // Also if others signed it with other tools.
      var root = try #require(proposal.root)
      try await root.sign(with: published.root[0])
      try await root.sign(with: published.root[2])
      let signed = Proposal(reason: "", root: root)
      #expect(!signed.isComplete(in: repository))
      #expect(await refusal { try published.directory.merge(signed) } == .badKey)
    }
  }

  @Test(arguments: [true, false]) func aRoleThatComesBackGoesOnFromItsLastVersion(_ isPublished: Bool)
    async throws
  {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      let (old, new) = (try PrivateKey.generate(.ed25519), try PrivateKey.generate(.ed25519))
      func propose(_ key: PrivateKey?, andRole: Bool = true) async throws -> Proposal {
        var draft = try published.draft()
        draft.edit("targets") { $0.delegations = key.map { delegations(to: ["prod"], [$0]) } }
        if andRole, key != nil {
          draft.edit("prod") { $0.header.unknown = [JSONMember("round", .integer(Int.random(in: 0...9999)))] }
        }
        return try draft.proposal(reason: "")
      }
      func settle() async throws {
        if isPublished {
          try await published.directory.publish(signers: published.online, now: published.now)
        }
      }
      let all = published.targets + [old, new]
      for _ in 0..<2 {
        try await published.merge(propose(old), signers: all)
        try await settle()
      }
      try await published.merge(propose(nil), signers: all)
      try await settle()
      let third = try Metadata<TargetsRole>(
        #require(try published.directory.read("prod", version: 2, limit: .max)), role: "prod", limit: .max)
      // By the same keys, what was there would be current again though nobody proposed it; by others, nothing could be
      // read any more.
      for key in [old, new] {
        let code = await refusal { try await published.merge(propose(key, andRole: false), signers: all) }
        #expect(code == .conflict || code == .threshold)
        #expect(try published.load().targets["prod"] == nil)
      }
      let proposal = try await propose(new)
      #expect(proposal.targets["prod"]?.signed.header.version == 3)
      try await published.merge(proposal, signers: all)
      try await settle()
      #expect(try published.load().targets["prod"]?.signed == proposal.targets["prod"]?.signed)
      // What was published is as it was.
      let kept = try #require(try published.directory.read("prod", version: 2, limit: .max))
      #expect(kept == third.bytes)
    }
  }

  @Test func aVersionIsNeverReplaced() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      let directory = published.directory
      let bytes = try #require(try directory.read("targets", version: 1, limit: .max))
      try directory.write(bytes, role: "targets", version: 1)
      #expect(await refusal { try directory.write(bytes + [0x20], role: "targets", version: 1) } == .conflict)
      // A file in the way is found before anything is written.
      var draft = try published.draft()
      let key = try PrivateKey.generate(.ed25519)
      draft.edit("targets") { $0.delegations = delegations(to: ["prod"], [key]) }
      draft.edit("prod") { _ in }
      var proposal = try draft.proposal(reason: "")
      for signer in published.targets + [key] {
        _ = try await proposal.sign(with: signer, in: try published.load())
      }
      try directory.write([0x7B], role: "prod", version: 1)
      #expect(await refusal { try directory.merge(proposal) } == .conflict)
      #expect(try directory.versions(of: "targets") == [1])
    }
  }
}
