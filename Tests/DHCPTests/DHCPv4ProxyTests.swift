import NetworkTypes
import Testing

@testable import DHCP

/// ProxyDHCP beside another server, with what real firmware sends.
@Suite struct DHCPv4ProxyTests {
  private func first(_ name: String, _ kind: DHCPv4Message.Kind = .discover) throws -> IncomingDatagram {
    try #require(
      try Lab.requests(name).first {
        try $0.port == 67 && $0.destination == .v4(.broadcast)
          && DHCPv4Message(decoding: $0.payload).kind == kind
      })
  }

  @Test func uefiIsAskedToAskPort4011() throws {
    var server = Lab.proxy()
    let discover = try first("ovmf-pxe4-full")
    let actions = receive(&server, discover, now: Lab.start)
    let offer = try #require(actions.reply)
    #expect(offer.kind == .offer)
    #expect(offer.yourAddress == .any)
    #expect(offer.serverAddress == Lab.server)
    #expect(offer.options.text(60) == "PXEClient")
    #expect(offer.options.address(54) == Lab.server)
    // EDK2 takes an offer for one of this kind only if it names neither file nor menu.
    #expect(offer.bootFileName.isEmpty)
    #expect(offer.options[43] == nil)
    let question = try DHCPv4Message(decoding: discover.payload)
    #expect(offer.options[97] == question.options[97])
    #expect(offer.transaction == question.transaction)
    #expect(actions.sent.first?.destination == .endpoint(Endpoint(IPv4Address.broadcast, port: 68)))
    guard case .answered(_, nil)? = actions.events.last else {
      Issue.record("the timeline knows that it was asked to ask again")
      return
    }

    // The request to port 4011: from the client's address and that very port, without option 54.
    var request = question
    request.kind = .request
    request.flags = 0
    request.clientAddress = try #require(IPv4Address("192.0.2.111"))
    let answers = receive(
      &server,
      Lab.incoming(request, from: request.clientAddress, to: Lab.server, sourcePort: 4011, port: 4011),
      now: Lab.start)
    let ack = try #require(answers.reply)
    #expect(ack.kind == .ack)
    #expect(ack.bootFileName == "snponly.efi")
    #expect(ack.serverAddress == Lab.server)
    #expect(answers.sent.first?.destination == .endpoint(Endpoint(request.clientAddress, port: 4011)))
    #expect(answers.sent.first?.port == 4011)
  }

  @Test func aBIOSGetsTheFileAndNoMenu() throws {
    var server = Lab.proxy()
    var message = try DHCPv4Message(decoding: first("ipxe-bios-full").payload)
    message.options[77] = nil  // not iPXE, but the ROM that starts it
    let offer = try #require(receive(&server, Lab.incoming(message), now: Lab.start).reply)
    #expect(offer.bootFileName == "undionly.kpxe")
    #expect(offer.serverAddress == Lab.server)
    // PXE_DISCOVERY_CONTROL with bit 3: load the named file.
    #expect(offer.options[43] == [6, 1, 8, 255])
    #expect(offer.options.text(60) == "PXEClient")
  }

  @Test(arguments: ["ipxe-bios-full", "ipxe-efi-address-only"])
  func ipxeGetsTheScriptAndNotItself(name: String) throws {
    var server = Lab.proxy()
    let offer = try #require(receive(&server, first(name), now: Lab.start).reply)
    #expect(offer.bootFileName == "http://192.0.2.1/boot.ipxe")
    #expect(offer.options.text(60) == "PXEClient")
  }

  @Test func httpFirmwareGetsItsClassAndAURL() throws {
    var server = Lab.proxy()
    let offer = try #require(receive(&server, first("ovmf-http4-full"), now: Lab.start).reply)
    #expect(offer.options.text(60) == "HTTPClient")
    #expect(offer.options.text(67) == "http://192.0.2.1/boot.efi")
    #expect(offer.yourAddress == .any)
  }

  @Test func nothingIsSaidToClientsThatDoNotNetboot() {
    var server = Lab.proxy()
    for kind in [.discover, .request, .inform, .release, .decline] as [DHCPv4Message.Kind] {
      var message = DHCPv4Message(kind: kind, hardwareAddress: Lab.mac.bytes, transaction: 1)
      message.options[60] = Array("MSFT 5.0".utf8)
      message.options.set(50, [IPv4Address(value: 0xc000_0270)])
      for port in [67, 4011] as [UInt16] {
        #expect(receive(&server, Lab.incoming(message, port: port), now: Lab.start).isEmpty)
      }
    }
  }

  @Test func theRequestToTheOtherServerIsOnlyNoticed() throws {
    var server = Lab.proxy()
    var message = try DHCPv4Message(decoding: first("ovmf-pxe4-full", .request).payload)
    let other = IPv4Address(value: 0xc000_02fe)
    message.options.set(54, [other])
    let actions = receive(&server, Lab.incoming(message), now: Lab.start)
    #expect(actions == [.event(.choseOther(hardwareAddress: Lab.mac, server: .v4(other)))])
  }

  @Test(arguments: [BootDecision.ignore(reason: "unknown"), .localDisk(reason: "stay down")])
  func whoIsNotToBootHearsNothing(decision: BootDecision) throws {
    var server = Lab.proxy(decider: Decider { _ in decision })
    let actions = receive(&server, try first("ovmf-pxe4-full"), now: Lab.start)
    #expect(actions.sent.isEmpty)
    guard case .refused? = actions.events.last else {
      Issue.record("the timeline knows why")
      return
    }
  }

  @Test func whatAClientCannotLoadIsNotOffered() throws {
    var server = Lab.proxy(decider: Decider { _ in .boot(.url("http://192.0.2.1/x")) })
    #expect(receive(&server, try first("ovmf-pxe4-full"), now: Lab.start).sent.isEmpty)
    server = Lab.proxy(decider: Decider { _ in .boot(.tftp(name: "x")) })
    #expect(receive(&server, try first("ovmf-http4-full"), now: Lab.start).sent.isEmpty)
    server = Lab.proxy(decider: Decider { _ in .boot(.tftp(name: String(repeating: "x", count: 128))) })
    #expect(receive(&server, try first("ovmf-pxe4-full"), now: Lab.start).sent.isEmpty)
  }

  @Test func aRelayedRequestGoesBackToTheRelayWithItsOption() throws {
    var server = Lab.proxy()
    var message = try DHCPv4Message(decoding: first("ovmf-pxe4-full").payload)
    let relay = try #require(IPv4Address("198.51.100.1"))
    message.relayAddress = relay
    message.options[82] = [1, 2, 0, 7, 2, 1, 9]
    let actions = receive(
      &server, Lab.incoming(message, from: relay, to: Lab.server, sourcePort: 67), now: Lab.start)
    let offer = try #require(actions.reply)
    #expect(offer.options[82] == [1, 2, 0, 7, 2, 1, 9])
    #expect(offer.relayAddress == relay)
    #expect(actions.sent.first?.destination == .endpoint(Endpoint(relay, port: 67)))
    guard case .asked(let request)? = actions.events.first else {
      Issue.record("it is asked for")
      return
    }
    #expect(request.relay == .init(address: .v4(relay), circuit: [0, 7], remote: [9]))
  }

  // Without a relay agent's address, option 82 may be the client's own invention, or that of a switch, which wants it
  // back (RFC 3046, section 2.2).
  @Test func option82WithoutARelayAgentIsEchoedAndNotBelieved() throws {
    var server = Lab.proxy()
    var message = try DHCPv4Message(decoding: first("ovmf-http4-full").payload)
    message.options[82] = [1, 2, 0, 7]
    let actions = receive(&server, Lab.incoming(message), now: Lab.start)
    #expect(actions.reply?.options[82] == [1, 2, 0, 7])
    guard case .asked(let request)? = actions.events.first else {
      Issue.record("it is asked for")
      return
    }
    #expect(request.relay == nil)
  }

  @Test func repliesAndUnknownInterfacesAreIgnored() throws {
    var server = Lab.proxy()
    var datagram = try first("ovmf-pxe4-full")
    datagram.interface = 9
    #expect(receive(&server, datagram, now: Lab.start).isEmpty)
    var message = try DHCPv4Message(decoding: datagram.payload)
    message.isReply = true
    #expect(receive(&server, Lab.incoming(message), now: Lab.start).isEmpty)
    server.update(interfaces: [NetworkInterface(index: 2, name: "br0")], now: Lab.start)
    let actions = receive(&server, try first("ovmf-pxe4-full"), now: Lab.start)
    #expect(actions.sent.isEmpty, "there is no address to answer from")
  }

  @Test func aFloodOfBadPacketsIsReportedAFewTimes() {
    var server = Lab.proxy()
    var events = 0
    for number in 0..<10_000 {
      let datagram = IncomingDatagram(
        payload: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 300),
        source: Endpoint(IPv4Address(value: UInt32(number)), port: 68), destination: .v4(.broadcast),
        port: 67,
        interface: 2)
      events += receive(&server, datagram, now: Lab.start).count
    }
    #expect(events == 20)
  }

  @Test func competingOffersAreNoticedOnce() throws {
    var sensor = DHCPSensor(interfaces: Lab.interfaces)
    var reply = DHCPv4Message(isReply: true, kind: .offer, hardwareAddress: Lab.mac.bytes, transaction: 1)
    let other = IPv4Address(value: 0xc000_02fe)
    reply.options.set(54, [other])
    reply.yourAddress = IPv4Address(value: 0xc000_0270)
    func notice(_ message: DHCPv4Message, from source: IPv4Address = other, after seconds: Double = 0)
      -> DHCPEvent?
    {
      let datagram = IncomingDatagram(
        payload: message.encoded(), source: Endpoint(source, port: 67), destination: .v4(.broadcast),
        port: 68,
        interface: 2)
      return sensor.notice(datagram, now: Lab.start.advanced(seconds: seconds))
    }
    #expect(notice(reply) == nil, "an address alone is what the site's server is for")
    reply.bootFile = Array("pxelinux.0".utf8)
    let expected = CompetingOffer(
      server: other, hardwareAddress: Lab.mac, bootFile: "pxelinux.0", isProxy: false, interface: "br0")
    #expect(notice(reply) == .competitor(expected))
    #expect(notice(reply, after: 30) == nil)
    #expect(notice(reply, after: 61) == .competitor(expected))
    reply.options.set(54, [Lab.server])
    #expect(notice(reply, from: Lab.server, after: 200) == nil, "our own")
    // The captured exchange of a dnsmasq with boot files.
    let captured = try #require(
      try readReplies("ovmf-http4-full").compactMap {
        sensor.notice($0, now: Lab.start.advanced(seconds: 300))
      }.first)
    guard case .competitor(let offer) = captured else {
      Issue.record("a competitor")
      return
    }
    #expect(offer.bootFile == "http://192.0.2.1/boot.efi")
  }

  /// A capture's replies, on a host that has other addresses.
  private func readReplies(_ name: String) throws -> [IncomingDatagram] {
    try readAll(name).filter { $0.port == 68 }.map { datagram in
      var copy = datagram
      var message = try DHCPv4Message(decoding: datagram.payload)
      message.options.set(54, [IPv4Address(value: 0xc000_0205)])
      copy.payload = message.encoded(limit: 1472)
      copy.source = Endpoint(IPv4Address(value: 0xc000_0205), port: 67)
      return copy
    }
  }
}
