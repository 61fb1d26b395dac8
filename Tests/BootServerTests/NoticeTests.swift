import BootTypes
import DHCP
import Fleet
import Manifest
import NetworkTypes
import ServerCore
import Synchronization
import Testing

@testable import BootServer

/// What operators come to know of what happens to packets.
@Suite struct NoticeTests {
  private final class Log: Sendable {
    private let lines = Mutex<[String]>([])
    func add(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
  }

  private func dropped(_ reason: String) -> DHCPEvent {
    .dropped(source: Endpoint(IPv4Address(value: 0xC000_0209), port: 68), reason: reason)
  }

  @Test func whyNobodyIsAnsweredIsLoggedAndExplained() async throws {
    try await DirectorFixture.with { fixture async throws in
      let log = Log()
      fixture.director.sayNotices { log.add("\($0.rawValue) \($1)") }
      for _ in 0..<5 { fixture.director.handle(dropped("no relay agent 10.255.0.1 is known")) }
      fixture.director.handle(dropped("no relay agent 10.255.0.77 is known"))
      fixture.director.handle(dropped("no subnet is configured for eth0"))
      #expect(
        log.all == [
          "warning DHCP: no relay agent 10.255.0.1 is known (192.0.2.9)",
          "warning DHCP: no subnet is configured for eth0 (192.0.2.9)",
        ])
      fixture.wait(61)
      fixture.director.handle(dropped("no relay agent 10.255.0.1 is known"))
      #expect(log.all.last?.hasSuffix("(and 5 more of the kind before that)") == true)
      try fixture.director.flush(to: fixture.store)
      #expect(try fixture.store.events(limit: 10).map(\.kind) == ["dropped", "dropped", "dropped"])
      let directory = DeviceDirectory(
        store: fixture.store, inventory: fixture.director.settings.inventory)
      let explanation = try BootExplanation(
        directory.find("edge-1"), director: fixture.director, store: fixture.store, now: fixture.now / 1000)
      #expect(explanation.lastBoot.contains("This server says: DHCP: no relay agent 10.255.0.1 is known"))
    }
  }

  @Test func leasesThatCannotBeWrittenDownAreAProblemUntilTheyCan() async throws {
    try await DirectorFixture.with { fixture async throws in
      let log = Log()
      fixture.director.sayNotices { log.add("\($0.rawValue) \($1)") }
      let problem = "3 leases could not be written down, so nobody got them: the disk is full"
      for _ in 0..<100 { fixture.director.handle(.leaseStore(problem: problem)) }
      #expect(fixture.director.leaseProblem == problem && log.all == ["error \(problem)"])
      fixture.director.handle(.leaseStore(problem: nil))
      #expect(fixture.director.leaseProblem == nil)
    }
  }

  @Test func aFullPoolPushesNoOtherEventOut() async throws {
    try await DirectorFixture.with { fixture async throws in
      for last in 0..<5000 as Range<UInt64> {
        fixture.director.handle(.exhausted(network: "192.0.2.0/24", hardwareAddress: mac(last)))
        fixture.director.handle(
          .refusedAddress(IPv4Address(value: 1), hardwareAddress: mac(last), reason: "it is foreign"))
        fixture.director.handle(.exhausted(network: "198.51.100.0/24", hardwareAddress: mac(last)))
        if last % 1000 == 999 { fixture.wait(61) }
      }
      try fixture.director.flush(to: fixture.store)
      let events = try fixture.store.events(limit: 10_000)
      #expect(events.count == 15)
      #expect(events.contains { $0.message.hasSuffix("(and 999 more of the kind before that)") })
    }
  }

  @Test func interfacesThatAreNotThereAreSaid() async throws {
    let subnet = DHCPv4Subnet(network: try #require(IPv4Network("192.0.2.0/24")))
    let configuration = DHCPConfiguration(mode: .full, interfaces: ["eht1"], subnets: [subnet])
    let own = NetworkInterface(
      index: 2, name: "eth1", ipv4: [.init(IPv4Address(value: 0xC000_0201), prefixLength: 24)])
    #expect(
      configuration.problems(with: [own]) == [
        "there is no interface eht1, which dhcp.interfaces names: the interfaces are eth1",
        "no interface has an address in the subnet 192.0.2.0/24: only devices behind relay agents get its addresses",
      ])
    try await DirectorFixture.with { fixture async throws in
      let log = Log()
      fixture.director.sayNotices { log.add($1) }
      fixture.director.noticeInterfaces(configuration, [own])
      fixture.director.noticeInterfaces(configuration, [own])
      #expect(log.all.count == 2)
    }
    var good = configuration
    good.interfaces = []
    #expect(good.problems(with: [own]).isEmpty)
  }

  @Test func kindsOfNoticesAreBounded() {
    var board = NoticeBoard()
    var made = 0
    for number in 0..<100_000 where board.take("kind \(number)", now: 1_000_000) != nil { made += 1 }
    #expect(made == NoticeBoard.limit)
    let after = board.take("kind 100000", now: 1_000_000 + NoticeBoard.silence)
    #expect(after == 0)
  }
}
