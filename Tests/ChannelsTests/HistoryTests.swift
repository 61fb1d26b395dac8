import Bytes
import FoundationEssentials
import Signing
import TestSupport
import Testing

@testable import Channels
@testable import UpdateFramework

/// What a channel was is believed only of metadata that count.
@Suite struct HistoryTests {
  /// Writes a version of a channel's metadata, as somebody does who has the disk.
  private static func plant(
    _ version: Int, _ channel: String, in sample: SampleRepository, from source: Int? = nil,
    signers: [String] = [], _ change: (inout TargetsRole) -> Void
  ) async throws {
    let folder = "\(sample.directory.path)/metadata"
    let bytes = try Data(
      contentsOf: URL(fileURLWithPath: "\(folder)/\(source ?? version).channel-\(channel).json"))
    var role = try Metadata<TargetsRole>([UInt8](bytes), role: channel, limit: 1 << 20).signed
    change(&role)
    var metadata = try Metadata(role)
    for name in signers { try await metadata.sign(with: sample.signer(name)) }
    try Data(metadata.bytes).write(to: URL(fileURLWithPath: "\(folder)/\(version).channel-\(channel).json"))
  }

  private static func staged(at path: String) async throws -> SampleRepository {
    let sample = try await SampleRepository(
      at: path, manifest: SampleRepository.manifest.replacing(", soakHours: 24", with: ""))
    for version in ["1.0", "2.0"] { try await sample.list("router", version) }
    try await sample.promote("router", "1.0", to: "dev", ["ci"])
    try await sample.promote("router", "1.0", to: "staging", ["bob"])
    return sample
  }

  private static func prod(_ version: String, _ sample: SampleRepository) async -> String {
    await refusal {
      _ = try sample.open().promote("router", version, to: "prod", reason: "", now: sample.now)
    }
  }

  @Test func unsignedMetadataOpenNoGate() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await Self.staged(at: scratch.path)
      let entry = try sample.entry("router", "2.0", time: sample.now.advanced(by: -999_999))
      #expect(await Self.prod("2.0", sample) == "gate")
      for signers in [[], ["ci"], ["eve"]] {
        try await Self.plant(1, "staging", in: sample, signers: signers) {
          $0.targets["channels/staging/router"] = entry
        }
        #expect(await Self.prod("2.0", sample) == "gate", "\(signers)")
        let history = try sample.open().history(of: "staging")
        #expect(history.map(\.isSigned) == [false, true])
        #expect(history[0].changes.allSatisfy { $0.entry == nil })
        #expect(history[1].changes.map { $0.entry?.version } == ["1.0"])
      }
      // Those who may sign it are believed, even about what is long ago; 1.0 then shows as the change that it is.
      try await Self.plant(1, "staging", in: sample, signers: ["bob"]) {
        $0.targets["channels/staging/router"] = entry
      }
      #expect(await Self.prod("2.0", sample) == "accepted")
    }
  }

  /// What was signed as one version is nothing under another's name.
  @Test func aVersionCountsOnlyUnderItsOwnName() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await Self.staged(at: scratch.path)
      try await sample.promote("router", "2.0", to: "dev", ["ci"])
      try await sample.promote("router", "2.0", to: "staging", ["bob"])
      let folder = "\(scratch.path)/metadata"
      let newest = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/3.channel-staging.json"))
      try newest.write(to: URL(fileURLWithPath: "\(folder)/1.channel-staging.json"))
      let history = try sample.open().history(of: "staging")
      #expect(history.map(\.isSigned) == [false, true, true])
      #expect(history.map(\.version) == [1, 2, 3])
    }
  }

  /// A rollback is no way around the channel before, unless the channel had the release for all to see.
  @Test func aPlantedPastIsNothingToRollBackTo() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await Self.staged(at: scratch.path)
      try await sample.list("router", "0.9")
      try await sample.promote("router", "1.0", to: "prod", ["bob", "eve"])
      let entry = try sample.entry("router", "0.9")
      try await Self.plant(1, "prod", in: sample) { $0.targets["channels/prod/router"] = entry }
      #expect(
        await refusal {
          _ = try sample.open().promote(
            "router", "0.9", to: "prod", reason: "", isRollback: true, now: sample.now)
        } == "gate")
    }
  }

  /// Keys that are no longer the channel's have signed its past: the delegations of that time say so.
  @Test func earlierKeysCountForWhatTheySigned() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await Self.staged(at: scratch.path + "/repo")
      let manifest = SampleRepository.manifest.replacing(", soakHours: 24", with: "")
        .replacing("staging: {signers: [ada, bob]", with: "staging: {signers: [eve]")
        .replacing("root: {signers: [ada, bob, eve]", with: "root: {signers: [ada, eve]")
      let draft = try SampleRepository.plan(manifest, sample.keys).draft(
        over: sample.open().state, now: sample.now)
      try await sample.merge(draft.proposal(reason: "bob leaves"), ["ada-laptop", "bob", "eve"])
      let history = try sample.open().history(of: "staging")
      #expect(history.map(\.isSigned) == [true, true, true])
      #expect(history.map(\.signers) == [["ada", "bob"], ["bob"], ["eve"]])
      #expect(await Self.prod("1.0", sample) == "accepted")
      // A client that looks at the history asks the same of the mirror.
      func survey() async throws -> [ChannelEvent] {
        let trust = LocalMetadata(directory: scratch.path + "/trust")
        try trust.initialize(rootFile: scratch.path + "/repo/metadata/1.root.json")
        let client = try ChannelClient(
          trust: trust, fetcher: try HTTPFetcher(), url: ChannelClient.address(of: scratch.path + "/repo"))
        let survey = try await client.survey()
        let staging = try #require(survey.channels.first { $0.name == "staging" })
        return try await client.history(of: staging, in: survey)
      }
      #expect(try await survey().map(\.isSigned) == [true, true, true])
      // Without a delegation that counts, nobody knows who was to sign: one made up does not help.
      let path = URL(fileURLWithPath: scratch.path + "/repo/metadata/1.targets.json")
      var targets = try Metadata<TargetsRole>(
        [UInt8](Data(contentsOf: path)), role: "targets", limit: 1 << 20)
      targets = try Metadata(targets.signed)
      try await targets.sign(with: sample.signer("ci"))
      try Data(targets.bytes).write(to: path)
      #expect(try sample.open().history(of: "staging").map(\.isSigned) == [false, false, true])
      #expect(try await survey().map(\.isSigned) == [false, false, true])
      #expect(await Self.prod("1.0", sample) == "accepted")
    }
  }
}
