import DHCP
import NetworkTypes
import Synchronization
import TestSupport
import Testing

/// Decides by a closure.
struct Decider: BootDecider {
  let body: @Sendable (NetbootRequest) -> BootDecision
  func decide(_ request: NetbootRequest) -> BootDecision { body(request) }

  /// Firmware loads a file, HTTP firmware and iPXE a URL of the server's own.
  static let usual = Decider { request in
    switch request.client {
    case .pxe: .boot(.tftp(name: request.architecture == .bios ? "undionly.kpxe" : "snponly.efi"))
    case .http: .boot(.url("http://\(host(request))/boot.efi"))
    case .ipxe: .boot(.url("http://\(host(request))/boot.ipxe"))
    }
  }

  private static func host(_ request: NetbootRequest) -> String {
    request.isIPv6 ? "[\(request.server)]" : "\(request.server)"
  }
}

enum Lab {
  static let server = IPv4Address("192.0.2.1")!
  static let mac = MACAddress("52:54:00:12:34:56")!
  static let linkLocal = IPv6Address("fe80::1")!
  static let start = Moment(monotonic: 1_000_000_000_000, wall: 1_700_000_000)
  static let network = IPv4Network("192.0.2.0/24")!

  static let interfaces = [
    NetworkInterface(
      index: 2, name: "br0", hardwareAddress: MACAddress("02:00:00:00:00:01"),
      ipv4: [.init(server, prefixLength: 24)],
      ipv6: [.init(linkLocal, prefixLength: 64), .init(IPv6Address("2001:db8::1")!, prefixLength: 64)])
  ]

  static let subnet = DHCPv4Subnet(
    network: network, pools: [IPv4Address("192.0.2.100")!...IPv4Address("192.0.2.150")!], routers: [server],
    nameServers: [server], domain: "lab.example")
  static let subnet6 = DHCPv6Subnet(
    prefix: IPv6Address("2001:db8::")!, pool: IPv6Address("2001:db8::100")!...IPv6Address("2001:db8::1ff")!)

  static func full(
    _ subnet: DHCPv4Subnet = subnet, decider: Decider = .usual, leases: [Lease] = [], now: Moment = start,
    isAuthoritative: Bool = false
  ) -> DHCPv4Server {
    DHCPv4Server(
      DHCPConfiguration(
        mode: .full, subnets: [subnet], subnets6: [subnet6], isAuthoritative: isAuthoritative),
      decider: decider, interfaces: interfaces, leases: leases, now: now)
  }

  static func proxy(decider: Decider = .usual) -> DHCPv4Server {
    DHCPv4Server(DHCPConfiguration(), decider: decider, interfaces: interfaces, now: start)
  }

  /// A client's datagram as the server gets it.
  static func incoming(
    _ message: DHCPv4Message, from source: IPv4Address = .any, to destination: IPv4Address = .broadcast,
    sourcePort: UInt16 = 68, port: UInt16 = 67
  ) -> IncomingDatagram {
    IncomingDatagram(
      payload: message.encoded(), source: Endpoint(source, port: sourcePort), destination: .v4(destination),
      port: port, interface: 2)
  }

  /// The requests of a capture, as a server on `br0` gets them.
  static func requests(_ name: String) throws -> [IncomingDatagram] {
    try readCapture(checkoutFile("pxe/captures/\(name).pcap")).compactMap { datagram in
      guard [67, 4011, 547].contains(datagram.destinationPort) else { return nil }
      return incoming(datagram)
    }
  }

  static func incoming(_ datagram: CapturedDatagram) -> IncomingDatagram {
    func address(_ bytes: [UInt8]) -> IPAddress {
      IPv4Address(bytes).map { .v4($0) } ?? .v6(IPv6Address(bytes) ?? .any)
    }
    return IncomingDatagram(
      payload: datagram.payload, source: Endpoint(address(datagram.source), port: datagram.sourcePort),
      destination: address(datagram.destination), port: datagram.destinationPort, interface: 2)
  }
}

extension [DHCPAction] {
  var sent: [OutgoingDatagram] { compactMap { if case .send(let datagram) = $0 { datagram } else { nil } } }
  var events: [DHCPEvent] { compactMap { if case .event(let event) = $0 { event } else { nil } } }
  var changes: [LeaseChange] { compactMap { if case .persist(let change) = $0 { change } else { nil } } }

  /// The one reply among them.
  var reply: DHCPv4Message? {
    sent.count == 1 ? sent.first.flatMap { try? DHCPv4Message(decoding: $0.payload) } : nil
  }
}

/// A client that goes through the four messages.
struct Client {
  var mac: MACAddress
  var identifier: [UInt8]?
  var transaction: UInt32 = 0x1234_5678
  var extra: [(UInt8, [UInt8])] = []

  init(_ number: Int) {
    mac = MACAddress(value: 0x5254_0000_0000 + UInt64(number))
    transaction = UInt32(number)
  }

  func message(_ kind: DHCPv4Message.Kind) -> DHCPv4Message {
    var message = DHCPv4Message(kind: kind, hardwareAddress: mac.bytes, transaction: transaction)
    if let identifier { message.options[DHCPv4Option.clientIdentifier] = identifier }
    for (code, value) in extra { message.options[code] = value }
    return message
  }

  func request(_ address: IPv4Address, server: IPv4Address? = Lab.server) -> DHCPv4Message {
    var message = message(.request)
    message.options.set(DHCPv4Option.requestedAddress, [address])
    if let server { message.options.set(DHCPv4Option.serverIdentifier, [server]) }
    return message
  }

  /// DISCOVER and REQUEST; the address that was acknowledged.
  func boot(_ server: inout DHCPv4Server, now: Moment) -> IPv4Address? {
    var changes: [LeaseChange] = []
    return boot(&server, now: now, changes: &changes)
  }

  /// The same; what was to be written down meanwhile is added to `changes`.
  func boot(_ server: inout DHCPv4Server, now: Moment, changes: inout [LeaseChange]) -> IPv4Address? {
    let offered = receive(&server, Lab.incoming(message(.discover)), now: now)
    changes += offered.changes
    guard let offer = offered.reply, offer.kind == .offer else { return nil }
    let answered = receive(&server, Lab.incoming(request(offer.yourAddress)), now: now)
    changes += answered.changes
    return answered.reply?.kind == .ack ? answered.reply?.yourAddress : nil
  }
}

/// Numbers that are drawn again in the same order (SplitMix64).
struct Seeded: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// Every datagram of a capture.
func readAll(_ name: String) throws -> [IncomingDatagram] {
  try readCapture(checkoutFile("pxe/captures/\(name).pcap")).map { Lab.incoming($0) }
}

/// One datagram, as a function: a test's expectations cannot call what changes a value.
func receive(_ server: inout DHCPv4Server, _ datagram: IncomingDatagram, now: Moment) -> [DHCPAction] {
  server.receive(datagram, now: now)
}

func receive(_ server: inout DHCPv6Server, _ datagram: IncomingDatagram, now: Moment) -> [DHCPAction] {
  server.receive(datagram, now: now)
}
