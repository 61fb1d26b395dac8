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
  /// Who has addresses of networks that are not configured now: they may be again.
  private var orphans: [UInt32: AddressPool<UInt32>.Entry] = [:]
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
      pool = AddressPool(ranges: subnet.usablePools, reserved: [])
    }

    /// Keeps what is reserved, the routers' addresses and the server's own from being given to whoever comes.
    mutating func reserve(own: Set<UInt32>, now: Moment) {
      let reserved = subnet.reservations.map(\.address.value) + subnet.routers.map(\.value)
      pool.reserve(own.union(reserved), now: now.monotonic)
    }
  }

  /// - Parameters:
  ///   - leases: What the store has. Those of networks that are not configured wait for their network.
  package init(
    _ configuration: DHCPConfiguration, decider: any BootDecider, interfaces: [NetworkInterface],
    leases: [Lease] = [], now: Moment
  ) {
    self.configuration = configuration
    self.decider = decider
    if configuration.mode == .full { networks = configuration.subnets.map { Network($0) } }
    update(interfaces: interfaces, now: now)
    restore(leases, now: now)
  }

  /// The interfaces are these now.
  package mutating func update(interfaces: [NetworkInterface], now: Moment) {
    self.interfaces = Dictionary(interfaces.map { ($0.index, $0) }, uniquingKeysWith: { _, last in last })
    for index in networks.indices { networks[index].reserve(own: ownAddresses, now: now) }
  }

  private var ownAddresses: Set<UInt32> {
    Set(interfaces.values.flatMap { $0.ipv4.map(\.address.value) })
  }

  /// A new configuration. Leases are kept, in whatever network they are now or will be again; so are offers, which their
  /// clients will ask for in a moment.
  package mutating func update(configuration: DHCPConfiguration, now: Moment) {
    let before = networks
    self.configuration = configuration
    networks =
      configuration.mode == .full
      ? configuration.subnets.map { subnet in before.first { $0.subnet == subnet } ?? Network(subnet) } : []
    for network in before where !networks.contains(where: { $0.subnet == network.subnet }) {
      for (address, entry) in network.pool.entries { orphans[address] = entry }
    }
    for index in networks.indices { networks[index].reserve(own: ownAddresses, now: now) }
    adopt(now: now)
  }

  /// Gives those who have addresses of a network that is there now to that network.
  private mutating func adopt(now: Moment) {
    // Of a client's addresses the last one counts: what it had, what it has, what it is about to have.
    func rank(_ entry: AddressPool<UInt32>.Entry) -> Int {
      switch entry.state {
      case .released, .declined: 0
      case .leased: 1
      case .offered: 2
      }
    }
    let sorted = orphans.sorted {
      (rank($0.value), $0.value.granted, $0.value.deadline, $0.key)
        < (rank($1.value), $1.value.granted, $1.value.deadline, $1.key)
    }
    for (address, entry) in sorted {
      guard let index = network(containing: IPv4Address(value: address)) else { continue }
      networks[index].pool.set(address, entry, now: now.monotonic)
      orphans[address] = nil
    }
  }

  /// Takes what the store has into the network of its address, or keeps it until there is one.
  mutating func insert(_ entry: AddressPool<UInt32>.Entry, at address: IPv4Address, now: Moment) {
    if let index = network(containing: address) {
      networks[index].pool.set(address.value, entry, now: now.monotonic)
    } else {
      orphans[address.value] = entry
    }
  }

  func network(containing address: IPv4Address) -> Int? {
    networks.firstIndex { $0.subnet.network.contains(address) }
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
    if message.relayAddress != .any, !isTrusted(message) {
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

    /// What the client knows the server by (option 54): its address, or that of a relay agent that wants to see every
    /// message (RFC 5107).
    var identifier: IPv4Address { message.serverOverride ?? server }

    /// Who asks, if it netboots.
    func request(_ stage: NetbootRequest.Stage) -> NetbootRequest? {
      // What a client without a relay agent says in option 82 is its own invention (RFC 3046, section 2.1).
      NetbootRequest(message, stage: stage, trustsRelay: true, interface: interface.name, server: server)
    }
  }

  private func serves(_ interface: NetworkInterface) -> Bool {
    configuration.interfaces.isEmpty || configuration.interfaces.contains(interface.name)
  }

  private func isTrusted(_ message: DHCPv4Message) -> Bool {
    let relay = message.relayAddress
    guard relay.isUnicast else { return false }
    if !configuration.relays.isEmpty { return configuration.relays.contains { $0.contains(relay) } }
    return configuration.mode == .proxy || network(containing: message.link ?? relay) != nil
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
