import Bytes
import FoundationEssentials
import Signing
import Synchronization
import TestSupport
import Testing
import Transfers

@testable import Channels
@testable import UpdateFramework

/// What a client makes of a release that somebody let past the gates `after` and `soakHours`, and of a server that hides
/// or forges what would show it.
@Suite struct PassageTests {
  /// Notes what is asked for.
  private final class Watch: Fetcher {
    private let fetcher: HTTPFetcher
    private let names = Mutex<[String]>([])

    init() throws { fetcher = try HTTPFetcher() }

    var asked: [String] { names.withLock(\.self) }

    func fetch(_ url: String, limit: Int, into sink: any TransferSink) async throws {
      names.withLock { $0.append(url.split(separator: "/").last.map(String.init) ?? "") }
      try await fetcher.fetch(url, limit: limit, into: sink)
    }
  }

  /// A repository with releases, and a program beside it that looks at no gate.
  private struct Sample {
    var sample: SampleRepository
    let path: String

    init(_ scratch: String, manifest: String = SampleRepository.manifest) async throws {
      path = "\(scratch)/repo"
      sample = try await SampleRepository(at: path, manifest: manifest)
      for version in ["1.0", "1.1", "1.2"] { try await sample.list("router", version) }
    }

    /// Signed by as many as must, and past all gates: the time is what they say.
    func force(
      _ version: String, to channel: String, by names: [String], at time: UpdateTime, back: Bool = false
    ) async throws {
      let state = try sample.open().state
      let release = try sample.open().release("router", version)
      var file = release.file
      file.custom =
        ChannelEntry(
          image: "router", version: version, release: release.digest, reason: "", time: time,
          rollbackFrom: back ? "9" : nil
        ).custom
      var draft = RepositoryDraft(state, now: sample.now)
      draft.edit(Names.role(ofChannel: channel)) { $0.targets[Names.current("router", in: channel)] = file }
      var proposal = try draft.proposal(reason: "forced")
      for name in names { _ = try await proposal.sign(with: sample.signer(name), in: state) }
      try sample.directory.copyTarget(
        Names.release("router", version).text, release.file,
        to: Names.current("router", in: channel).text, file)
      try sample.directory.merge(proposal)
      try await sample.directory.publish(signers: [sample.signer("server")], now: sample.now)
    }

    func hours(_ count: Int) -> UpdateTime { sample.now.advanced(by: count * 3600) }

    /// A new client's answer: `through staging`, `again`, `unproved: …`, or the refusal's code.
    func answer(
      _ fetcher: any Fetcher, channel: String = "prod", clock: UpdateTime? = nil,
      trust: String = UUID().uuidString
    ) async throws -> String {
      let local = LocalMetadata(directory: "\(path)/../trust-\(trust)")
      if !FileManager.default.fileExists(atPath: local.path(of: "root")) {
        try local.initialize(rootFile: "\(path)/metadata/1.root.json")
      }
      var limits = UpdateLimits()
      limits.earliestTime = clock
      let client = try ChannelClient(
        trust: local, fetcher: fetcher, url: ChannelClient.address(of: path), limits: limits)
      do {
        let current = try await client.current("router", in: channel)
        switch try await client.passage(of: current) {
        case .through(let before, _): return "through \(before)"
        case .again: return "again"
        case .unproved(let why): return "unproved: \(why)"
        case nil: return "no gate"
        }
      } catch let error as ChannelError {
        return "\(error.code)"
      } catch let error as UpdateError {
        return "\(error.code)"
      }
    }

    func answer(channel: String = "prod", clock: UpdateTime? = nil) async throws -> String {
      try await answer(try HTTPFetcher(), channel: channel, clock: clock)
    }

    func file(_ version: Int, _ channel: String) -> String {
      "\(path)/metadata/\(version).channel-\(channel).json"
    }
  }

  private static let owners = ["ada-laptop", "eve"]

  @Test func whatCameThroughIsShownWithOneFileMore() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await Sample(scratch.path)
      try await sample.force("1.0", to: "staging", by: ["bob"], at: sample.hours(-25))
      try await sample.force("1.0", to: "prod", by: Self.owners, at: sample.hours(0))
      let watch = try Watch()
      #expect(try await sample.answer(watch) == "through staging")
      #expect(watch.asked.count { $0.hasSuffix(".channel-staging.json") } == 1)
      #expect(try await sample.answer(channel: "dev") == "unknownChannel")
      // Three versions later it is found in the past, and the search ends there.
      for (version, hour) in [("1.1", -20), ("1.2", -10)] {
        try await sample.force(version, to: "staging", by: ["bob"], at: sample.hours(hour))
      }
      let later = try Watch()
      #expect(try await sample.answer(later) == "through staging")
      #expect(
        later.asked.filter { $0.contains("staging") }
          == ["4.channel-staging.json", "3.channel-staging.json", "2.channel-staging.json"])
    }
  }

  @Test func whatWasNeverInTheChannelBeforeIsRefused() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await Sample(scratch.path)
      try await sample.force("1.1", to: "staging", by: ["bob"], at: sample.hours(-48))
      try await sample.force("1.0", to: "prod", by: Self.owners, at: sample.hours(0))
      #expect(try await sample.answer() == "gate")
      // Said to be a rollback, to what prod never had.
      try await sample.force("1.2", to: "prod", by: Self.owners, at: sample.hours(0), back: true)
      #expect(try await sample.answer() == "gate")
    }
  }

  @Test func whatHasNotSoakedWaits() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await Sample(scratch.path)
      try await sample.force("1.0", to: "staging", by: ["bob"], at: sample.hours(-2))
      // Those who sign prod say that it is late already.
      try await sample.force("1.0", to: "prod", by: Self.owners, at: sample.hours(50))
      #expect(try await sample.answer() == "gate")
      #expect(try await sample.answer(clock: sample.hours(21)) == "gate")
      #expect(try await sample.answer(clock: sample.hours(22)) == "through staging")
      // Staging's own say that it is there once more: the earliest time counts.
      try await sample.force("1.0", to: "staging", by: ["bob"], at: sample.hours(-1))
      #expect(try await sample.answer(clock: sample.hours(22)) == "through staging")
    }
  }

  @Test func aClockThatIsBehindIsHeldToTheTimestamp() async throws {
    try await withScratchDirectory { scratch in
      // The machine says now; everything was signed a week later.
      var sample = try await Sample(scratch.path)
      let now = sample.sample.now
      sample.sample.now = now.advanced(by: 7 * 86400)
      try await sample.force("1.0", to: "staging", by: ["bob"], at: sample.hours(-25))
      try await sample.force("1.0", to: "prod", by: Self.owners, at: sample.hours(0))
      #expect(try await sample.answer() == "through staging")
      try await sample.force("1.1", to: "staging", by: ["bob"], at: sample.hours(-23))
      try await sample.force("1.1", to: "prod", by: Self.owners, at: sample.hours(0))
      #expect(try await sample.answer() == "gate")
    }
  }

  @Test func whatAServerHidesOrForgesProvesNothing() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await Sample(scratch.path)
      for (version, hour) in [("1.0", -40), ("1.1", -30), ("1.2", -20)] {
        try await sample.force(version, to: "staging", by: ["bob"], at: sample.hours(hour))
      }
      try await sample.force("1.0", to: "prod", by: Self.owners, at: sample.hours(0))
      #expect(try await sample.answer() == "through staging")
      func replace(_ version: Int, _ bytes: Data?) throws {
        let path = sample.file(version, "staging")
        try FileManager.default.removeItem(atPath: path)
        if let bytes { try bytes.write(to: URL(fileURLWithPath: path)) }
      }
      func read(_ version: Int, _ channel: String = "staging") throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: sample.file(version, channel)))
      }
      let (first, second, third, last) = (try read(1), try read(2), try read(3), try read(4))
      // Gone, garbage, another version, another channel's, and a stranger's words.
      let forged = Data(String(decoding: third, as: UTF8.self).replacing("1.1", with: "1.0").utf8)
      for bytes in [nil, Data("{".utf8), second, try read(2, "prod"), forged] as [Data?] {
        try replace(3, bytes)
        let answer = try await sample.answer()
        #expect(
          answer.hasPrefix("unproved: that router 1.0 came through staging cannot be proved: "), "\(answer)")
        try third.write(to: URL(fileURLWithPath: sample.file(3, "staging")))
      }
      // The one that is current cannot be hidden: the snapshot lists it.
      for (bytes, code) in [(nil, "notAvailable"), (third, "wrongDigest"), (first, "wrongLength")]
        as [(Data?, String)]
      {
        try replace(4, bytes)
        let answer = try await sample.answer()
        #expect(answer == code || answer == "wrongDigest", "\(answer)")
        if bytes == nil {
          try last.write(to: URL(fileURLWithPath: sample.file(4, "staging")))
        } else {
          try replace(4, last)
        }
      }
      #expect(try await sample.answer() == "through staging")
    }
  }

  @Test func keysThatWereReplacedProveNothingAndWhatTheySignedAnewDoes() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await Sample(scratch.path)
      for (version, hour) in [("1.0", -40), ("1.1", -30)] {
        try await sample.force(version, to: "staging", by: ["bob"], at: sample.hours(hour))
      }
      let manifest = SampleRepository.manifest.replacing(
        "staging: {signers: [ada, bob], after: dev}", with: "staging: {signers: [eve], after: dev}")
      let draft = try SampleRepository.plan(manifest, sample.sample.keys).draft(
        over: try sample.sample.open().state, now: sample.sample.now)
      try await sample.sample.merge(draft.proposal(reason: "bob leaves"), ["ada-laptop", "eve"])
      // What staging had when its new keys signed is theirs, with the time of then.
      try await sample.force("1.1", to: "prod", by: Self.owners, at: sample.hours(0))
      #expect(try await sample.answer() == "through staging")
      try await sample.force("1.0", to: "prod", by: Self.owners, at: sample.hours(0), back: true)
      let answer = try await sample.answer()
      #expect(answer.hasPrefix("unproved") && answer.contains("not signed by the keys"), "\(answer)")
    }
  }

  @Test func aRollbackToWhatTheChannelHadNeedsNoPassage() async throws {
    try await withScratchDirectory { scratch in
      // Prod was first, and asks for staging since.
      let before = SampleRepository.manifest.replacing(", after: staging, soakHours: 24", with: "")
      let sample = try await Sample(scratch.path, manifest: before)
      try await sample.force("1.0", to: "prod", by: Self.owners, at: sample.hours(-90))
      #expect(try await sample.answer() == "no gate")
      let draft = try SampleRepository.plan(SampleRepository.manifest, sample.sample.keys).draft(
        over: try sample.sample.open().state, now: sample.sample.now)
      try await sample.sample.merge(draft.proposal(reason: "gates"), ["ada-laptop"])
      try await sample.force("1.1", to: "staging", by: ["bob"], at: sample.hours(-80))
      try await sample.force("1.1", to: "prod", by: Self.owners, at: sample.hours(-50))
      #expect(try await sample.answer() == "through staging")
      try await sample.force("1.0", to: "prod", by: Self.owners, at: sample.hours(0), back: true)
      #expect(try await sample.answer() == "again")
    }
  }

  @Test func aGateThatNoTimeFitsIsNone() throws {
    let json =
      #"{"keyids":[],"threshold":1,"name":"channel-x","paths":[],"x-channel":{"soak_hours":HOURS,"after":"y"}}"#
    func policy(_ hours: String) throws -> ChannelPolicy? {
      let bytes = Array(json.replacing("HOURS", with: hours).utf8)
      return try ChannelPolicy(DelegatedRole(JSONParser.parse(bytes, maximumSize: 1000), at: "x"))
    }
    #expect(try policy("100000")?.soakHours == 100_000)
    for hours in ["100001", "9223372036854775807", "-1"] {
      #expect(throws: ChannelError.self) { try policy(hours) }
    }
  }
}
