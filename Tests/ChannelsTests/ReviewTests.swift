import Bytes
import FoundationEssentials
import Signing
import TestSupport
import Testing

@testable import Channels
@testable import UpdateFramework

/// What key holders are told about a proposal: everything that differs, whatever its maker would rather not say.
@Suite struct ReviewTests {
  private static let mallory = Result { try KeyPair.generate(name: "mallory") }

  /// A change of the delegations, and what the review says about the role `targets`.
  private func said(
    _ sample: SampleRepository, _ change: (inout Delegations, inout [DelegatedRole]) throws -> Void
  ) throws -> [String] {
    var draft = RepositoryDraft(try sample.open().state, now: sample.now)
    try draft.edit("targets") { targets in
      var delegations = try #require(targets.delegations)
      guard case .listed(var roles) = delegations.roles else { return }
      try change(&delegations, &roles)
      delegations.roles = .listed(roles)
      targets.delegations = delegations
    }
    let review = try ProposalReview(draft.proposal(reason: "renew targets"), in: sample.open())
    return try #require(review.roles.first { $0.name == "targets" }).changes
  }

  private func sample(_ body: (SampleRepository) async throws -> Void) async throws {
    try await withScratchDirectory { scratch in
      try await body(SampleRepository(at: scratch.path))
    }
  }

  private func id(_ name: String, in sample: SampleRepository) throws -> ExactString {
    ExactString(try #require(sample.keys[name]).publicKey.keyID)
  }

  @Test func onlyWhatIsTheSameIsRenewed() async throws {
    try await sample { sample in
      #expect(try said(sample) { _, _ in } == ["renewed, nothing else changes"])
      var draft = RepositoryDraft(try sample.open().state, now: sample.now)
      _ = draft.renew("root")
      let review = try ProposalReview(draft.proposal(reason: ""), in: sample.open())
      #expect(review.roles.map(\.changes) == [["renewed, nothing else changes"]])
    }
  }

  @Test func aTakeoverIsNoRenewal() async throws {
    try await sample { sample in
      let mallory = try Self.mallory.get()
      let (bob, token) = (try id("bob", in: sample), try id("ada-token", in: sample))
      let key = VerificationKey(mallory.publicKey)
      // The first role that is trusted with a path is believed.
      let lines = try said(sample) { delegations, roles in
        delegations.keys[bob] = key
        roles[0].scope = .paths(["releases/*/*/release.json", "channels/prod/*"])
        roles[3].keys.people?[token] = "adabot"
      }
      let text = lines.joined(separator: "\n")
      #expect(text.contains("ANOTHER KEY under the identifier of bob"), "\(lines)")
      #expect(text.contains(Hex.encode(mallory.publicKey.bytes)))
      #expect(
        lines.contains(
          #"releases: trusted with the paths ["releases/*/*/release.json", "channels/prod/*"], was ["releases/*/*/release.json"]"#
        ), "\(lines)")
      #expect(
        text.contains(
          #"channel-prod: ada (\#(token.text.prefix(16))) counts as "adabot", and no longer as "ada""#),
        "\(lines)")
      var draft = RepositoryDraft(try sample.open().state, now: sample.now)
      draft.root.keys[bob] = key
      draft.root.consistentSnapshot = false
      let review = try ProposalReview(draft.proposal(reason: ""), in: sample.open())
      #expect(review.problems.count == 1 && !review.isComplete)
      let changes = try #require(review.roles.first).changes
      #expect(changes.contains("consistent_snapshot: true → false"), "\(changes)")
      #expect(changes.contains { $0.hasPrefix("ANOTHER KEY under the identifier of bob") })
    }
  }

  /// Every member that a delegation can have, and some that nobody knows.
  @Test func nothingIsLeftOut() async throws {
    try await sample { sample in
      let prod = 3
      let eve = try id("eve", in: sample)
      let changes: [(String, (inout Delegations, inout [DelegatedRole]) throws -> Void)] = [
        ("is asked first", { _, roles in roles.swapAt(1, 3) }),
        ("terminating", { _, roles in roles[prod].isTerminating = false }),
        ("hash prefixes", { _, roles in roles[prod].scope = .hashPrefixes(["00"]) }),
        ("people", { _, roles in roles[prod].keys.people = nil }),
        ("nobody", { _, roles in roles[prod].keys.people?[eve] = nil }),
        ("lifetime", { _, roles in roles[prod].keys.lifetime = 86400 * 999 }),
        ("threshold", { _, roles in roles[prod].keys.threshold = 1 }),
        ("signer", { _, roles in roles[prod].keys.keyIDs.removeLast() }),
        ("order of keys", { _, roles in roles[prod].keys.keyIDs.reverse() }),
        (
          "member of a role",
          { _, roles in roles[prod].keys.unknown.append(JSONMember("x-new", .bool(true))) }
        ),
        ("member", { delegations, _ in delegations.unknown.append(JSONMember("x-new", .integer(1))) }),
        ("name", { delegations, _ in delegations.unknown = [] }),
        (
          "a key that holds nothing",
          { delegations, _ in
            let key = try Self.mallory.get().publicKey
            delegations.keys[ExactString(key.keyID)] = VerificationKey(key)
          }
        ),
        (
          "a key's member",
          { delegations, _ in
            let json = JSONValue.object(
              (delegations.keys[eve]?.json.members ?? []) + [JSONMember("x", .null)])
            delegations.keys[eve] = try VerificationKey(json, at: "")
          }
        ),
        ("spelling", { _, roles in roles[prod].keys.people?[eve] = "e\u{0301}" }),
        ("a role", { _, roles in roles.removeLast() }),
        (
          "bins",
          { delegations, roles in
            let keys = RoleKeys(keyIDs: [eve], threshold: 1)
            roles.append(DelegatedRole(name: "bin", keys: keys, scope: .paths(["*"])))
          }
        ),
      ]
      for (what, change) in changes {
        let lines = try said(sample, change)
        #expect(!lines.isEmpty && !lines.contains { $0.contains("renewed") }, "\(what): \(lines)")
        #expect(lines.allSatisfy { $0.utf8.count > 10 }, "\(what): \(lines)")
      }
      let (one, other) = (
        try said(sample) { _, roles in roles[prod].keys.people?[eve] = "e\u{0301}" },
        try said(sample) { _, roles in roles[prod].keys.people?[eve] = "\u{e9}" }
      )
      #expect(one.map { Array($0.utf8) } != other.map { Array($0.utf8) })
    }
  }

  @Test func gatesAreNamedWithWhatTheyWere() async throws {
    try await sample { sample in
      let manifest = SampleRepository.manifest.replacing(", after: staging, soakHours: 24", with: "")
      let draft = try SampleRepository.plan(manifest, sample.keys).draft(
        over: try sample.open().state, now: sample.now)
      let review = try ProposalReview(draft.proposal(reason: ""), in: sample.open())
      let changes = review.roles.flatMap(\.changes)
      #expect(changes.contains(#"channel-prod: gate after: "staging" → none"#), "\(changes)")
      #expect(changes.contains("channel-prod: gate soak_hours: 24 → 0"), "\(changes)")
    }
  }

  @Test func aProposalDoesNotNameItsKeys() async throws {
    try await sample { sample in
      let key = try Self.mallory.get().publicKey
      let (new, ci) = (ExactString(key.keyID), try id("ci", in: sample))
      let names = JSONMember(
        "x-names", .object([JSONMember(ci.text, .string("eve")), JSONMember(new.text, .string("bob"))]))
      let lines = try said(sample) { delegations, roles in
        delegations.keys[new] = VerificationKey(key)
        roles[1].keys.keyIDs.append(new)
        delegations.unknown = [names]
      }
      #expect(
        lines.contains(#"channel-dev: the new key \#(new.text), which the proposal calls "bob" may sign"#),
        "\(lines)")
      #expect(lines.contains { $0.hasPrefix("ci (") && $0.hasSuffix(#""ci" → "eve""#) }, "\(lines)")
      #expect(!lines.contains { $0.hasPrefix("channel-dev: bob") })
    }
  }

  @Test func nothingReachesTheTerminalThatMovesItsCursor() async throws {
    try await sample { sample in
      let evil = "\u{1b}[2K\u{1b}[1A\u{202e}\r"
      try await sample.list("router", "1.0")
      var draft = RepositoryDraft(try sample.open().state, now: sample.now)
      draft.edit("targets") { targets in
        targets.header.unknown = [JSONMember("x\(evil)", .string(evil))]
        guard var delegations = targets.delegations, case .listed(var roles) = delegations.roles else {
          return
        }
        roles[0].scope = .paths([evil])
        roles[1].keys.people = [ExactString(evil): evil]
        roles[2].name = ExactString("channel-\(evil)")
        delegations.roles = .listed(roles)
        targets.delegations = delegations
      }
      draft.edit("releases") { releases in
        let file = releases.targets.values.first
        releases.targets[ExactString("releases/\(evil)")] = file
      }
      draft.edit("channel-dev") { channel in
        channel.header.frozen = evil
        var file = TargetFile(length: 1, digests: ContentDigests(sha256: SHA256.digest(of: [1])))
        file.custom =
          ChannelEntry(
            image: evil, version: evil, release: "", reason: evil, time: sample.now, rollbackFrom: evil
          ).custom
        channel.targets[ExactString("channels/dev/\(evil)")] = file
      }
      let review = try ProposalReview(draft.proposal(reason: evil), in: sample.open())
      let lines =
        [review.reason] + review.problems + review.roles.flatMap { [$0.name] + $0.changes + $0.signatures }
      #expect(lines.count > 8)
      for line in lines {
        #expect(
          line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f && $0.value != 0x202e },
          "\(line.debugDescription)")
      }
    }
  }

  @Test func aDigestSaysWhatIsSignedAndNotByWhom() async throws {
    try await sample { sample in
      var draft = RepositoryDraft(try sample.open().state, now: sample.now)
      _ = draft.renew("root")
      var proposal = try draft.proposal(reason: "one")
      let digest = try ProposalReview(proposal, in: sample.open()).digest
      _ = try await proposal.sign(with: sample.signer("bob"), in: try sample.open().state)
      let signed = try ProposalReview(try Proposal(proposal.bytes, source: ""), in: sample.open())
      #expect(signed.digest == digest)
      draft.root.header.unknown.append(JSONMember("x", .null))
      #expect(try ProposalReview(draft.proposal(reason: "one"), in: sample.open()).digest != digest)
      // Bob has signed, eve has not, and ci may not.
      #expect(!signed.waits(for: try id("bob", in: sample).text))
      #expect(signed.waits(for: try id("eve", in: sample).text))
      #expect(!signed.waits(for: try id("ci", in: sample).text))
    }
  }

  @Test func statusAndKeysSayWhoMaySign() async throws {
    try await sample { sample in
      let holders = try sample.open().keyHolders()
      #expect(
        holders.map(\.name) == [
          "root", "timestamp", "snapshot", "targets", "releases", "channel-dev", "channel-staging",
          "channel-prod",
        ])
      let prod = try #require(holders.last)
      #expect(prod.threshold == 2 && prod.countsPeople && prod.possible == 3 && prod.keys.count == 4)
      #expect(prod.keys.map(\.name) == ["ada", "ada", "bob", "eve"])
      // The online key is revoked, and nothing was signed anew.
      let manifest = SampleRepository.manifest
        .replacing("snapshot: {signers: [server]", with: "snapshot: {signers: [ci]")
        .replacing("timestamp: {signers: [server]", with: "timestamp: {signers: [ci]")
      var proposal = try SampleRepository.plan(manifest, sample.keys).draft(
        over: try sample.open().state, now: sample.now
      ).proposal(reason: "")
      for name in ["ada-laptop", "bob"] {
        _ = try await proposal.sign(with: sample.signer(name), in: try sample.open().state)
      }
      try sample.directory.merge(proposal)
      let warnings = RepositoryStatus(try sample.open(), now: sample.now).roles.filter { $0.warning != nil }
      #expect(warnings.map(\.name).starts(with: ["timestamp", "snapshot"]), "\(warnings)")
      #expect(warnings.first?.warning?.contains("clients refuse it") == true)
      try await sample.directory.publish(signers: [sample.signer("ci")], now: sample.now)
      #expect(RepositoryStatus(try sample.open(), now: sample.now).warnings.isEmpty)
    }
  }
}
