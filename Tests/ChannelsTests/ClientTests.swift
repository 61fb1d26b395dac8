import Bytes
import FoundationEssentials
import Signing
import TestSupport
import Testing

@testable import Channels
@testable import UpdateFramework

/// What a client asks of a repository whose publisher looked at nothing.
@Suite struct ClientTests {
  private static func client(_ scratch: URL) throws -> ChannelClient {
    let trust = LocalMetadata(directory: scratch.path + "/trust")
    try trust.initialize(rootFile: scratch.path + "/repo/metadata/1.root.json")
    return try ChannelClient(
      trust: trust, fetcher: try HTTPFetcher(), url: ChannelClient.address(of: scratch.path + "/repo"))
  }

  @Test func nothingBecomesOlderWithoutSayingSo() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await SampleRepository(at: scratch.path + "/repo")
      for version in ["1.0", "2.0", "3.0"] { try await sample.list("router", version) }
      /// Merges what no gate was asked about, and asks as a client.
      func enter(_ version: String?, from: String? = nil) async throws -> String {
        let file = try version.map { try sample.entry("router", $0, rollbackFrom: from) }
        var proposal = try sample.change("dev") { $0.targets["channels/dev/router"] = file }
        _ = try await proposal.sign(with: sample.signer("ci"), in: sample.open().state)
        if let file, let version {
          try sample.directory.copyTarget(
            Names.release("router", version).text, file, to: "channels/dev/router", file)
        }
        try sample.directory.merge(proposal)
        try await sample.directory.publish(signers: [sample.signer("server")], now: sample.now)
        return await ask()
      }
      func ask() async -> String {
        await refusal {
          let client = try Self.client(scratch)
          try await client.judge(client.current("router", in: "dev"))
        }
      }
      #expect(try await enter("2.0") == "accepted")
      #expect(try await enter("1.0") == "gate")
      // It is refused for as long as it is there, and its renewals.
      try await sample.merge(sample.open().freeze("dev", reason: "x", now: sample.now), ["ci"])
      for _ in 0..<2 { #expect(await ask() == "gate") }
      #expect(try await enter("3.0", from: "1.0") == "gate")
      #expect(try await enter("1.0", from: "2.0") == "gate")
      #expect(try await enter("3.0") == "accepted")
      #expect(try await enter(nil) == "unknownChannel")
      #expect(try await enter("2.0") == "gate")
      #expect(try await enter("3.0") == "accepted")
      #expect(try await enter("2.0", from: "3.0") == "accepted")
    }
  }

  /// A clock that has fallen behind is put right by what was signed.
  @Test func itIsNotEarlierThanTheRoot() async throws {
    try await withScratchDirectory { scratch in
      let later = UpdateTime.now.advanced(by: 400 * 86400)
      let sample = try await SampleRepository(at: scratch.path + "/repo", now: later)
      let client = try Self.client(scratch)
      #expect(await client.updater.trusted.startTime == later)
      try await client.updater.refresh()
      var limits = UpdateLimits()
      limits.earliestTime = later.advanced(by: 86400 + 1)
      let trust = LocalMetadata(directory: scratch.path + "/other")
      try trust.initialize(rootFile: scratch.path + "/repo/metadata/1.root.json")
      let late = try ChannelClient(
        trust: trust, fetcher: try HTTPFetcher(), url: ChannelClient.address(of: sample.directory.path),
        limits: limits)
      #expect(await refusal { _ = try await late.survey() } == "expired")
    }
  }

  /// Another root by the same keys, an unrelated one, one that cannot be read: protection against older versions goes only
  /// where it must, and then says so.
  @Test func whatWasTrustedIsNotForgottenSilently() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await SampleRepository(at: scratch.path + "/repo")
      let local = LocalMetadata(directory: scratch.path + "/trust")
      let first = scratch.path + "/repo/metadata/1.root.json"
      let second = scratch.path + "/repo/metadata/2.root.json"
      let path = local.path(of: "root")
      func isProtected() -> Bool { local.trusted("timestamp", limit: 1 << 20) != nil }
      do {
        let client = try Self.client(scratch)
        try await client.updater.refresh()
      }
      #expect(isProtected())
      var draft = RepositoryDraft(try sample.open().state, now: sample.now)
      _ = draft.renew("root")
      try await sample.merge(draft.proposal(reason: "renew"), ["ada-laptop", "bob"])
      for (root, expected) in [(first, first), (second, second), (first, second)] {
        #expect(try local.initialize(rootFile: root) == .goesOn && isProtected())
        #expect(
          try Data(contentsOf: URL(fileURLWithPath: path)) == Data(contentsOf: URL(fileURLWithPath: expected))
        )
      }
      try Data("{".utf8).write(to: URL(fileURLWithPath: path))
      #expect(try local.initialize(rootFile: first) == .goesOn && isProtected())
      // Somebody else's.
      let other = try await SampleRepository(at: scratch.path + "/other")
      #expect(try local.initialize(rootFile: other.directory.path + "/metadata/1.root.json") == .anew)
      #expect(!isProtected())
    }
  }
}
