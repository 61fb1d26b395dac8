import NetworkTypes
import TestSupport
import Testing

@testable import DHCP

@Suite struct DHCPv6Tests {
  private static let duid: [UInt8] = [0, 3, 0, 1, 2, 0, 0, 0, 0, 1]

  private func server(_ mode: DHCPConfiguration.Mode, leases: [Lease] = [], decider: Decider = .usual)
    -> DHCPv6Server
  {
    DHCPv6Server(
      DHCPConfiguration(mode: mode, subnets6: [Lab.subnet6]), identifier: Self.duid, decider: decider,
      interfaces: Lab.interfaces, leases: leases, now: Lab.start)
  }

  private func reply(_ actions: [DHCPAction]) -> DHCPv6Message? {
    actions.sent.count == 1 ? (try? DHCPv6Packet(decoding: actions.sent[0].payload))?.message : nil
  }

  private func url(_ message: DHCPv6Message?) -> String? {
    message?.options[59].map { String(decoding: $0, as: UTF8.self) }
  }

  private func solicit(_ name: String) throws -> IncomingDatagram {
    try #require(try Lab.requests(name).first { $0.port == 547 })
  }

  @Test(arguments: [
    "ipxe-bios-full", "ovmf-pxe6-full", "ovmf-http6-solicit", "ovmf-pxe6-beside", "ovmf-http6-beside",
  ])
  func capturedMessagesSurvive(name: String) throws {
    var count = 0
    for datagram in try readCapture(checkoutFile("pxe/captures/\(name).pcap"))
    where [546, 547].contains(datagram.destinationPort) {
      let packet = try DHCPv6Packet(decoding: datagram.payload)
      #expect(packet.encoded(isReply: false) == datagram.payload)
      for association in packet.message.options.all(3) {
        #expect(try DHCPv6Association(decoding: association).encoded == association)
      }
      count += 1
    }
    #expect(count >= 2)
  }

  @Test func everyPrefixThrowsOrEndsBetweenOptions() throws {
    let bytes = try solicit("ovmf-pxe6-full").payload
    var ends: Set<Int> = [4]
    var offset = 4
    while offset < bytes.count {
      offset += 4 + Int(bytes[offset + 2]) << 8 + Int(bytes[offset + 3])
      ends.insert(offset)
    }
    #expect(ends.contains(bytes.count))
    for count in bytes.indices {
      if ends.contains(count) {
        _ = try DHCPv6Packet(decoding: Array(bytes[..<count]))
      } else {
        #expect(throws: DHCPError.self) { try DHCPv6Packet(decoding: Array(bytes[..<count])) }
      }
    }
  }

  @Test func relayEnvelopesNestAndUnnest() throws {
    let inner = try DHCPv6Packet(decoding: solicit("ovmf-pxe6-full").payload).message
    let link = try #require(IPv6Address("2001:db8::1"))
    let peer = try #require(IPv6Address("fe80::5054:ff:fe12:3456"))
    let packet = DHCPv6Packet(
      inner,
      envelopes: [
        .init(hops: 1, link: .any, peer: link),
        .init(hops: 0, link: link, peer: peer, options: DHCPv6Options([.init(18, [1, 2, 3])])),
      ])
    let bytes = packet.encoded(isReply: false)
    #expect(try DHCPv6Packet(decoding: bytes) == packet)
    for count in bytes.indices.dropFirst(1) {
      #expect(throws: DHCPError.self) { try DHCPv6Packet(decoding: Array(bytes[..<count])) }
    }
    // Nine envelopes are one too many.
    let deep = DHCPv6Packet(inner, envelopes: Array(repeating: packet.envelopes[0], count: 9))
    #expect(throws: DHCPError.self) { try DHCPv6Packet(decoding: deep.encoded(isReply: false)) }
  }

  @Test(
    arguments: [
      ("nothing", []), ("three bytes", [1, 0, 0]), ("no type 0", [0, 0, 0, 0]),
      ("no type 200", [200, 0, 0, 0]),
      ("a relay agent's header that is cut", [12] + [UInt8](repeating: 0, count: 32)),
      ("a relay agent without a message", [12] + [UInt8](repeating: 0, count: 33)),
      // Option 1 says 100 bytes and has 1.
      ("an option beyond the end", [1, 0, 0, 1, 0, 1, 0, 100, 9]),
    ] as [(String, [UInt8])])
  func hostileMessagesThrow(what: String, bytes: [UInt8]) {
    #expect(throws: DHCPError.self, "\(what)") { try DHCPv6Packet(decoding: bytes) }
  }

  @Test func clientsAreRecognised() throws {
    func request(_ name: String) throws -> NetbootRequest? {
      let datagram = try solicit(name)
      guard case .v6(let source) = datagram.source.address else { return nil }
      return NetbootRequest(
        try DHCPv6Packet(decoding: datagram.payload), stage: .discover, source: source, interface: "br0",
        server: Lab.linkLocal)
    }
    let uuid = MachineUUID("11223344-5566-7788-99aa-bbccddeeff00")
    let ipxe = try #require(try request("ipxe-bios-full"))
    #expect(ipxe.client == .ipxe)
    #expect(ipxe.uuid == uuid, "iPXE sends the standard's order")
    #expect(ipxe.hardwareAddress == Lab.mac, "from the link-local address")
    let pxe = try #require(try request("ovmf-pxe6-full"))
    #expect(pxe.client == .pxe)
    #expect(pxe.architecture == .uefiX64)
    #expect(pxe.uuid == uuid, "firmware sends the order of SMBIOS")
    let http = try #require(try request("ovmf-http6-solicit"))
    #expect(http.client == .http)
    #expect(http.architecture == .httpX64)
    #expect(http.isIPv6)
  }

  @Test func besideAnotherServerTheOfferIsAProxys() throws {
    var server = server(.proxy)
    let actions = receive(&server, try solicit("ovmf-pxe6-full"), now: Lab.start)
    let offer = try #require(reply(actions))
    #expect(offer.kind == .advertise)
    #expect(offer.options[3] == nil, "no address")
    #expect(url(offer) == "tftp://[2001:db8::1]/snponly.efi")
    #expect(
      offer.options[16].map { Array($0.prefix(15)) } == [0, 0, 1, 0x57, 0, 9] + Array("PXEClient".utf8))
    #expect(offer.options[2] == Self.duid)
    // The firmware then asks port 4011, with the other server's address for its own.
    var question = try DHCPv6Packet(decoding: solicit("ovmf-pxe6-full").payload).message
    question.kind = .request
    question.options = DHCPv6Options([.init(2, Self.duid)] + question.options.entries.filter { $0.code != 3 })
    var datagram = try solicit("ovmf-pxe6-full")
    datagram.payload = question.encoded
    datagram.port = 4011
    datagram.source.port = 4011
    let answers = receive(&server, datagram, now: Lab.start)
    #expect(reply(answers)?.kind == .reply)
    #expect(url(reply(answers)) == "tftp://[2001:db8::1]/snponly.efi")
    #expect(answers.sent.first?.port == 4011)
  }

  @Test func firmwareBesideAnotherServerAsksPort4011() throws {
    let questions = try Lab.requests("ovmf-pxe6-beside")
    let binl = try #require(questions.first { $0.port == 4011 && $0.source.port == 4011 })
    let request = try DHCPv6Packet(decoding: binl.payload).message
    #expect(request.kind == .request && request.options[3] == nil, "it has its address from the other server")
    var server = DHCPv6Server(
      DHCPConfiguration(mode: .proxy), identifier: try #require(request.options[2]), decider: Decider.usual,
      interfaces: Lab.interfaces, now: Lab.start)
    for question in questions where question.port == 547 {
      // Before it netboots the firmware asks for an address alone; later it talks to the server that gave one.
      let options = try DHCPv6Packet(decoding: question.payload).message.options
      let isForUs = options[2] == nil && options[16] != nil
      #expect(receive(&server, question, now: Lab.start).sent.isEmpty == !isForUs)
    }
    let answer = try #require(self.reply(receive(&server, binl, now: Lab.start)))
    #expect(answer.kind == .reply)
    #expect(url(answer) == "tftp://[2001:db8::1]/snponly.efi")
  }

  @Test func httpFirmwareGetsItsClassAndAURL() throws {
    var server = server(.full)
    let offer = try #require(reply(receive(&server, try solicit("ovmf-http6-solicit"), now: Lab.start)))
    #expect(url(offer) == "http://[2001:db8::1]/boot.efi")
    #expect(offer.options[16].map { Array($0.suffix(10)) } == Array("HTTPClient".utf8))
    #expect(offer.options[3] != nil)
  }

  @Test func fullModeGivesAddressesAndRemembers() throws {
    var server = server(.full)
    let datagram = try solicit("ovmf-pxe6-full")
    let offer = try #require(reply(receive(&server, datagram, now: Lab.start)))
    let offered = try DHCPv6Association(decoding: #require(offer.options[3]))
    #expect(offered.addresses == [try #require(IPv6Address("2001:db8::100"))])
    #expect(offered.renew == 1800)
    #expect(offer.options[16] == nil, "an offer of PXEClient's class would be taken for a menu's")
    var request = try DHCPv6Packet(decoding: datagram.payload).message
    request.kind = .request
    request.options.append(2, Self.duid)
    var next = datagram
    next.payload = request.encoded
    let actions = receive(&server, next, now: Lab.start)
    guard case .persist(.put(let lease)) = actions.first else {
      Issue.record("persist comes first: \(actions)")
      return
    }
    #expect(lease.address == .v6(offered.addresses[0]))
    #expect(reply(actions)?.kind == .reply)
    // After a restart the same client has the same address, and another one another.
    var again = self.server(.full, leases: [lease])
    let offerAgain = try #require(reply(receive(&again, datagram, now: Lab.start)))
    #expect(try DHCPv6Association(decoding: #require(offerAgain.options[3])).addresses == offered.addresses)
    let other = try #require(reply(receive(&again, try solicit("ipxe-bios-full"), now: Lab.start)))
    #expect(try DHCPv6Association(decoding: #require(other.options[3])).addresses != offered.addresses)
    // It gives it back.
    var release = request
    release.kind = .release
    var association = DHCPv6Association(identifier: offered.identifier)
    association.add(offered.addresses[0], seconds: 0)
    release.options = DHCPv6Options(
      request.options.entries.filter { $0.code != 3 } + [.init(3, association.encoded)])
    next.payload = release.encoded
    #expect(receive(&again, next, now: Lab.start).changes == [.remove(.v6(offered.addresses[0]))])
  }

  @Test func othersAreLeftAlone() throws {
    var proxy = server(.proxy)
    var message = try DHCPv6Packet(decoding: solicit("ovmf-pxe6-full").payload).message
    message.options = DHCPv6Options(message.options.entries.filter { $0.code != 16 })
    var datagram = try solicit("ovmf-pxe6-full")
    datagram.payload = message.encoded
    #expect(receive(&proxy, datagram, now: Lab.start).isEmpty, "it does not netboot")
    // A request to another server.
    var full = server(.full)
    message.kind = .request
    message.options.append(2, [0, 3, 0, 1, 9, 9, 9, 9, 9, 9])
    datagram.payload = message.encoded
    #expect(receive(&full, datagram, now: Lab.start).isEmpty)
    // A Solicit without an identifier.
    datagram.payload = DHCPv6Message(.solicit, transaction: 1).encoded
    #expect(receive(&full, datagram, now: Lab.start).isEmpty)
    for kind in [.advertise, .reply, .reconfigure] as [DHCPv6Message.Kind] {
      datagram.payload =
        DHCPv6Message(kind, transaction: 1, options: DHCPv6Options([.init(1, [0, 1, 2])])).encoded
      #expect(receive(&full, datagram, now: Lab.start).isEmpty)
    }
  }

  @Test func informationAlone() throws {
    var server = server(.proxy)
    var message = try DHCPv6Packet(decoding: solicit("ipxe-bios-full").payload).message
    message.kind = .informationRequest
    message.options = DHCPv6Options(message.options.entries.filter { $0.code != 3 })
    var datagram = try solicit("ipxe-bios-full")
    datagram.payload = message.encoded
    let answer = try #require(reply(receive(&server, datagram, now: Lab.start)))
    #expect(answer.kind == .reply)
    #expect(url(answer) == "http://[2001:db8::1]/boot.ipxe")
  }
}
