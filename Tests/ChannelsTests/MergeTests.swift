import Bytes
import FoundationEssentials
import Signing
import TestSupport
import Testing

@testable import Channels
@testable import UpdateFramework

/// Proposals that are signed by enough keys, and that no command of ours makes: what a merge refuses.
@Suite struct MergeTests {
  private static func sample(at path: String) async throws -> SampleRepository {
    let sample = try await SampleRepository(at: path)
    for version in ["1.0", "2.0", "3.0"] { try await sample.list("router", version) }
    try await sample.promote("router", "2.0", to: "dev", ["ci"])
    return sample
  }

  @Test func nothingLeavesAFrozenChannel() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await Self.sample(at: scratch.path)
      try await sample.merge(sample.open().freeze("dev", reason: "holidays", now: sample.now), ["ci"])
      let removal = try sample.change("dev") { $0.targets = [:] }
      #expect(await refusal { try await sample.merge(removal, ["ci"]) } == "frozen")
      // Nor by thawing it in the same breath.
      let thawed = try sample.change("dev") {
        $0.targets = [:]
        $0.header.frozen = nil
      }
      #expect(await refusal { try await sample.merge(thawed, ["ci"]) } == "frozen")
      #expect(try sample.current("dev") == ["router 2.0"])
    }
  }

  /// An image that left the channel comes back by the order of what it had.
  @Test func aRemovalDoesNotForgetTheOrder() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await Self.sample(at: scratch.path)
      try await sample.merge(sample.change("dev") { $0.targets = [:] }, ["ci"])
      #expect(try sample.current("dev") == [])
      #expect(await refusal { try await sample.promote("router", "1.0", to: "dev", ["ci"]) } == "gate")
      let entry = try sample.entry("router", "1.0")
      let direct = try sample.change("dev") { $0.targets["channels/dev/router"] = entry }
      #expect(await refusal { try await sample.merge(direct, ["ci"]) } == "gate")
      try await sample.promote("router", "1.0", to: "dev", ["ci"], back: true)
      #expect(try sample.open().channel("dev").entries().map(\.rollbackFrom) == ["2.0"])
    }
  }

  @Test func aRollbackSaysFromWhat() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await Self.sample(at: scratch.path)
      for (from, outcome) in [("3.0", "gate"), ("", "gate"), ("2.0", "accepted")] {
        let entry = try sample.entry("router", "1.0", rollbackFrom: from)
        let proposal = try sample.change("dev") { $0.targets["channels/dev/router"] = entry }
        #expect(await refusal { try await sample.merge(proposal, ["ci"]) } == outcome, "\(from)")
      }
    }
  }

  @Test func aNewChannelBeginsEmpty() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await Self.sample(at: scratch.path)
      let manifest = SampleRepository.manifest + "\n  qa: {signers: [bob], after: staging, soakHours: 99}\n"
      let entry = try sample.entry("router", "1.0")
      func proposal(_ isEmpty: Bool) throws -> Proposal {
        var draft = try SampleRepository.plan(manifest, sample.keys).draft(
          over: sample.open().state, now: sample.now)
        if !isEmpty { draft.edit("channel-qa") { $0.targets["channels/qa/router"] = entry } }
        return try draft.proposal(reason: "qa")
      }
      let full = try proposal(false)
      #expect(await refusal { try await sample.merge(full, ["bob"]) } == "gate")
      try await sample.merge(proposal(true), ["bob"])
      #expect(try sample.current("qa") == [])
      // The same when the repository begins.
      var draft = try SampleRepository.plan(manifest, sample.keys).draft(over: nil, now: sample.now)
      let empty = try draft.proposal(reason: "begin")
      draft.edit("channel-qa") { $0.targets["channels/qa/router"] = entry }
      let begun = try draft.proposal(reason: "begin")
      #expect(await refusal { try ChannelRepository.checkBeginning(begun) } == "gate")
      #expect(await refusal { try ChannelRepository.checkBeginning(empty) } == "accepted")
    }
  }

  @Test func releasesAreOnlyAdded() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await Self.sample(at: scratch.path)
      let other = try sample.listing(
        "router", "3.0", bytes: SampleRepository.manifest("router", "3.0") + [10])
      #expect(await refusal { try await sample.merge(other, ["ci"]) } == "replaced")
      var draft = RepositoryDraft(try sample.open().state, now: sample.now)
      draft.edit("releases") { $0.targets["releases/router/3.0/release.json"] = nil }
      let removal = try draft.proposal(reason: "tidy")
      #expect(await refusal { try await sample.merge(removal, ["ci"]) } == "replaced")
      draft = RepositoryDraft(try sample.open().state, now: sample.now)
      let file = try sample.entry("router", "3.0")
      draft.edit("releases") { $0.targets["releases/router/release.json"] = file }
      let odd = try draft.proposal(reason: "odd")
      #expect(await refusal { try await sample.merge(odd, ["ci"]) } == "malformed")
    }
  }

  /// An old release with a good signature is not a new one because it is listed as such.
  @Test func aReleaseIsWhatItIsCalled() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await Self.sample(at: scratch.path + "/repo")
      for (image, version) in [("router", "9.9"), ("switch", "1.0")] {
        let lie = try sample.listing(image, version, bytes: SampleRepository.manifest("router", "1.0"))
        #expect(await refusal { try await sample.merge(lie, ["ci"]) } == "badRelease")
        // Merged and promoted by programs that look at nothing.
        var signed = lie
        _ = try await signed.sign(with: sample.signer("ci"), in: try sample.open().state)
        try sample.directory.merge(signed)
        #expect(await refusal { try await sample.promote(image, version, to: "dev", ["ci"]) } == "badRelease")
        let file = try sample.entry(image, version)
        var entry = try sample.change("dev") { $0.targets[Names.current(image, in: "dev")] = file }
        _ = try await entry.sign(with: sample.signer("ci"), in: try sample.open().state)
        try sample.directory.copyTarget(
          Names.release(image, version).text, file, to: "channels/dev/\(image)", file)
        try sample.directory.merge(entry)
      }
      try await sample.directory.publish(signers: [sample.signer("server")], now: sample.now)
      let trust = LocalMetadata(directory: scratch.path + "/trust")
      try trust.initialize(rootFile: scratch.path + "/repo/metadata/1.root.json")
      let client = try ChannelClient(
        trust: trust, fetcher: try HTTPFetcher(), url: ChannelClient.address(of: scratch.path + "/repo"))
      for image in ["router", "switch"] {
        let current = try await client.current(image, in: "dev")
        #expect(await refusal { _ = try await client.plan(current, here: LocalFiles()) } == "badRelease")
        #expect(await refusal { try await client.judge(current) } == "badRelease")
      }
    }
  }

  /// Gates that cannot be read are merged by nobody; where another program did, only that channel stands still.
  @Test func gatesThatCannotBeReadAreNone() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await Self.sample(at: scratch.path + "/repo")
      func proposal(_ change: (inout DelegatedRole) -> Void) throws -> Proposal {
        var draft = RepositoryDraft(try sample.open().state, now: sample.now)
        draft.edit("targets") { targets in
          guard case .listed(var roles) = targets.delegations?.roles else { return }
          change(&roles[1])
          targets.delegations?.roles = .listed(roles)
        }
        return try draft.proposal(reason: "odd")
      }
      func gates(_ text: String) throws -> JSONMember {
        JSONMember("x-channel", try JSONParser.parse(Array(text.utf8), maximumSize: 1000, maximumDepth: 9))
      }
      for text in [
        "3", #"{"after": 3}"#, #"{"soak_hours": "24"}"#, #"{"soak_hours": 9223372036854775807}"#,
        #"{"attestations": []}"#, #"{"vulnerable": {}}"#, #"{"built_by": {"keys": [], "threshold": 1}}"#,
      ] {
        let member = try gates(text)
        let odd = try proposal { $0.keys.unknown = [member] }
        #expect(await refusal { try await sample.merge(odd, ["bob"]) } == "malformed", "\(text)")
      }
      let open = try proposal { $0.keys.unknown = [] }
      #expect(await refusal { try await sample.merge(open, ["bob"]) } == "malformed")
      let wide = try proposal { $0.scope = .paths(["channels/dev/*", "channels/prod/*"]) }
      #expect(await refusal { try await sample.merge(wide, ["bob"]) } == "malformed")
      let renamed = try proposal { $0.name = "xxxxxxxxprod" }
      #expect(await refusal { try await sample.merge(renamed, ["bob"]) } == "malformed")

      let member = try gates(#"{"soak_hours": -1}"#)
      var signed = try proposal { $0.keys.unknown = [member] }
      _ = try await signed.sign(with: sample.signer("bob"), in: try sample.open().state)
      try sample.directory.merge(signed)
      try await sample.directory.publish(signers: [sample.signer("server")], now: sample.now)
      #expect(await refusal { try await sample.promote("router", "3.0", to: "dev", ["ci"]) } == "malformed")
      #expect(try sample.open().channel("staging").name == "staging")
      let trust = LocalMetadata(directory: scratch.path + "/trust")
      try trust.initialize(rootFile: scratch.path + "/repo/metadata/1.root.json")
      let client = try ChannelClient(
        trust: trust, fetcher: try HTTPFetcher(), url: ChannelClient.address(of: scratch.path + "/repo"))
      #expect(try await client.survey().channels.map { $0.problem == nil } == [false, true, true])
      // The manifest mends it.
      let draft = try SampleRepository.plan(SampleRepository.manifest, sample.keys).draft(
        over: sample.open().state, now: sample.now)
      try await sample.merge(draft.proposal(reason: "mend"), ["bob"])
      try await sample.promote("router", "3.0", to: "dev", ["ci"])
    }
  }

  /// A role that is no channel has no gates, so it says nothing of channels.
  @Test func anotherRoleDoesNotSayWhatIsCurrent() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await Self.sample(at: scratch.path + "/repo")
      var draft = RepositoryDraft(try sample.open().state, now: sample.now)
      let file = try sample.entry("router", "3.0")
      draft.edit("targets") { targets in
        guard case .listed(var roles) = targets.delegations?.roles else { return }
        roles[0].scope = .paths(["releases/*/*/release.json", "channels/prod/*"])
        targets.delegations?.roles = .listed(roles)
      }
      draft.edit("releases") { $0.targets["channels/prod/router"] = file }
      var signed = try draft.proposal(reason: "wide")
      for name in ["bob", "ci"] {
        _ = try await signed.sign(with: sample.signer(name), in: try sample.open().state)
      }
      try sample.directory.merge(signed)
      try await sample.directory.publish(signers: [sample.signer("server")], now: sample.now)
      let trust = LocalMetadata(directory: scratch.path + "/trust")
      try trust.initialize(rootFile: scratch.path + "/repo/metadata/1.root.json")
      let client = try ChannelClient(
        trust: trust, fetcher: try HTTPFetcher(), url: ChannelClient.address(of: scratch.path + "/repo"))
      #expect(await refusal { _ = try await client.current("router", in: "prod") } == "malformed")
    }
  }
}
