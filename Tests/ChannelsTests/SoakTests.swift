import Bytes
import FoundationEssentials
import Signing
import TestSupport
import Testing

@testable import Channels
@testable import UpdateFramework

/// A release soaks while a channel has it, for all to see, and not while somebody says so.
@Suite struct SoakTests {
  private static let day = 24 * 3600

  /// 1.0 and 2.0 are in dev.
  private static func sample(at path: String) async throws -> SampleRepository {
    let sample = try await SampleRepository(at: path)
    for version in ["1.0", "2.0"] {
      try await sample.list("router", version)
      try await sample.promote("router", version, to: "dev", ["ci"])
    }
    return sample
  }

  private static func prod(_ version: String, _ sample: SampleRepository) async -> String {
    await refusal {
      _ = try sample.open().promote("router", version, to: "prod", reason: "", now: sample.now)
    }
  }

  @Test func aProposalThatWaitsDoesNotSoak() async throws {
    try await withScratchDirectory { scratch in
      var sample = try await Self.sample(at: scratch.path)
      let waiting = try sample.open().promote(
        "router", "1.0", to: "staging", reason: "", now: sample.now)
      sample.now = sample.now.advanced(by: Self.day + 3600)
      try await sample.merge(waiting, ["bob"])
      #expect(await Self.prod("1.0", sample) == "gate")
      sample.now = sample.now.advanced(by: Self.day - 1)
      #expect(await Self.prod("1.0", sample) == "gate")
      sample.now = sample.now.advanced(by: 1)
      #expect(await Self.prod("1.0", sample) == "accepted")
    }
  }

  @Test func whatNoClientSeesDoesNotSoak() async throws {
    try await withScratchDirectory { scratch in
      var sample = try await Self.sample(at: scratch.path)
      var proposal = try sample.open().promote("router", "1.0", to: "staging", reason: "", now: sample.now)
      _ = try await proposal.sign(with: sample.signer("bob"), in: sample.open().state)
      try sample.open().prepareMerge(of: proposal, now: sample.now)
      try sample.directory.merge(proposal)
      sample.now = sample.now.advanced(by: 3 * Self.day)
      #expect(await Self.prod("1.0", sample) == "gate")
      try await sample.directory.publish(signers: [sample.signer("server")], now: sample.now)
      #expect(await Self.prod("1.0", sample) == "gate")
      sample.now = sample.now.advanced(by: Self.day)
      #expect(await Self.prod("1.0", sample) == "accepted")
    }
  }

  @Test func whatWasTakenBackHasNotSoaked() async throws {
    try await withScratchDirectory { scratch in
      var sample = try await Self.sample(at: scratch.path)
      try await sample.promote("router", "1.0", to: "staging", ["bob"])
      try await sample.promote("router", "2.0", to: "staging", ["bob"])
      sample.now = sample.now.advanced(by: 3600)
      try await sample.promote("router", "1.0", to: "staging", ["bob"], back: true)
      sample.now = sample.now.advanced(by: 2 * Self.day)
      #expect(await Self.prod("2.0", sample) == "gate")
      #expect(await Self.prod("1.0", sample) == "accepted")
      // There once more, it begins anew.
      try await sample.promote("router", "2.0", to: "staging", ["bob"])
      #expect(await Self.prod("2.0", sample) == "gate")
      sample.now = sample.now.advanced(by: Self.day)
      #expect(await Self.prod("2.0", sample) == "accepted")
    }
  }

  /// It was there for long enough, and is there no more because a newer one came.
  @Test func whatHasSoakedMayComeLater() async throws {
    try await withScratchDirectory { scratch in
      var sample = try await Self.sample(at: scratch.path)
      try await sample.promote("router", "1.0", to: "staging", ["bob"])
      sample.now = sample.now.advanced(by: Self.day)
      try await sample.promote("router", "2.0", to: "staging", ["bob"])
      #expect(await Self.prod("1.0", sample) == "accepted")
      #expect(await Self.prod("2.0", sample) == "gate")
      // The image taken from the channel tells no time: then only the snapshots do, which saw it for no time at all.
      let removal = try sample.change("staging") { $0.targets = [:] }
      sample.now = sample.now.advanced(by: 2 * Self.day)
      try await sample.merge(removal, ["bob"])
      #expect(await Self.prod("2.0", sample) == "gate")
    }
  }

  /// A version that nobody signed may hide anything, so it interrupts; and snapshots that are none only make it later.
  @Test func gapsNeverMakeItOlder() async throws {
    try await withScratchDirectory { scratch in
      var sample = try await Self.sample(at: scratch.path)
      let folder = "\(scratch.path)/metadata"
      try await sample.promote("router", "1.0", to: "staging", ["bob"])
      let published = try #require(try sample.open().state.snapshot?.signed.header.version)
      sample.now = sample.now.advanced(by: Self.day / 2)
      try await sample.merge(sample.open().freeze("staging", reason: "x", now: sample.now), ["bob"])
      try await sample.merge(sample.open().freeze("staging", reason: nil, now: sample.now), ["bob"])
      sample.now = sample.now.advanced(by: Self.day / 2)
      #expect(await Self.prod("1.0", sample) == "accepted")
      let path = URL(fileURLWithPath: "\(folder)/3.channel-staging.json")
      let good = try Data(contentsOf: path)
      let unsigned = try Metadata(
        Metadata<TargetsRole>([UInt8](good), role: "channel-staging", limit: 1 << 20).signed)
      try Data(unsigned.bytes).write(to: path)
      #expect(await Self.prod("1.0", sample) == "gate")
      try good.write(to: path)
      #expect(await Self.prod("1.0", sample) == "accepted")
      // A snapshot with an earlier time, by a key that may not.
      let snapshot = URL(fileURLWithPath: "\(folder)/\(published).snapshot.json")
      var role = try Metadata<SnapshotRole>(
        [UInt8](Data(contentsOf: snapshot)), role: "snapshot", limit: 1 << 20
      ).signed
      role.header.time = sample.now.advanced(by: -9 * Self.day)
      var metadata = try Metadata(role)
      try await metadata.sign(with: sample.signer("ci"))
      try Data(metadata.bytes).write(to: snapshot)
      #expect(await Self.prod("1.0", sample) == "gate")
      sample.now = sample.now.advanced(by: Self.day / 2)
      #expect(await Self.prod("1.0", sample) == "accepted")
    }
  }

  @Test func timesAreBoundedWhenMerging() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await Self.sample(at: scratch.path)
      func merge(_ seconds: Int) async throws -> String {
        let entry = try sample.entry("router", "1.0", time: sample.now.advanced(by: seconds))
        let proposal = try sample.change("staging") { $0.targets["channels/staging/router"] = entry }
        return await refusal { try await sample.merge(proposal, ["bob"]) }
      }
      #expect(try await merge(3600) == "gate")
      #expect(try await merge(-31 * Self.day) == "gate")
      #expect(try await merge(-Self.day) == "accepted")
      // Not before what the channel has.
      let entry = try sample.entry("router", "2.0", time: sample.now.advanced(by: -2 * Self.day))
      let proposal = try sample.change("staging") { $0.targets["channels/staging/router"] = entry }
      #expect(await refusal { try await sample.merge(proposal, ["bob"]) } == "gate")
      #expect(try sample.current("staging") == ["router 1.0"])
    }
  }
}
