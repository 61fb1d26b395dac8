import NetworkTypes
import Testing

@testable import DHCP

/// Relay agents, links with several networks, and where answers may go.
@Suite struct DHCPv4RelayTests {
  private static let far = IPv4Address("10.255.0.1")!

  private func server(relays: [IPv4Network] = [], mode: DHCPConfiguration.Mode = .full) -> DHCPv4Server {
    DHCPv4Server(
      DHCPConfiguration(mode: mode, relays: relays, subnets: [Lab.subnet]), decider: Decider.usual,
      interfaces: Lab.interfaces, now: Lab.start)
  }

  /// What a relay agent at 10.255.0.1 passes on, with those sub-options of option 82.
  private func relayed(_ message: DHCPv4Message, _ option: [UInt8]?) -> IncomingDatagram {
    var message = message
    message.relayAddress = Self.far
    message.options[82] = option
    return Lab.incoming(message, from: Self.far, to: Lab.server, sourcePort: 67)
  }

  // RFC 3527: the relay agent's address is not of the client's network.
  @Test func aRelayAgentElsewhereNamesTheClientsLink() throws {
    var server = server()
    let option: [UInt8] = [1, 1, 7, 5, 4, 192, 0, 2, 0]
    let actions = receive(&server, relayed(Client(1).message(.discover), option), now: Lab.start)
    let offer = try #require(actions.reply)
    #expect(offer.yourAddress.description == "192.0.2.100")
    #expect(offer.options[82] == option)
    #expect(actions.sent.first?.destination == .endpoint(Endpoint(Self.far, port: 67)))
    let ack = receive(&server, relayed(Client(1).request(offer.yourAddress), option), now: Lab.start).reply
    #expect(ack?.kind == .ack)
    // One that names no network of ours is not known, and says so.
    for option in [nil, [1, 1, 7], [5, 4, 198, 51, 100, 0], [5, 3, 192, 0, 2]] as [[UInt8]?] {
      let actions = receive(&server, relayed(Client(2).message(.discover), option), now: Lab.start)
      #expect(actions.sent.isEmpty)
      guard case .dropped(_, let reason)? = actions.events.first else {
        Issue.record("\(actions)")
        return
      }
      #expect(reason == "no relay agent 10.255.0.1 is known")
    }
  }

  @Test(arguments: [DHCPConfiguration.Mode.full, .proxy])
  func onlyRelayAgentsThatAreNamedAreBelieved(mode: DHCPConfiguration.Mode) throws {
    let captured = try DHCPv4Message(
      decoding: #require(try Lab.requests("ovmf-http4-full").first { $0.port == 67 }).payload)
    let option: [UInt8] = [5, 4, 192, 0, 2, 0]
    var named = server(relays: [try #require(IPv4Network("10.255.0.0/24"))], mode: mode)
    #expect(receive(&named, relayed(captured, option), now: Lab.start).reply?.kind == .offer)
    var others = server(relays: [try #require(IPv4Network("10.254.0.0/24"))], mode: mode)
    #expect(receive(&others, relayed(captured, option), now: Lab.start).sent.isEmpty)
  }

  // RFC 5107: a relay agent that wants to see every message is the server, as far as the client knows.
  @Test func aRelayAgentStandsForTheServer() throws {
    var server = server()
    let option: [UInt8] = [5, 4, 192, 0, 2, 0, 11, 4] + Self.far.bytes
    let offer = try #require(
      receive(&server, relayed(Client(1).message(.discover), option), now: Lab.start).reply)
    #expect(offer.options.address(54) == Self.far)
    let request = Client(1).request(offer.yourAddress, server: Self.far)
    let actions = receive(&server, relayed(request, option), now: Lab.start)
    #expect(actions.reply?.kind == .ack)
    #expect(actions.reply?.options.address(54) == Self.far)
    // Files still come from the server itself.
    var firmware = try DHCPv4Message(
      decoding: #require(try Lab.requests("ovmf-pxe4-full").first { $0.port == 67 }).payload)
    firmware.options[54] = nil
    let boot = receive(&server, relayed(firmware, option), now: Lab.start).reply
    #expect(boot?.serverAddress == Lab.server && boot?.options.address(54) == Self.far)
    // A client on the link that says so of itself is not believed.
    var liar = Client(2).message(.discover)
    liar.options[82] = option
    #expect(
      receive(&server, Lab.incoming(liar), now: Lab.start).reply?.options.address(54) == Lab.server)
  }

  @Test func noAnswerGoesWhereAStrangerSays() throws {
    let elsewhere = try #require(IPv4Address("198.51.100.9"))
    for mode in [DHCPConfiguration.Mode.full, .proxy] {
      var server = server(mode: mode)
      for datagram in try Lab.requests("ovmf-http4-full") where datagram.port == 67 {
        var message = try DHCPv4Message(decoding: datagram.payload)
        message.clientAddress = elsewhere
        message.options.set(DHCPv4Option.serverIdentifier, [Lab.server])
        let actions = receive(&server, Lab.incoming(message), now: Lab.start)
        #expect(
          actions.sent.allSatisfy { $0.destination != .endpoint(Endpoint(elsewhere, port: 68)) },
          "\(mode) \(message.kind)")
      }
    }
  }

  @Test func aLinkMayHaveTwoNetworks() throws {
    let second = DHCPv4Subnet(
      network: try #require(IPv4Network("198.51.100.0/24")),
      pools: [try #require(IPv4Address("198.51.100.10"))...(try #require(IPv4Address("198.51.100.10")))],
      reservations: [.init(Client(7).mac, try #require(IPv4Address("198.51.100.77")))])
    var small = Lab.subnet
    small.pools = [Lab.subnet.pools[0].lowerBound...Lab.subnet.pools[0].lowerBound]
    var interfaces = Lab.interfaces
    interfaces[0].ipv4.append(.init(try #require(IPv4Address("198.51.100.1")), prefixLength: 24))
    var server = DHCPv4Server(
      DHCPConfiguration(mode: .full, subnets: [small, second]), decider: Decider.usual,
      interfaces: interfaces, now: Lab.start)
    // A reservation in the second, then what the first has, then what the second has, then nothing.
    #expect(Client(7).boot(&server, now: Lab.start)?.description == "198.51.100.77")
    #expect(Client(1).boot(&server, now: Lab.start)?.description == "192.0.2.100")
    #expect(Client(2).boot(&server, now: Lab.start)?.description == "198.51.100.10")
    #expect(Client(3).boot(&server, now: Lab.start) == nil)
    // INIT-REBOOT in the second network is no other link's business.
    let again = Client(2).request(try #require(IPv4Address("198.51.100.10")), server: nil)
    #expect(receive(&server, Lab.incoming(again), now: Lab.start).reply?.kind == .ack)
    #expect(Client(2).boot(&server, now: Lab.start)?.description == "198.51.100.10")
  }

  @Test func whoIsToWaitHearsNothing() throws {
    let waits = Decider { _ in .wait(reason: "it waits for another 10 s") }
    for var server in [Lab.full(decider: waits), Lab.proxy(decider: waits)] {
      let datagram = try #require(try Lab.requests("ovmf-http4-full").first { $0.port == 67 })
      let actions = receive(&server, datagram, now: Lab.start)
      #expect(actions.sent.isEmpty && actions.changes.isEmpty)
      guard case .refused(_, "it waits for another 10 s")? = actions.events.last else {
        Issue.record("the timeline knows why: \(actions.events)")
        return
      }
      #expect(server.networks.allSatisfy { $0.pool.entries.isEmpty }, "no address is held for it")
    }
    // A client that does not netboot gets its address all the same.
    var server = Lab.full(decider: waits)
    #expect(Client(1).boot(&server, now: Lab.start) != nil)
  }
}
