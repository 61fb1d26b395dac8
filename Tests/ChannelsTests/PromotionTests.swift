import Bytes
import FoundationEssentials
import Signing
import TestSupport
import Testing

@testable import Channels
@testable import UpdateFramework

/// From channel to channel by the signatures of those who own each.
@Suite struct PromotionTests {
  @Test func aReleaseGoesThroughAllChannelsAndBack() async throws {
    try await withScratchDirectory { scratch in
      var sample = try await SampleRepository(at: scratch.path)
      try await sample.list("router", "1.0")
      try await sample.list("router", "1.1")
      for version in ["1.0", "1.1"] {
        try await sample.promote("router", version, to: "dev", ["ci"])
        try await sample.promote("router", version, to: "staging", ["bob"])
        sample.now = sample.now.advanced(by: 25 * 3600)
        try await sample.promote("router", version, to: "prod", ["ada-laptop", "eve"])
      }
      #expect(try sample.current("prod") == ["router 1.1"])
      try await sample.promote("router", "1.0", to: "prod", ["bob", "ada-token"], back: true)
      #expect(try sample.current("prod") == ["router 1.0"])
      let entry = try #require(try sample.open().channel("prod").entries().first)
      #expect(entry.rollbackFrom == "1.1" && entry.reason == "because")
      let history = try sample.open().history(of: "prod")
      #expect(history.map(\.version) == [1, 2, 3, 4])
      #expect(history.map { $0.changes.first?.entry?.version } == [nil, "1.0", "1.1", "1.0"])
      #expect(
        history.map(\.signers) == [["ada", "bob", "eve"], ["ada", "eve"], ["ada", "eve"], ["ada", "bob"]])
    }
  }

  @Test func gatesSayWhyTheyAreClosed() async throws {
    try await withScratchDirectory { scratch in
      var sample = try await SampleRepository(at: scratch.path)
      try await sample.list("router", "1.0")
      try await sample.list("router", "0.9")
      let repository = try sample.open()
      func attempt(_ version: String, _ channel: String, back: Bool = false) async -> String {
        await refusal {
          _ = try sample.open().promote(
            "router", version, to: channel, reason: "", isRollback: back, now: sample.now)
        }
      }
      #expect(await attempt("1.0", "none") == "unknownChannel")
      #expect(await attempt("7.0", "dev") == "unknownRelease")
      #expect(await attempt("1.0", "staging") == "gate")
      #expect(await attempt("1.0", "dev", back: true) == "gate")
      try await sample.promote("router", "1.0", to: "dev", ["ci"])
      #expect(await attempt("1.0", "dev") == "gate")
      #expect(await attempt("0.9", "dev") == "gate")
      #expect(await attempt("0.9", "dev", back: true) == "accepted")
      try await sample.promote("router", "1.0", to: "staging", ["ada-token"])
      #expect(await attempt("1.0", "prod") == "gate")
      sample.now = sample.now.advanced(by: 24 * 3600 - 1)
      #expect(await attempt("1.0", "prod") == "gate")
      sample.now = sample.now.advanced(by: 1)
      #expect(await attempt("1.0", "prod") == "accepted")
      // What was read before knows nothing of all this.
      #expect(try repository.channel("dev").entries().isEmpty)
    }
  }

  @Test func twoKeysOfOnePersonDoNotPromote() async throws {
    try await withScratchDirectory { scratch in
      var sample = try await SampleRepository(at: scratch.path)
      try await sample.list("router", "1.0")
      try await sample.promote("router", "1.0", to: "dev", ["ci"])
      #expect(
        await refusal { try await sample.promote("router", "1.0", to: "staging", ["eve"]) } == "threshold")
      try await sample.promote("router", "1.0", to: "staging", ["ada-laptop"])
      sample.now = sample.now.advanced(by: 25 * 3600)
      #expect(
        await refusal { try await sample.promote("router", "1.0", to: "prod", ["ada-laptop", "ada-token"]) }
          == "threshold")
      #expect(await refusal { try await sample.promote("router", "1.0", to: "prod", ["eve"]) } == "threshold")
      #expect(try sample.current("prod") == [])
    }
  }

  @Test func gatesAreLookedAtOnceMoreWhenMerging() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await SampleRepository(at: scratch.path)
      try await sample.list("router", "1.0")
      // Signed by enough keys, but made past the gates by other means than ours.
      var draft = RepositoryDraft(try sample.open().state, now: sample.now)
      let release = try sample.open().release("router", "1.0")
      let entry = ChannelEntry(
        image: "router", version: "1.0", release: release.digest, reason: "", time: sample.now)
      var file = release.file
      file.custom = entry.custom
      draft.edit("channel-staging") { $0.targets["channels/staging/router"] = file }
      let proposal = try draft.proposal(reason: "sneaky")
      #expect(await refusal { try await sample.merge(proposal, ["bob"]) } == "gate")
      // And a version that is published with other content.
      var other = file
      other.digests = ContentDigests(sha256: SHA256.digest(of: [1]))
      draft.edit("channel-staging") { $0.targets["channels/staging/router"] = other }
      let lie = try draft.proposal(reason: "a lie")
      #expect(await refusal { try await sample.merge(lie, ["bob"]) } == "gate")
    }
  }

  @Test func aFrozenChannelStandsStill() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await SampleRepository(at: scratch.path)
      try await sample.list("router", "1.0")
      try await sample.merge(sample.open().freeze("dev", reason: "holidays", now: sample.now), ["ci"])
      #expect(try sample.open().channel("dev").frozen == "holidays")
      #expect(await refusal { try await sample.promote("router", "1.0", to: "dev", ["ci"]) } == "frozen")
      #expect(
        await refusal { _ = try sample.open().freeze("dev", reason: "again", now: sample.now) } == "frozen")
      try await sample.merge(sample.open().freeze("dev", reason: nil, now: sample.now), ["ci"])
      #expect(await refusal { _ = try sample.open().freeze("dev", reason: nil, now: sample.now) } == "frozen")
      try await sample.promote("router", "1.0", to: "dev", ["ci"])
      let notes = try sample.open().history(of: "dev").flatMap(\.changes).compactMap(\.note)
      #expect(notes == ["made", "frozen: holidays", "unfrozen"])
    }
  }

  @Test func aClientFollowsItsChannelAlone() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await SampleRepository(at: scratch.path + "/repo")
      try await sample.list("router", "1.0")
      try await sample.promote("router", "1.0", to: "dev", ["ci"])
      let trust = LocalMetadata(directory: scratch.path + "/trust")
      try trust.initialize(rootFile: scratch.path + "/repo/metadata/1.root.json")
      let client = try ChannelClient(
        trust: trust, fetcher: try HTTPFetcher(), url: "file://\(scratch.path)/repo")
      let current = try await client.current("router", in: "dev")
      #expect(current.entry.version == "1.0" && current.channelVersion == 2)
      #expect(await refusal { _ = try await client.current("router", in: "prod") } == "unknownChannel")
      #expect(await refusal { _ = try await client.current("switch", in: "dev") } == "unknownChannel")
      // Only the channels that were asked for were fetched, and not the list of releases.
      let files = try FileManager.default.contentsOfDirectory(atPath: trust.directory).filter {
        $0.hasSuffix(".json")
      }
      #expect(
        files.sorted() == [
          "channel-dev.json", "channel-prod.json", "root.json", "snapshot.json", "targets.json",
          "timestamp.json",
        ])
    }
  }
}
