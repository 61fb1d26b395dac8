import NetworkTypes
import Testing

@testable import DHCP

/// What outlives other settings, and the process.
@Suite struct DHCPv4ReloadTests {
  private static let later = Lab.start.advanced(seconds: 5)

  private static func subnet(_ range: ClosedRange<UInt32>, leaseSeconds: UInt32 = 3600) -> DHCPv4Subnet {
    var subnet = Lab.subnet
    subnet.pools = [
      IPv4Address(value: 0xC000_0200 + range.lowerBound)...IPv4Address(value: 0xC000_0200 + range.upperBound)
    ]
    subnet.leaseSeconds = leaseSeconds
    subnet.maximumLeaseSeconds = leaseSeconds
    return subnet
  }

  private static func configuration(_ subnets: [DHCPv4Subnet], _ mode: DHCPConfiguration.Mode = .full)
    -> DHCPConfiguration
  {
    DHCPConfiguration(mode: mode, subnets: subnets)
  }

  /// What a store has after some changes.
  private static func leases(_ changes: [LeaseChange]) -> [Lease] {
    var leases: [IPAddress: Lease] = [:]
    for change in changes {
      switch change {
      case .put(let lease): leases[lease.address] = lease
      case .remove(let address): leases[address] = nil
      }
    }
    // As SQLite gives them.
    return leases.values.sorted { $0.address.description < $1.address.description }
  }

  @Test(arguments: [DHCPConfiguration.Mode.full, .proxy])
  func aSubnetThatIsTakenOutAndPutBackKeepsItsLeases(mode: DHCPConfiguration.Mode) throws {
    var server = Lab.full()
    let address = try #require(Client(1).boot(&server, now: Lab.start))
    server.update(configuration: Self.configuration([], mode), now: Lab.start)
    // A second one that is as wrong changes nothing either.
    server.update(configuration: Self.configuration([], mode), now: Lab.start)
    server.update(configuration: Self.configuration([Lab.subnet]), now: Lab.start)
    #expect(try #require(Client(9).boot(&server, now: Self.later)) != address)
    #expect(Client(1).boot(&server, now: Self.later) == address)
  }

  @Test func aServerThatBeganAsAProxyKnowsTheLeases() throws {
    var first = Lab.full()
    var changes: [LeaseChange] = []
    let address = try #require(Client(1).boot(&first, now: Lab.start, changes: &changes))
    var server = DHCPv4Server(
      DHCPConfiguration(), decider: Decider.usual, interfaces: Lab.interfaces, leases: Self.leases(changes),
      now: Self.later)
    server.update(configuration: Self.configuration([Lab.subnet]), now: Self.later)
    #expect(try #require(Client(9).boot(&server, now: Self.later)) != address)
    #expect(server.currentLeases(now: Self.later).map(\.address).contains(.v4(address)))
  }

  @Test(arguments: [true, false])
  func whatIsOfferedCanBeTakenAfterAReload(isSame: Bool) throws {
    var server = Lab.full()
    let offer = try #require(
      receive(&server, Lab.incoming(Client(1).message(.discover)), now: Lab.start).reply)
    server.update(
      configuration: Self.configuration([isSame ? Lab.subnet : Self.subnet(100...180)]), now: Lab.start)
    // Nobody else is offered it meanwhile.
    let other = receive(&server, Lab.incoming(Client(2).message(.discover)), now: Lab.start).reply
    #expect(other?.yourAddress != offer.yourAddress)
    let reply = receive(&server, Lab.incoming(Client(1).request(offer.yourAddress)), now: Lab.start).reply
    #expect(reply?.kind == .ack)
  }

  @Test func whatIsOfferedCanBeTakenAfterARestart() throws {
    var first = Lab.full()
    var changes: [LeaseChange] = []
    for number in 1...5 { _ = Client(number).boot(&first, now: Lab.start, changes: &changes) }
    let offers = try (6...15).map { number in
      try #require(receive(&first, Lab.incoming(Client(number).message(.discover)), now: Lab.start).reply)
    }
    // The process is killed, and others come before those that have an offer.
    var server = Lab.full(leases: Self.leases(changes), now: Self.later)
    for number in 16...25 { #expect(Client(number).boot(&server, now: Self.later) != nil) }
    for (offer, number) in zip(offers, 6...) {
      let reply = receive(&server, Lab.incoming(Client(number).request(offer.yourAddress)), now: Self.later)
        .reply
      #expect(reply?.kind == .ack, "\(number) was offered \(offer.yourAddress)")
    }
  }

  @Test func offersThatHaveEndedCanStillBeTakenIfNobodyElseDid() throws {
    var server = Lab.full()
    let offer = try #require(
      receive(&server, Lab.incoming(Client(1).message(.discover)), now: Lab.start).reply)
    let late = Lab.start.advanced(seconds: 600)
    #expect(
      receive(&server, Lab.incoming(Client(2).request(offer.yourAddress)), now: late).reply?.kind == .ack)
    #expect(
      receive(&server, Lab.incoming(Client(1).request(offer.yourAddress)), now: late).reply?.kind == .nak)
  }

  @Test func aClientThatMovesHasOneLeaseAfterARestartToo() throws {
    var server = Lab.full(Self.subnet(200...200))
    var changes: [LeaseChange] = []
    #expect(Client(1).boot(&server, now: Lab.start, changes: &changes)?.description == "192.0.2.200")
    server.update(configuration: Self.configuration([Self.subnet(100...101)]), now: Lab.start)
    let moved = try #require(Client(1).boot(&server, now: Self.later, changes: &changes))
    #expect(moved.description == "192.0.2.100")
    #expect(Self.leases(changes).map(\.address) == [.v4(moved)], "the old row is gone from the store")
    var again = Lab.full(Self.subnet(100...101), leases: Self.leases(changes), now: Self.later)
    #expect(Client(9).boot(&again, now: Self.later)?.description == "192.0.2.101")
  }

  @Test func ofTwoStoredLeasesOfOneClientTheNewerCounts() throws {
    func lease(_ last: UInt32, granted: Int64) -> Lease {
      Lease(
        address: .v4(IPv4Address(value: 0xC000_0200 + last)), client: [1] + Client(1).mac.bytes,
        hardwareAddress: Client(1).mac, granted: Lab.start.wall + granted,
        expires: Lab.start.wall + granted + 3600)
    }
    var server = Lab.full(
      Self.subnet(100...101), leases: [lease(100, granted: 1), lease(200, granted: 0)], now: Self.later)
    #expect(Client(9).boot(&server, now: Self.later)?.description == "192.0.2.101")
    #expect(Client(8).boot(&server, now: Self.later) == nil)
  }

  @Test func anOfferTakesNoLeaseAway() throws {
    var server = Lab.full(Self.subnet(200...201))
    #expect(Client(1).boot(&server, now: Lab.start)?.description == "192.0.2.200")
    var subnet = Self.subnet(200...201)
    subnet.reservations = [.init(Client(1).mac, IPv4Address(value: 0xC000_0264))]
    server.update(configuration: Self.configuration([subnet]), now: Lab.start)
    // It looks for an offer, sees its new address, and goes on with the old one.
    let offer = receive(&server, Lab.incoming(Client(1).message(.discover)), now: Self.later)
    #expect(offer.reply?.yourAddress.description == "192.0.2.100" && offer.changes.isEmpty)
    #expect(Client(2).boot(&server, now: Self.later)?.description == "192.0.2.201")
    #expect(Client(3).boot(&server, now: Self.later) == nil, "192.0.2.200 is on lease")
    // Once it takes the new one, the old one is free, in the store too.
    let moved = receive(
      &server, Lab.incoming(Client(1).request(IPv4Address(value: 0xC000_0264))), now: Self.later)
    #expect(moved.changes.first == .remove(.v4(IPv4Address(value: 0xC000_02C8))))
    #expect(Client(3).boot(&server, now: Self.later)?.description == "192.0.2.200")
  }

  @Test func shorterLeasesFromNowOnEndNoOldOne() throws {
    var first = Lab.full(Self.subnet(100...100, leaseSeconds: 86_400))
    var changes: [LeaseChange] = []
    let address = try #require(Client(1).boot(&first, now: Lab.start, changes: &changes))
    let hours = Lab.start.advanced(seconds: 7200)
    var again = Lab.full(
      Self.subnet(100...100, leaseSeconds: 600), leases: Self.leases(changes), now: Self.later)
    #expect(Client(9).boot(&again, now: hours) == nil, "\(address) is on lease for a day")
  }
}
