package import NetworkTypes

/// The DHCPv6 protocol machine: boot information for clients that netboot (RFC 5970), and in full mode addresses for
/// every client of a configured link (RFC 8415). A value: packets and time in, actions out.
///
/// Beside another server it answers a Solicit of UEFI firmware without an address: the firmware takes that for a proxy's
/// offer, and combines it with the other server's.
package struct DHCPv6Server: Sendable {
  package static let serverPort: UInt16 = 547
  package static let clientPort: UInt16 = 546
  package static let binlPort: UInt16 = 4011

  package private(set) var configuration: DHCPConfiguration
  /// The server's DUID (RFC 8415, section 11), which must stay the same over restarts.
  let identifier: [UInt8]
  let decider: any BootDecider
  private(set) var interfaces: [UInt32: NetworkInterface] = [:]
  var links: [Link] = []
  private var drops = EventBudget()

  /// One subnet and who has its addresses, which differ in their last 8 bytes only.
  struct Link: Sendable {
    var subnet: DHCPv6Subnet
    var pool: AddressPool<UInt64>

    init(_ subnet: DHCPv6Subnet) {
      self.subnet = subnet
      let low = subnet.pool.lowerBound.low
      let isOneLink = subnet.pool.lowerBound.high == subnet.pool.upperBound.high
      let high = isOneLink ? subnet.pool.upperBound.low : .max
      pool = AddressPool(
        ranges: [
          low...min(max(low, high), low.addingReportingOverflow(65_535).overflow ? .max : low + 65_535)
        ], reserved: [])
    }

    func contains(_ address: IPv6Address) -> Bool {
      subnet.prefix.shares(prefixLength: subnet.prefixLength, with: address)
    }

    /// The address that a number of the pool stands for.
    func address(_ number: UInt64) -> IPv6Address {
      IPv6Address(high: subnet.pool.lowerBound.high, low: number)
    }
  }

  /// - Parameters:
  ///   - identifier: The server's DUID, the same for ever.
  ///   - leases: What the store has.
  package init(
    _ configuration: DHCPConfiguration, identifier: [UInt8], decider: any BootDecider,
    interfaces: [NetworkInterface], leases: [Lease] = [], now: Moment
  ) {
    self.configuration = configuration
    self.identifier = identifier
    self.decider = decider
    if configuration.mode == .full { links = configuration.subnets6.map { Link($0) } }
    update(interfaces: interfaces)
    restore(leases, now: now)
  }

  /// The interfaces are these now.
  package mutating func update(interfaces: [NetworkInterface]) {
    self.interfaces = Dictionary(interfaces.map { ($0.index, $0) }, uniquingKeysWith: { _, last in last })
  }

  /// A DUID-LL (RFC 8415, section 11.4) of the first hardware address, which is the same as long as the host is.
  package static func identifier(of interfaces: [NetworkInterface]) -> [UInt8] {
    let mac = interfaces.compactMap(\.hardwareAddress).min() ?? MACAddress(value: 0x0200_0000_0001)
    return [0, 3, 0, 1] + mac.bytes
  }

  /// What belongs to answering one message.
  struct Exchange {
    let packet: DHCPv6Packet
    let datagram: IncomingDatagram
    let source: IPv6Address
    let interface: NetworkInterface
    /// The server's own address, as this client reaches it.
    let server: IPv6Address
    let now: Moment
    var message: DHCPv6Message { packet.message }
  }

  /// What comes of one datagram to one of the server's ports.
  package mutating func receive(_ datagram: IncomingDatagram, now: Moment) -> [DHCPAction] {
    guard let interface = interfaces[datagram.interface],
      configuration.interfaces.isEmpty || configuration.interfaces.contains(interface.name),
      case .v6(let source) = datagram.source.address
    else { return [] }
    let packet: DHCPv6Packet
    do {
      packet = try DHCPv6Packet(decoding: datagram.payload)
    } catch {
      return drops.allows(now: now)
        ? [.event(.dropped(source: datagram.source, reason: error.description))] : []
    }
    guard let server = serverAddress(packet, on: interface) else { return [] }
    let exchange = Exchange(
      packet: packet, datagram: datagram, source: source, interface: interface, server: server, now: now)
    guard
      let client = packet.message.options[DHCPv6Option.clientIdentifier] ?? emptyIdentifier(packet.message),
      client.count <= 130
    else { return [] }
    let named = packet.message.options[DHCPv6Option.serverIdentifier]
    // RFC 8415, section 16: a message to another server, or one that must not name a server and does.
    switch packet.message.kind {
    case .solicit, .confirm, .rebind: if named != nil { return [] }
    case .request, .renew, .release, .decline:
      if named != identifier { return [] }
    case .informationRequest: if let named, named != identifier { return [] }
    case .advertise, .reply, .reconfigure: return []
    }
    return answer(exchange, client: client)
  }

  /// An Information-request may come without an identifier.
  private func emptyIdentifier(_ message: DHCPv6Message) -> [UInt8]? {
    message.kind == .informationRequest ? [] : nil
  }

  func netboot(_ exchange: Exchange, _ stage: NetbootRequest.Stage) -> NetbootRequest? {
    NetbootRequest(
      exchange.packet, stage: stage, source: exchange.source, interface: exchange.interface.name,
      server: exchange.server)
  }

  /// An address of ours in the client's link if there is one, else one that can be routed to, else a link-local one.
  private func serverAddress(_ packet: DHCPv6Packet, on interface: NetworkInterface) -> IPv6Address? {
    let own = interface.ipv6.map(\.address)
    let inLink = own.first { address in links.contains { $0.contains(address) } }
    return inLink ?? own.first { $0.isRoutable } ?? own.first { $0.isLinkLocal }
  }

  /// Where a reply goes: back the way its question came.
  func deliver(_ message: DHCPv6Message, _ exchange: Exchange) -> DHCPAction {
    let packet = DHCPv6Packet(
      message,
      envelopes: exchange.packet.envelopes.map { envelope in
        // RFC 8415, section 19.3: the relay agent gets its Interface-Id back.
        DHCPv6Packet.Envelope(
          hops: envelope.hops, link: envelope.link, peer: envelope.peer,
          options: DHCPv6Options(
            envelope.options.entries.filter { $0.code == DHCPv6Option.interfaceIdentifier }))
      })
    return .send(
      OutgoingDatagram(
        payload: packet.encoded(isReply: true), destination: .endpoint(exchange.datagram.source),
        port: exchange.datagram.port, source: nil, interface: exchange.interface.index))
  }
}
