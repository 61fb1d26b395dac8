internal import NetworkTypes

/// The full DHCP server (RFC 2131, section 4.3).
extension DHCPv4Server {
  mutating func answerFull(_ exchange: Exchange) -> [DHCPAction] {
    switch exchange.message.kind {
    case .discover: offer(exchange)
    case .request: answerRequest(exchange)
    case .decline: decline(exchange)
    case .release: release(exchange)
    case .inform: inform(exchange)
    case .offer, .ack, .nak: []
    }
  }

  /// The networks of the link that a client is on, the best first: by the relay agent's word, by the address that the
  /// client has, or by the interface, which has several if it has an address in each.
  private func link(of exchange: Exchange) -> [Int] {
    let message = exchange.message
    if message.relayAddress != .any {
      return [network(containing: message.link ?? message.relayAddress)].compactMap(\.self)
    }
    if message.clientAddress != .any, case .v4(let source) = exchange.datagram.source.address,
      source == message.clientAddress, let index = network(containing: source)
    {
      return [index]
    }
    var link: [Int] = []
    for own in exchange.interface.ipv4 {
      if let index = network(containing: own.address), !link.contains(index) { link.append(index) }
    }
    return link
  }

  /// The network of a client's link that has that address; the first one if none has.
  private func network(of exchange: Exchange, with address: IPv4Address) -> Int? {
    let link = link(of: exchange)
    return link.first { networks[$0].subnet.network.contains(address) } ?? link.first
  }

  /// An address for a client, of the network that knows it, else of the first one that has one.
  private mutating func choose(_ link: [Int], for client: [UInt8], _ message: DHCPv4Message, now: Moment) -> (
    network: Int, address: UInt32
  )? {
    for index in link {
      if let address = networks[index].own(of: client, message.mac, now: now) { return (index, address) }
    }
    for index in link {
      if let address = networks[index].choose(message, client, now: now) { return (index, address) }
    }
    return nil
  }

  /// DHCPDISCOVER: an address is held for the client and offered.
  private mutating func offer(_ exchange: Exchange) -> [DHCPAction] {
    let message = exchange.message
    let link = link(of: exchange)
    guard let first = link.first else {
      let place =
        message.relayAddress == .any ? exchange.interface.name : "relay agent \(message.relayAddress)"
      return dropped(exchange.datagram, "no subnet is configured for \(place)", now: exchange.now)
    }
    var actions: [DHCPAction] = []
    let boot = boot(.discover, exchange, actions: &actions)
    if case .wait? = boot?.answer { return actions }
    let client = Self.clientKey(message)
    guard let (index, address) = choose(link, for: client, message, now: exchange.now) else {
      return actions + [
        .event(
          .exhausted(network: networks[first].subnet.network.description, hardwareAddress: message.mac))
      ]
    }
    let now = exchange.now.monotonic
    let entry = networks[index].pool.entries[address]
    if entry?.state != .leased || entry?.client != client || (entry?.deadline ?? 0) <= now {
      networks[index].pool.set(
        address,
        .init(
          client: client, hardware: message.mac?.value, state: .offered,
          deadline: now &+ UInt64(configuration.offerSeconds) * 1_000_000_000, granted: 0), now: now)
    }
    var reply = reply(.offer, to: exchange)
    reply.yourAddress = IPv4Address(value: address)
    addNetwork(
      networks[index].subnet, leaseSeconds: leaseSeconds(message, networks[index].subnet), to: &reply)
    Self.add(boot, exchange, to: &reply)
    actions.append(.send(deliver(reply, exchange)))
    return actions
  }

  /// DHCPREQUEST, which is one of three (RFC 2131, section 4.3.2).
  private mutating func answerRequest(_ exchange: Exchange) -> [DHCPAction] {
    let message = exchange.message
    let client = Self.clientKey(message)
    let chosen = message.options.address(DHCPv4Option.serverIdentifier)
    let wanted = message.options.address(DHCPv4Option.requestedAddress)
    if let chosen, !isOwn(chosen, exchange) {
      // The client has taken another server's offer: ours is free again.
      for index in link(of: exchange) {
        guard let address = networks[index].pool.address(of: client),
          networks[index].pool.entries[address]?.state == .offered
        else { continue }
        networks[index].pool.release(address, now: exchange.now.monotonic)
      }
      return exchange.request(.request) == nil
        ? [] : [.event(.choseOther(hardwareAddress: message.mac, server: .v4(chosen)))]
    }
    let isSelecting = chosen != nil && message.clientAddress == .any
    let address = message.clientAddress != .any ? message.clientAddress : wanted
    guard let address else {
      return dropped(exchange.datagram, "a DHCPREQUEST names no address", now: exchange.now)
    }
    guard let index = network(of: exchange, with: address) else { return [] }
    switch networks[index].verdict(on: address, for: client, message.mac, now: exchange.now) {
    case .foreign:
      // Whoever gave it that address, it is of no use on this link.
      let network = networks[index].subnet.network
      return refuse(exchange, address, "\(address) is not of this link's network \(network)")
    case .theirs:
      return grant(address, exchange, network: index, client: client)
    case .free where configuration.isAuthoritative || isSelecting:
      // Who selects us was offered that address, also if the process that offered it is gone: a DHCPNAK would end the
      // boot of firmware.
      return grant(address, exchange, network: index, client: client)
    case .offered where isSelecting:
      // Offers are taken back when a flood of strangers wants every address: of those who were offered it, the one who
      // asks for it first has it.
      return grant(address, exchange, network: index, client: client)
    case .free, .offered, .taken:
      let isKnown = networks[index].pool.address(of: client) != nil
      guard isSelecting || isKnown || configuration.isAuthoritative else { return [] }
      return refuse(exchange, address, "\(address) is not this client's")
    }
  }

  private func isOwn(_ address: IPv4Address, _ exchange: Exchange) -> Bool {
    address == exchange.identifier
      || interfaces.values.contains { $0.ipv4.contains { $0.address == address } }
  }

  /// DHCPACK: written down, then sent.
  private mutating func grant(
    _ address: IPv4Address, _ exchange: Exchange, network index: Int, client: [UInt8]
  ) -> [DHCPAction] {
    let message = exchange.message
    let now = exchange.now
    let old = networks[index].pool.entries[address.value]
    let isRenewal = old?.client == client && old?.state == .leased && (old?.deadline ?? 0) > now.monotonic
    let seconds = leaseSeconds(message, networks[index].subnet)
    let lease = Lease(
      address: .v4(address), client: client, hardwareAddress: message.mac, hostName: Self.hostName(message),
      granted: isRenewal ? old?.granted ?? now.wall : now.wall,
      expires: now.wall.addingReportingOverflow(Int64(seconds)).partialValue)
    var actions: [DHCPAction] = []
    // A client that moves leaves its old address, in the store as in the pool.
    if let other = networks[index].pool.leasedAddress(of: client), other != address.value {
      actions.append(.persist(.remove(.v4(IPv4Address(value: other)))))
    }
    networks[index].pool.set(
      address.value,
      .init(
        client: client, hardware: message.mac?.value, state: .leased,
        deadline: now.monotonic &+ UInt64(seconds) * 1_000_000_000, granted: lease.granted),
      now: now.monotonic)
    actions.append(.persist(.put(lease)))
    var reply = reply(.ack, to: exchange)
    reply.clientAddress = message.clientAddress
    reply.yourAddress = address
    addNetwork(networks[index].subnet, leaseSeconds: seconds, to: &reply)
    Self.add(boot(.request, exchange, actions: &actions), exchange, to: &reply)
    actions.append(.send(deliver(reply, exchange)))
    actions.append(.event(.leased(lease, isRenewal: isRenewal)))
    return actions
  }

  /// DHCPNAK.
  private func refuse(_ exchange: Exchange, _ address: IPv4Address, _ reason: String) -> [DHCPAction] {
    var reply = reply(.nak, to: exchange)
    reply.options.set(DHCPv4Option.message, reason)
    return [
      .send(deliver(reply, exchange)),
      .event(.refusedAddress(address, hardwareAddress: exchange.message.mac, reason: reason)),
    ]
  }

  /// DHCPDECLINE: somebody else uses that address.
  private mutating func decline(_ exchange: Exchange) -> [DHCPAction] {
    let message = exchange.message
    guard let chosen = message.options.address(DHCPv4Option.serverIdentifier), isOwn(chosen, exchange),
      let address = message.options.address(DHCPv4Option.requestedAddress),
      let index = network(of: exchange, with: address),
      let entry = networks[index].pool.entries[address.value], entry.client == Self.clientKey(message),
      entry.state == .leased || entry.state == .offered
    else { return [] }
    let now = exchange.now
    let seconds = configuration.declineSeconds
    networks[index].pool.set(
      address.value,
      .init(
        client: [], hardware: nil, state: .declined,
        deadline: now.monotonic &+ UInt64(seconds) * 1_000_000_000, granted: now.wall), now: now.monotonic)
    let lease = Lease(
      address: .v4(address), client: [], state: .declined, granted: now.wall,
      expires: now.wall.addingReportingOverflow(Int64(seconds)).partialValue)
    return [.persist(.put(lease)), .event(.declined(.v4(address), hardwareAddress: message.mac))]
  }

  /// DHCPRELEASE: the client is done with its address.
  private mutating func release(_ exchange: Exchange) -> [DHCPAction] {
    let message = exchange.message
    let address = message.clientAddress
    guard address != .any, exchange.datagram.source.address == .v4(address) || message.relayAddress != .any,
      let index = network(containing: address),
      let entry = networks[index].pool.entries[address.value], entry.client == Self.clientKey(message),
      entry.state == .leased
    else { return [] }
    networks[index].pool.release(address.value, now: exchange.now.monotonic)
    let lease = Lease(
      address: .v4(address), client: entry.client, hardwareAddress: message.mac, granted: entry.granted,
      expires: exchange.now.wall)
    return [.persist(.remove(.v4(address))), .event(.released(lease))]
  }

  /// DHCPINFORM: the client has an address of its own, and wants the rest.
  private mutating func inform(_ exchange: Exchange) -> [DHCPAction] {
    guard exchange.message.clientAddress.isUnicast,
      let index = network(of: exchange, with: exchange.message.clientAddress),
      networks[index].subnet.network.contains(exchange.message.clientAddress)
    else { return [] }
    var actions: [DHCPAction] = []
    var reply = reply(.ack, to: exchange)
    reply.clientAddress = exchange.message.clientAddress
    addNetwork(networks[index].subnet, leaseSeconds: nil, to: &reply)
    Self.add(boot(.request, exchange, actions: &actions), exchange, to: &reply)
    actions.append(.send(deliver(reply, exchange)))
    return actions
  }

  /// What the client asks for, within what it may have; at least a minute.
  private func leaseSeconds(_ message: DHCPv4Message, _ subnet: DHCPv4Subnet) -> UInt32 {
    guard let wanted = message.options.number(DHCPv4Option.leaseTime) else { return subnet.leaseSeconds }
    return max(
      min(wanted, max(subnet.leaseSeconds, subnet.maximumLeaseSeconds)), min(60, subnet.leaseSeconds))
  }

  private func addNetwork(_ subnet: DHCPv4Subnet, leaseSeconds: UInt32?, to reply: inout DHCPv4Message) {
    if let leaseSeconds {
      reply.options.set(DHCPv4Option.leaseTime, leaseSeconds)
      if leaseSeconds != .max {
        reply.options.set(DHCPv4Option.renewalTime, leaseSeconds / 2)
        reply.options.set(DHCPv4Option.rebindingTime, leaseSeconds - leaseSeconds / 8)
      }
    }
    reply.options.set(DHCPv4Option.subnetMask, [subnet.network.mask])
    reply.options.set(DHCPv4Option.router, subnet.routers)
    reply.options.set(DHCPv4Option.nameServer, subnet.nameServers)
    reply.options.set(DHCPv4Option.domainName, subnet.domain)
    reply.options.set(DHCPv4Option.broadcast, [subnet.network.broadcast])
    reply.options.set(DHCPv4Option.timeServer, subnet.timeServers)
  }

  /// What a client that netboots is to be told.
  private func boot(_ stage: NetbootRequest.Stage, _ exchange: Exchange, actions: inout [DHCPAction]) -> (
    request: NetbootRequest, answer: BootAnswer
  )? {
    exchange.request(stage).map { ($0, decide($0, isProxy: false, actions: &actions)) }
  }

  private static func add(
    _ boot: (request: NetbootRequest, answer: BootAnswer)?, _ exchange: Exchange,
    to reply: inout DHCPv4Message
  ) {
    guard let (request, answer) = boot else { return }
    Self.add(answer, for: request, server: exchange.server, to: &reply)
    if request.client == .ipxe {
      // iPXE's sub-option 176: there is no ProxyDHCP server to wait for.
      reply.options[DHCPv4Option.etherboot] = [0xb0, 1, 1]
    }
  }
}
