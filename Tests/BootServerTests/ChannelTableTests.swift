import BootTypes
import Bytes
import DHCP
import NetworkTypes
import Testing

@testable import BootServer

/// What a device that follows a channel is told.
@Suite struct ChannelTableTests {
  private func entry(_ release: SHA256Digest, image: String = "edge", validUntil: Int64) -> ChannelTable.Entry
  {
    ChannelTable.Entry(
      image: image, version: "1.0", release: release, reason: "because", time: "2026-01-01T00:00:00Z",
      channelVersion: 7, validUntil: validUntil, firstToExpire: "timestamp")
  }

  private func reason(_ decision: BootDecision) -> String {
    switch decision {
    case .ignore(let reason), .wait(let reason): return reason
    case .boot, .localDisk: return "answered"
    }
  }

  @Test func theDecisionFollowsTheTable() async throws {
    try await DirectorFixture.with { fixture async throws in
      let director = fixture.director
      let release = try #require(fixture.fixture.library.releases.first { $0.name == "edge" })
      let later = fixture.now / 1000 + 100
      // The fleet has follower with the channel prod.
      #expect(reason(fixture.ask(4)).contains("this server follows no repository"))
      director.follow(ChannelTable(source: "/repo", problem: "timestamp: expired"))
      #expect(reason(fixture.ask(4)).contains("nothing was trusted before: timestamp: expired"))
      director.follow(ChannelTable(source: "/repo", channels: ["dev": .init(entries: [])]))
      #expect(reason(fixture.ask(4)).contains("has no channel prod; it has dev"))
      director.follow(ChannelTable(source: "/repo", channels: ["prod": .init(entries: [])]))
      #expect(reason(fixture.ask(4)).contains("names no release yet"))
      director.follow(
        ChannelTable(source: "/repo", channels: ["prod": .init(entries: [], coming: "edge 1.0")]))
      #expect(reason(fixture.ask(4)).contains("edge 1.0 is on its way"))
      let good = entry(release.digest, validUntil: later)
      director.follow(ChannelTable(source: "/repo", channels: ["prod": .init(entries: [good])]))
      guard case .boot = fixture.ask(4) else {
        Issue.record("it is not booted")
        return
      }
      let steps = director.verdict(for: DeviceIdentity(mac: mac(4)), firmware: nil).steps
      #expect(
        steps.contains { $0.contains("prod names edge 1.0 since 2026-01-01T00:00:00Z (version 7") },
        "\(steps)")
      // A look that failed changes nothing before the expiry, and everything after it.
      var table = ChannelTable(source: "/repo", channels: ["prod": .init(entries: [good])])
      table.problem = "the mirror lies"
      director.follow(table)
      guard case .boot = fixture.ask(4) else {
        Issue.record("it is not booted any more")
        return
      }
      fixture.wait(100)
      #expect(reason(fixture.ask(4)).contains("the timestamp metadata of the repository /repo expired on"))
      #expect(reason(fixture.ask(4)).contains("the mirror lies"))
    }
  }

  @Test func anImageIsNamedWhereThereAreSeveral() {
    let digest = SHA256.digest(of: [1])
    let two = ChannelTable(
      source: "/repo",
      channels: [
        "prod": .init(entries: [
          entry(digest, image: "a", validUntil: 10),
          entry(SHA256.digest(of: [2]), image: "b", validUntil: 10),
        ])
      ])
    guard case .refused(let reason) = two.current("prod", image: nil, now: 1) else {
      Issue.record("one was chosen")
      return
    }
    #expect(reason.contains("has the images a, b"))
    #expect(two.current("prod", image: "a", now: 9) == .release(entry(digest, image: "a", validUntil: 10)))
    guard case .refused = two.current("prod", image: "c", now: 1),
      case .refused = two.current("prod", image: "a", now: 10)
    else {
      Issue.record("served")
      return
    }
  }
}
