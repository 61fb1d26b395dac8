package import NetworkTypes

/// The DHCPv4 protocol machine: ProxyDHCP on port 67 and boot server discovery on port 4011 beside another server, or
/// a whole DHCP server (RFC 2131). A value: packets and time in, actions out; no clock, no socket, no store.
package struct DHCPv4Server: Sendable {
  package static let serverPort: UInt16 = 67
  package static let clientPort: UInt16 = 68
  package static let binlPort: UInt16 = 4011

  package private(set) var configuration: DHCPConfiguration
  let decider: any BootDecider
  private(set) var interfaces: [UInt32: NetworkInterface] = [:]
  var networks: [Network] = []
  /// What `dropped` events may still be made of in this second: a flood shall not fill a log.
  private var drops = EventBudget()

  /// One subnet and who has its addresses.
  struct Network: Sendable {
    var subnet: DHCPv4Subnet
    var pool: AddressPool<UInt32>
    /// Reserved addresses by hardware address.
    var reservations: [MACAddress: IPv4Address]

    init(_ subnet: DHCPv4Subnet) {
      self.subnet = subnet
      reservations = Dictionary(
        subnet.reservations.map { ($0.hardwareAddress, $0.address) }, uniquingKeysWith: { _, last in last })
      pool = AddressPool(
        ranges: subnet.usablePools, reserved: Set(subnet.reservations.map(\.address.value)))
    }
  }

  /// - Parameters:
  ///   - leases: What the store has. Those of networks that are not configured are left alone.
  package init(
    _ configuration: DHCPConfiguration, decider: any BootDecider, interfaces: [NetworkInterface],
    leases: [Lease] = [], now: Moment
  ) {
    self.configuration = configuration
    self.decider = decider
    if configuration.mode == .full { networks = configuration.subnets.map { Network($0) } }
    update(interfaces: interfaces)
    restore(leases, now: now)
  }

  /// The interfaces are these now.
  package mutating func update(interfaces: [NetworkInterface]) {
    self.interfaces = Dictionary(interfaces.map { ($0.index, $0) }, uniquingKeysWith: { _, last in last })
  }

  /// A new configuration; leases of networks that are still there are kept, in whatever network they are now.
  package mutating func update(configuration: DHCPConfiguration, now: Moment) {
    let leases = currentLeases(now: now)
    self.configuration = configuration
    networks = configuration.mode == .full ? configuration.subnets.map { Network($0) } : []
    restore(leases, now: now)
  }

  /// What comes of one datagram to one of the server's ports.
  package mutating func receive(_ datagram: IncomingDatagram, now: Moment) -> [DHCPAction] {
    guard let interface = interfaces[datagram.interface], serves(interface) else { return [] }
    let message: DHCPv4Message
    do {
      message = try DHCPv4Message(decoding: datagram.payload)
    } catch {
      return dropped(datagram, error.description, now: now)
    }
    // Replies come here too, when two servers share a link.
    guard !message.isReply else { return [] }
    guard message.hops <= 16 else {
      return dropped(datagram, "it went through \(message.hops) relays", now: now)
    }
    if let option = message.options[DHCPv4Option.relayAgent], option.count > 255 {
      return dropped(datagram, "option 82 has \(option.count) bytes", now: now)
    }
    if message.relayAddress != .any, !isTrusted(relay: message.relayAddress) {
      return dropped(datagram, "no relay agent \(message.relayAddress) is known", now: now)
    }
    guard let server = serverAddress(for: message, datagram: datagram, on: interface) else {
      return dropped(datagram, "\(interface.name) has no IPv4 address to answer from", now: now)
    }
    let exchange = Exchange(
      message: message, datagram: datagram, interface: interface, server: server, now: now)
    if datagram.port == Self.binlPort { return answerBINL(exchange) }
    return configuration.mode == .proxy ? answerProxy(exchange) : answerFull(exchange)
  }

  /// What belongs to answering one message.
  struct Exchange {
    let message: DHCPv4Message
    let datagram: IncomingDatagram
    let interface: NetworkInterface
    /// The server's own address, as this client reaches it.
    let server: IPv4Address
    let now: Moment

    /// Who asks, if it netboots.
    func request(_ stage: NetbootRequest.Stage) -> NetbootRequest? {
      // What a client without a relay agent says in option 82 is its own invention (RFC 3046, section 2.1).
      NetbootRequest(message, stage: stage, trustsRelay: true, interface: interface.name, server: server)
    }
  }

  private func serves(_ interface: NetworkInterface) -> Bool {
    configuration.interfaces.isEmpty || configuration.interfaces.contains(interface.name)
  }

  private func isTrusted(relay: IPv4Address) -> Bool {
    guard relay.isUnicast else { return false }
    if !configuration.relays.isEmpty { return configuration.relays.contains(relay) }
    return configuration.mode == .proxy || networks.contains { $0.subnet.network.contains(relay) }
  }

  /// The address that the client used, else the interface's address in the client's network, else its first.
  private func serverAddress(
    for message: DHCPv4Message, datagram: IncomingDatagram, on interface: NetworkInterface
  ) -> IPv4Address? {
    if case .v4(let destination) = datagram.destination,
      interfaces.values.contains(where: { $0.ipv4.contains { $0.address == destination } })
    {
      return destination
    }
    let hints = [message.clientAddress, message.options.address(DHCPv4Option.serverIdentifier)]
    for hint in hints.compactMap({ $0 }) where hint != .any {
      for own in interface.ipv4 where own.address == hint { return hint }
      for own in interface.ipv4
      where IPv4Network(containing: own.address, prefixLength: own.prefixLength)?.contains(hint) == true {
        return own.address
      }
    }
    let inNetwork = interface.ipv4.first { own in
      networks.contains { $0.subnet.network.contains(own.address) }
    }
    return (inNetwork ?? interface.ipv4.first)?.address
  }

  mutating func dropped(_ datagram: IncomingDatagram, _ reason: String, now: Moment) -> [DHCPAction] {
    drops.allows(now: now) ? [.event(.dropped(source: datagram.source, reason: reason))] : []
  }
}
