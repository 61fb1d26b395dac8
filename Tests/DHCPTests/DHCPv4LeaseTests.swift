import NetworkTypes
import Testing

@testable import DHCP

/// The full server: who gets which address, and what outlives what.
@Suite struct DHCPv4LeaseTests {
  @Test func theFourMessages() throws {
    var server = Lab.full()
    var client = Client(1)
    client.extra = [(12, Array("host-1".utf8))]
    let offer = try #require(receive(&server, Lab.incoming(client.message(.discover)), now: Lab.start).reply)
    #expect(offer.yourAddress == Lab.subnet.pools[0].lowerBound)
    #expect(offer.options.address(1)?.description == "255.255.255.0")
    #expect(offer.options.address(3) == Lab.server)
    #expect(offer.options.address(6) == Lab.server)
    #expect(offer.options.text(15) == "lab.example")
    #expect(offer.options.number(51) == 3600)
    #expect(offer.options.number(58) == 1800)
    #expect(offer.options.number(59) == 3150)
    let actions = receive(&server, Lab.incoming(client.request(offer.yourAddress)), now: Lab.start)
    let lease = Lease(
      address: .v4(offer.yourAddress), client: [1] + client.mac.bytes, hardwareAddress: client.mac,
      hostName: "host-1", granted: Lab.start.wall, expires: Lab.start.wall + 3600)
    // Written down, then told.
    guard case .persist(.put(lease)) = actions.first, case .send? = actions.dropFirst().first else {
      Issue.record("persist comes before send: \(actions)")
      return
    }
    #expect(actions.reply?.kind == .ack)
    #expect(actions.events == [.leased(lease, isRenewal: false)])
    // In a frame to a client that has the address not yet.
    #expect(
      actions.sent.first?.destination == .station(client.mac, Endpoint(offer.yourAddress, port: 68)))
  }

  @Test func theBroadcastFlagIsKept() throws {
    var server = Lab.full()
    var message = Client(1).message(.discover)
    message.flags = DHCPv4Message.broadcastFlag
    let actions = receive(&server, Lab.incoming(message), now: Lab.start)
    #expect(actions.sent.first?.destination == .endpoint(Endpoint(IPv4Address.broadcast, port: 68)))
    #expect(actions.reply?.flags == DHCPv4Message.broadcastFlag)
  }

  @Test(arguments: [
    ("ovmf-pxe4-full", "snponly.efi"), ("ovmf-http4-full", "http://192.0.2.1/boot.efi"),
    ("ipxe-bios-full", "http://192.0.2.1/boot.ipxe"), ("ipxe-efi-address-only", "http://192.0.2.1/boot.ipxe"),
  ])
  func capturedFirmwareGetsAddressAndFile(name: String, file: String) throws {
    var server = Lab.full()
    var kinds: [DHCPv4Message.Kind] = []
    var offered: IPv4Address?
    for var datagram in try Lab.requests(name) where datagram.port == 67 {
      var message = try DHCPv4Message(decoding: datagram.payload)
      if message.kind == .request, let offered {
        // It asked for what its own server had offered.
        message.options.set(50, [offered])
        datagram.payload = message.encoded(limit: 1472)
      }
      let reply = try #require(receive(&server, datagram, now: Lab.start).reply)
      #expect(reply.bootFileName == file)
      #expect(reply.serverAddress == Lab.server)
      offered = reply.yourAddress
      kinds.append(reply.kind)
    }
    #expect(kinds.first == .offer)
    #expect(kinds.last == .ack)
  }

  @Test func noAddressIsGivenTwice() throws {
    var server = Lab.full()
    var given: Set<IPv4Address> = []
    for number in 1...51 {
      let address = try #require(Client(number).boot(&server, now: Lab.start))
      #expect(given.insert(address).inserted)
    }
    let actions = receive(&server, Lab.incoming(Client(99).message(.discover)), now: Lab.start)
    #expect(actions.sent.isEmpty)
    #expect(actions.events == [.exhausted(network: "192.0.2.0/24", hardwareAddress: Client(99).mac)])
    // The same client keeps its address.
    #expect(Client(7).boot(&server, now: Lab.start.advanced(seconds: 10)).map { given.contains($0) } == true)
    #expect(server.currentLeases(now: Lab.start).count == 51)
  }

  /// What devices do, in an order drawn from a seed: they boot and give their addresses back while the process dies, or
  /// reads other settings.
  @Test(arguments: 1...6 as ClosedRange<UInt64>)
  func aRandomHistoryKeepsTheRules(seed: UInt64) throws {
    let ranges: [ClosedRange<UInt32>] = [100...150, 120...180, 200...240]
    let pools = ranges.map { range in
      var subnet = Lab.subnet
      subnet.pools = [
        IPv4Address(
          value: 0xC000_0200 + range.lowerBound)...IPv4Address(
            value: 0xC000_0200 + range.upperBound)
      ]
      return subnet
    }
    var subnets = [Lab.subnet]
    func configuration() -> DHCPConfiguration { DHCPConfiguration(mode: .full, subnets: subnets) }
    var server = Lab.full()
    var store: [IPAddress: Lease] = [:]
    var random = Seeded(seed: seed)
    var now = Lab.start
    var holder: [IPv4Address: (client: Int, until: Int64)] = [:]
    for _ in 0..<5000 {
      let client = Client(Int.random(in: 1...80, using: &random))
      now = now.advanced(seconds: Double(Int.random(in: 0...40, using: &random)))
      if Int.random(in: 0..<100, using: &random) == 0 {
        // The process dies and comes back with what was written down.
        server = DHCPv4Server(
          configuration(), decider: Decider.usual, interfaces: Lab.interfaces,
          leases: store.values.sorted { $0.address < $1.address },
          now: now)
      }
      if Int.random(in: 0..<50, using: &random) == 0 {
        // Other pools, or none for a while.
        subnets = Bool.random(using: &random) ? [] : [pools[Int.random(in: pools.indices, using: &random)]]
        server.update(configuration: configuration(), now: now)
      }
      var actions: [DHCPAction] = []
      var changes: [LeaseChange] = []
      if Int.random(in: 0..<4, using: &random) == 0 {
        // Somebody looks for an offer and takes none.
        _ = receive(&server, Lab.incoming(client.message(.discover)), now: now)
      } else if let address = client.boot(&server, now: now, changes: &changes) {
        if let before = holder[address], before.client != Int(client.transaction) {
          #expect(
            before.until <= now.wall,
            "\(address) was \(before.client)'s until \(before.until), now \(now.wall)")
        }
        for (other, value) in holder where value.client == Int(client.transaction) { holder[other] = nil }
        holder[address] = (Int(client.transaction), now.wall + 3600)
      }
      if Int.random(in: 0..<4, using: &random) == 0,
        let address = holder.first(where: { $0.value.client == Int(client.transaction) })?.key
      {
        var message = client.message(.release)
        message.clientAddress = address
        actions += receive(&server, Lab.incoming(message, from: address, to: Lab.server), now: now)
        if !actions.changes.isEmpty { holder[address] = nil }
      }
      for change in changes + actions.changes {
        switch change {
        case .put(let lease):
          store[lease.address] = lease
          // A client has one address.
          for (address, other) in store where other.client == lease.client && address != lease.address {
            #expect(other.expires <= now.wall)
          }
        case .remove(let address): store[address] = nil
        }
      }
    }
    #expect(store.count > 10)
  }

  @Test func reservationsBelongToTheirHardware() throws {
    var subnet = Lab.subnet
    let reserved = try #require(IPv4Address("192.0.2.100"))
    subnet.reservations = [.init(Client(5).mac, reserved)]
    var server = Lab.full(subnet)
    #expect(try #require(Client(1).boot(&server, now: Lab.start)) != reserved)
    #expect(Client(5).boot(&server, now: Lab.start) == reserved)
    // Another program on the same hardware (firmware, then the system) has another identifier.
    var system = Client(5)
    system.identifier = [255, 1, 2, 3, 4, 0, 2, 0, 0]
    #expect(system.boot(&server, now: Lab.start) == reserved)
    // Nobody else gets it, even by asking.
    let actions = receive(&server, Lab.incoming(Client(1).request(reserved)), now: Lab.start)
    #expect(actions.reply?.kind == .nak)
  }

  @Test func renewalsAreUnicastAndKeepTheBeginning() throws {
    var server = Lab.full()
    let client = Client(1)
    let address = try #require(client.boot(&server, now: Lab.start))
    let later = Lab.start.advanced(seconds: 1800)
    var message = client.message(.request)
    message.clientAddress = address
    let actions = receive(&server, Lab.incoming(message, from: address, to: Lab.server), now: later)
    #expect(actions.reply?.kind == .ack)
    #expect(actions.reply?.clientAddress == address)
    #expect(actions.sent.first?.destination == .endpoint(Endpoint(address, port: 68)))
    guard case .put(let lease)? = actions.changes.first else {
      Issue.record("a renewal is written down")
      return
    }
    #expect(lease.granted == Lab.start.wall)
    #expect(lease.expires == later.wall + 3600)
    guard case .leased(_, isRenewal: true)? = actions.events.first else {
      Issue.record("it is a renewal: \(actions.events)")
      return
    }
  }

  @Test func ofTwoWhoWereOfferedAnAddressTheFirstToAskHasIt() throws {
    var subnet = Lab.subnet
    subnet.pools = [IPv4Address(value: 0xC000_0264)...IPv4Address(value: 0xC000_0264)]
    var server = Lab.full(subnet)
    let offers = try (1...2).map { number in
      try #require(receive(&server, Lab.incoming(Client(number).message(.discover)), now: Lab.start).reply)
    }
    // A flood of strangers takes offers back like that.
    #expect(Set(offers.map(\.yourAddress)).count == 1)
    func ask(_ number: Int) -> DHCPv4Message.Kind? {
      receive(&server, Lab.incoming(Client(number).request(offers[0].yourAddress)), now: Lab.start).reply?
        .kind
    }
    #expect(ask(1) == .ack)
    #expect(ask(2) == .nak)
    #expect(ask(1) == .ack)
  }

  @Test func wrongNetworksAreRefusedAndStrangersLeftAlone() throws {
    var server = Lab.full()
    let client = Client(1)
    // INIT-REBOOT with an address of another network (RFC 2131, section 4.3.2).
    let foreign = client.request(try #require(IPv4Address("198.51.100.7")), server: nil)
    let actions = receive(&server, Lab.incoming(foreign), now: Lab.start)
    #expect(actions.reply?.kind == .nak)
    #expect(actions.sent.first?.destination == .endpoint(Endpoint(IPv4Address.broadcast, port: 68)))
    // A client that the server has never heard of, with a likely address: another server's business.
    let stranger = client.request(try #require(IPv4Address("192.0.2.120")), server: nil)
    #expect(receive(&server, Lab.incoming(stranger), now: Lab.start).isEmpty)
    // Unless there is no other server.
    var only = Lab.full(isAuthoritative: true)
    #expect(receive(&only, Lab.incoming(stranger), now: Lab.start).reply?.kind == .ack)
    // An address that somebody else has is refused when the client chose us.
    let address = try #require(Client(2).boot(&server, now: Lab.start))
    #expect(receive(&server, Lab.incoming(client.request(address)), now: Lab.start).reply?.kind == .nak)
  }

  @Test func anotherServersClientFreesTheOffer() throws {
    var server = Lab.full()
    let client = Client(1)
    let offer = try #require(receive(&server, Lab.incoming(client.message(.discover)), now: Lab.start).reply)
    let other = try #require(IPv4Address("192.0.2.254"))
    #expect(
      receive(&server, Lab.incoming(client.request(offer.yourAddress, server: other)), now: Lab.start).isEmpty
    )
    #expect(server.networks[0].pool.entries[offer.yourAddress.value]?.state == .released)
  }

  @Test func declinedAddressesAreQuarantined() throws {
    var server = Lab.full()
    let client = Client(1)
    let address = try #require(client.boot(&server, now: Lab.start))
    var message = client.message(.decline)
    message.options.set(50, [address])
    message.options.set(54, [Lab.server])
    let actions = receive(&server, Lab.incoming(message), now: Lab.start)
    #expect(actions.events == [.declined(.v4(address), hardwareAddress: client.mac)])
    guard case .put(let lease)? = actions.changes.first else {
      Issue.record("it is written down")
      return
    }
    #expect(lease.state == .declined)
    // Not after a restart either, until its time is over.
    var again = Lab.full(leases: [lease], now: Lab.start.advanced(seconds: 1))
    for number in 2...51 {
      #expect(Client(number).boot(&again, now: Lab.start.advanced(seconds: 2)) != address)
    }
    #expect(Client(52).boot(&again, now: Lab.start.advanced(seconds: 3)) == nil)
    #expect(Client(52).boot(&again, now: Lab.start.advanced(seconds: 700)) == address)
    // Nobody can decline what is not theirs.
    #expect(receive(&server, Lab.incoming(message), now: Lab.start).isEmpty)
  }

  @Test func informGetsEverythingButALease() throws {
    var server = Lab.full()
    var message = Client(1).message(.inform)
    message.clientAddress = try #require(IPv4Address("192.0.2.9"))
    let actions = receive(&server, Lab.incoming(message, from: message.clientAddress), now: Lab.start)
    let reply = try #require(actions.reply)
    #expect(reply.kind == .ack)
    #expect(reply.yourAddress == .any)
    #expect(reply.options[51] == nil)
    #expect(reply.options.address(3) == Lab.server)
    #expect(actions.changes.isEmpty)
  }

  @Test func relaysGetTheirOwnSubnet() throws {
    let far = DHCPv4Subnet(
      network: try #require(IPv4Network("198.51.100.0/24")),
      pools: [try #require(IPv4Address("198.51.100.10"))...(try #require(IPv4Address("198.51.100.20")))])
    var server = DHCPv4Server(
      DHCPConfiguration(mode: .full, subnets: [Lab.subnet, far]), decider: Decider.usual,
      interfaces: Lab.interfaces, now: Lab.start)
    let relay = try #require(IPv4Address("198.51.100.1"))
    var message = Client(1).message(.discover)
    message.relayAddress = relay
    message.options[82] = [1, 1, 7]
    let actions = receive(
      &server, Lab.incoming(message, from: relay, to: Lab.server, sourcePort: 67), now: Lab.start)
    #expect(actions.reply?.yourAddress.description == "198.51.100.10")
    #expect(actions.sent.first?.destination == .endpoint(Endpoint(relay, port: 67)))
    #expect(actions.reply?.options[82] == [1, 1, 7])
    // RFC 3527: the relay agent names another link.
    message.options[82] = [5, 4, 192, 0, 2, 0]
    #expect(
      receive(&server, Lab.incoming(message, from: relay), now: Lab.start).reply?.yourAddress.description
        == "192.0.2.100")
    // A relay agent of no subnet that names none is not believed.
    message.options[82] = [1, 1, 7]
    message.relayAddress = try #require(IPv4Address("203.0.113.1"))
    #expect(receive(&server, Lab.incoming(message), now: Lab.start).sent.isEmpty)
  }

  @Test func aFloodOfStrangersLeavesRoomForTheNext() throws {
    var server = Lab.full()
    for number in 1000..<20_000 {
      _ = receive(&server, Lab.incoming(Client(number).message(.discover)), now: Lab.start)
    }
    #expect(server.networks[0].pool.entries.count <= 51)
    #expect(Client(1).boot(&server, now: Lab.start) != nil)
  }

  @Test func clockJumpsHarmNoLease() throws {
    var server = Lab.full()
    let address = try #require(Client(1).boot(&server, now: Lab.start))
    // The wall clock goes back a year while the process runs: only the other clock counts.
    var now = Lab.start.advanced(seconds: 60)
    now.wall -= 31_536_000
    for number in 2...51 { #expect(Client(number).boot(&server, now: now) != address) }
    // And over a restart: the lease lasts no longer than a lease lasts.
    let lease = Lease(
      address: .v4(address), client: [1] + Client(1).mac.bytes, granted: Lab.start.wall,
      expires: Lab.start.wall + 3600)
    var again = Lab.full(leases: [lease], now: now)
    for number in 2...51 { #expect(Client(number).boot(&again, now: now) != address) }
    let muchLater = now.advanced(seconds: 90_000)
    #expect(Client(60).boot(&again, now: muchLater) != nil)
  }

  @Test(arguments: [nil, 86_400] as [UInt32?])
  func leaseTimesAreWithinBounds(maximum: UInt32?) throws {
    var subnet = Lab.subnet
    if let maximum { subnet.maximumLeaseSeconds = maximum }
    var server = Lab.full(subnet)
    let longest = maximum ?? 3600
    for (wanted, granted) in [(0, 60), (600, 600), (90_000, longest), (UInt32.max, longest)]
      as [(UInt32, UInt32)]
    {
      var message = Client(1).message(.discover)
      message.options.set(51, wanted)
      #expect(receive(&server, Lab.incoming(message), now: Lab.start).reply?.options.number(51) == granted)
    }
  }

  @Test func routersAndTheServersOwnAddressesAreNotGiven() throws {
    var subnet = Lab.subnet
    subnet.pools = [IPv4Address(value: 0xC000_0201)...IPv4Address(value: 0xC000_0205)]
    subnet.routers = [IPv4Address(value: 0xC000_0202)]
    var server = Lab.full(subnet)
    let given = (1...5).map { Client($0).boot(&server, now: Lab.start)?.description }
    #expect(given == ["192.0.2.3", "192.0.2.4", "192.0.2.5", nil, nil])
    // Nor by asking for them; and an address that the host gives up is free, one that it gets is not.
    let asked = receive(&server, Lab.incoming(Client(6).request(Lab.server)), now: Lab.start)
    #expect(asked.reply?.kind == .nak)
    var moved = Lab.interfaces
    moved[0].ipv4 = [.init(IPv4Address(value: 0xC000_0203), prefixLength: 24)]
    server.update(interfaces: moved, now: Lab.start)
    let offer = receive(&server, Lab.incoming(Client(7).message(.discover)), now: Lab.start).reply
    #expect(offer?.yourAddress == Lab.server)
  }

  @Test func ipxeWaitsForNoProxy() throws {
    var server = Lab.full()
    let discover = try #require(try Lab.requests("ipxe-bios-full").first { $0.port == 67 })
    #expect(receive(&server, discover, now: Lab.start).reply?.options[175] == [0xb0, 1, 1])
  }

  @Test func hostNamesAreNames() throws {
    for (bytes, name) in [("good-1.example", "good-1.example"), ("bad name", ""), ("x\n", ""), ("é", "")] {
      var server = Lab.full()
      var client = Client(1)
      client.extra = [(12, Array(bytes.utf8))]
      let address = try #require(
        receive(&server, Lab.incoming(client.message(.discover)), now: Lab.start).reply?.yourAddress)
      guard
        case .put(let lease)? = receive(&server, Lab.incoming(client.request(address)), now: Lab.start)
          .changes.first
      else {
        Issue.record("a lease")
        return
      }
      #expect(lease.hostName == name)
    }
  }
}
