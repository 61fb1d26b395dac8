import Bytes
import FoundationEssentials
import Signing
import TestSupport
import Testing

@testable import Channels
@testable import UpdateFramework

/// Proposals from the network: from those who hold keys, in order, and not too many.
@Suite struct ProposalIntakeTests {
  private func with(
    merges: Bool = true, _ body: (ProposalIntake, SampleRepository, String) async throws -> Void
  ) async throws {
    try await withScratchDirectory { directory in
      let repository = try await SampleRepository(at: "\(directory.path)/repository")
      try await repository.list("router", "1.0")
      let waiting = "\(directory.path)/proposals"
      try await body(
        ProposalIntake(repository.directory, waiting: waiting, merges: merges), repository, waiting)
    }
  }

  private func signed(
    _ repository: SampleRepository, _ proposal: Proposal, _ names: [String]
  ) async throws -> Proposal {
    var proposal = proposal
    let state = try Repository.load(repository.directory)
    for name in names { _ = try await proposal.sign(with: repository.signer(name), in: state) }
    return proposal
  }

  private func freeze(_ repository: SampleRepository, _ channel: String, _ reason: String = "x") throws
    -> Proposal
  {
    try repository.open().freeze(channel, reason: reason, now: repository.now)
  }

  private func files(_ waiting: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: waiting)) ?? []).sorted()
  }

  @Test func whatIsCompleteIsMergedAndOnceMoreIsNoChange() async throws {
    try await with { intake, repository, waiting in
      let proposal = try await signed(
        repository,
        repository.open().promote("router", "1.0", to: "dev", reason: "x", now: repository.now), ["ci"])
      #expect(try intake.take(proposal.bytes).merged)
      #expect(try repository.current("dev") == ["router 1.0"])
      #expect(try intake.take(proposal.bytes).merged)
      #expect(files(waiting).isEmpty)
    }
  }

  @Test func signaturesComeOneAfterTheOther() async throws {
    try await with { intake, repository, waiting in
      let proposal = try freeze(repository, "prod")
      let first = try await intake.take(signed(repository, proposal, ["ada-laptop"]).bytes)
      #expect(
        !first.merged && first.problem == nil
          && first.signatures == ["channel-prod: targets: 1 of 2 people (ada-laptop)"])
      // The same person's other key.
      let same = try await intake.take(signed(repository, proposal, ["ada-token"]).bytes)
      #expect(!same.merged && same.waiting == first.waiting)
      #expect(files(waiting).count == 1)
      // Bob never saw what ada signed.
      let last = try await intake.take(signed(repository, proposal, ["bob"]).bytes)
      #expect(last.merged)
      #expect(try repository.open().channel("prod").frozen == "x")
      #expect(files(waiting).isEmpty)
    }
  }

  @Test func nobodyElseIsHeard() async throws {
    try await with { intake, repository, waiting in
      let proposal = try freeze(repository, "prod")
      #expect(uploadCode { _ = try intake.take(proposal.bytes) } == "refused")
      // A key of another role.
      let ci = try repository.signer("ci")
      var metadata = try #require(proposal.targets["channel-prod"])
      try await metadata.sign(with: ci)
      let stranger = Proposal(reason: "x", targets: ["channel-prod": metadata])
      #expect(uploadCode { _ = try intake.take(stranger.bytes) } == "refused")
      // A root that names keys of one's own, and is signed by these.
      let mine = try KeyPair.generate(name: "mallory")
      let key = KeyRingSigner(FileSigner(mine))
      var draft = RepositoryDraft(try repository.open().state, now: repository.now)
      let id = ExactString(key.keyID)
      draft.root.keys[id] = key.key
      for role in draft.root.roles.keys {
        draft.root.roles[role] = RoleKeys(keyIDs: [id], threshold: 1)
      }
      var takeover = try draft.proposal(reason: "mine")
      _ = try await takeover.sign(with: key, in: repository.open().state)
      let bytes = takeover.bytes
      #expect(uploadCode { _ = try intake.take(bytes) } == "refused")
      for garbage in [
        "", "{}", "[1]", "{\"format\":\"tuf-proposal-1\",\"reason\":\"x\",\"roles\":{}}",
        String(repeating: "[", count: 100_000),
      ] {
        let code = uploadCode { _ = try intake.take(Array(garbage.utf8)) }
        #expect(code == "malformed" || code == "refused")
      }
      #expect(
        uploadCode { _ = try intake.take([UInt8](repeating: 0x20, count: 17 << 20)) } == "tooLarge")
      #expect(files(waiting).isEmpty)
    }
  }

  @Test func aSignatureThatIsNoneDoesNotPushOutOneThatIs() async throws {
    try await with { intake, repository, waiting in
      let proposal = try freeze(repository, "prod")
      _ = try await intake.take(signed(repository, proposal, ["ada-laptop"]).bytes)
      var metadata = try #require(try await signed(repository, proposal, ["eve"]).targets["channel-prod"])
      metadata.add(
        MetadataSignature(keyID: ExactString(try repository.signer("ada-laptop").keyID), text: "00"))
      for number in 0..<100 {
        metadata.add(MetadataSignature(keyID: ExactString("junk-\(number)"), text: "00"))
      }
      let result = try intake.take(Proposal(reason: "x", targets: ["channel-prod": metadata]).bytes)
      #expect(result.merged, "\(result)")
      let merged = try #require(try repository.open().channel("prod").metadata)
      #expect(merged.signatures.count == 2)
      #expect(files(waiting).isEmpty)
    }
  }

  @Test func whatWasOvertakenComesTooLate() async throws {
    try await with { intake, repository, _ in
      let (one, two) = (try freeze(repository, "dev", "a"), try freeze(repository, "dev", "b"))
      #expect(try await intake.take(signed(repository, one, ["ci"]).bytes).merged)
      let late = try await signed(repository, two, ["ci"])
      #expect(uploadCode { _ = try intake.take(late.bytes) } == "conflict")
    }
  }

  @Test func aClosedGateLetsASignedProposalWait() async throws {
    try await with { intake, repository, waiting in
      try await repository.promote("router", "1.0", to: "dev", ["ci"])
      try await repository.promote("router", "1.0", to: "staging", ["bob"])
      // Somebody whose netimg looks at no gate.
      var soaked = repository
      soaked.now = repository.now.advanced(by: 25 * 3600)
      let proposal = try await signed(
        repository, soaked.open().promote("router", "1.0", to: "prod", reason: "x", now: soaked.now),
        ["ada-laptop", "bob"])
      let result = try intake.take(proposal.bytes)
      #expect(!result.merged && result.problem?.contains("24 hours") == true, "\(result)")
      #expect(files(waiting).count == 1)
    }
  }

  @Test func aReleaseIsListedOnlyIfItIsHereAndNeverReplaced() async throws {
    try await with { intake, repository, _ in
      func list(_ version: String, _ bytes: [UInt8]) async throws -> Proposal {
        let file = TargetFile(length: bytes.count, digests: ContentDigests(sha256: SHA256.digest(of: bytes)))
        var draft = RepositoryDraft(try repository.open().state, now: repository.now)
        draft.edit("releases") { $0.targets[Names.release("router", version)] = file }
        return try await signed(repository, draft.proposal(reason: "x"), ["ci"])
      }
      let absent = try await list("2.0", [1, 2, 3])
      #expect(uploadCode { _ = try intake.take(absent.bytes) } == "wrong")
      let other = try await list("1.0", [1, 2, 3])
      #expect(uploadCode { _ = try intake.take(other.bytes) } == "conflict")
      // The same with the key of the directory at hand.
      #expect(
        await refusal { try repository.open().prepareMerge(of: other, now: repository.now) } == "replaced")
    }
  }

  @Test func thoseThatWaitAreFew() async throws {
    try await with { intake, repository, waiting in
      for number in 0..<ProposalIntake.maximumWaiting {
        let proposal = try freeze(repository, "prod", "\(number)")
        #expect(try await !intake.take(signed(repository, proposal, ["eve"]).bytes).merged)
      }
      let more = try await signed(repository, freeze(repository, "prod", "more"), ["eve"])
      #expect(uploadCode { _ = try intake.take(more.bytes) } == "tooMany")
      #expect(files(waiting).count == ProposalIntake.maximumWaiting)
      // Once one of them is real, all the others are of no use, and make room.
      let first = try await signed(repository, freeze(repository, "prod", "0"), ["bob"])
      #expect(try intake.take(first.bytes).merged)
      let next = try await signed(repository, freeze(repository, "dev"), [])
      #expect(uploadCode { _ = try intake.take(next.bytes) } == "refused")
      let thaw = try await signed(
        repository, repository.open().freeze("prod", reason: nil, now: repository.now), ["eve"])
      #expect(try !intake.take(thaw.bytes).merged)
      #expect(files(waiting).count <= ProposalIntake.maximumWaiting)
    }
  }

  @Test func withoutTheOnlineKeyNothingIsMerged() async throws {
    try await with(merges: false) { intake, repository, waiting in
      let result = try await intake.take(signed(repository, freeze(repository, "dev"), ["ci"]).bytes)
      #expect(!result.merged && result.problem != nil && files(waiting).count == 1)
      #expect(try repository.open().channel("dev").frozen == nil)
    }
  }
}
