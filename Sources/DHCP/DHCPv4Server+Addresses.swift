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

  /// The network that a client is in: by the relay agent's word, by the address that the client has, or by the
  /// interface.
  private func network(of exchange: Exchange) -> Int? {
    let message = exchange.message
    func containing(_ address: IPv4Address) -> Int? {
      networks.firstIndex { $0.subnet.network.contains(address) }
    }
    if message.relayAddress != .any {
      // RFC 3527: the relay agent may name a link other than that of its own address.
      if let option = message.options[DHCPv4Option.relayAgent],
        let link = PXEOptions.value(5, in: option).flatMap({ IPv4Address($0) })
      {
        return containing(link)
      }
      return containing(message.relayAddress)
    }
    if message.clientAddress != .any, case .v4(let source) = exchange.datagram.source.address,
      source == message.clientAddress, let index = containing(source)
    {
      return index
    }
    for own in exchange.interface.ipv4 {
      if let index = containing(own.address) { return index }
    }
    return nil
  }

  /// DHCPDISCOVER: an address is held for the client and offered.
  private mutating func offer(_ exchange: Exchange) -> [DHCPAction] {
    let message = exchange.message
    guard let index = network(of: exchange) else {
      let place =
        message.relayAddress == .any ? exchange.interface.name : "relay agent \(message.relayAddress)"
      return dropped(exchange.datagram, "no subnet is configured for \(place)", now: exchange.now)
    }
    let client = Self.clientKey(message)
    guard let address = networks[index].choose(for: client, message, now: exchange.now) else {
      return [
        .event(
          .exhausted(network: networks[index].subnet.network.description, hardwareAddress: message.mac))
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
    var actions: [DHCPAction] = []
    var reply = reply(.offer, to: exchange)
    reply.yourAddress = IPv4Address(value: address)
    addNetwork(
      networks[index].subnet, leaseSeconds: leaseSeconds(message, networks[index].subnet), to: &reply)
    addBoot(.discover, exchange, to: &reply, actions: &actions)
    actions.append(.send(deliver(reply, exchange)))
    return actions
  }

  /// DHCPREQUEST, which is one of three (RFC 2131, section 4.3.2).
  private mutating func answerRequest(_ exchange: Exchange) -> [DHCPAction] {
    let message = exchange.message
    let client = Self.clientKey(message)
    let chosen = message.options.address(DHCPv4Option.serverIdentifier)
    let wanted = message.options.address(DHCPv4Option.requestedAddress)
    if let chosen, !isOwn(chosen) {
      // The client has taken another server's offer: ours is free again.
      if let index = network(of: exchange), let address = networks[index].pool.address(of: client),
        networks[index].pool.entries[address]?.state == .offered
      {
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
    guard let index = network(of: exchange) else { return [] }
    switch networks[index].verdict(on: address, for: client, message.mac, now: exchange.now) {
    case .foreign:
      // Whoever gave it that address, it is of no use on this link.
      let network = networks[index].subnet.network
      return refuse(exchange, address, "\(address) is not of this link's network \(network)")
    case .theirs:
      return grant(address, exchange, network: index, client: client)
    case .free where configuration.isAuthoritative:
      return grant(address, exchange, network: index, client: client)
    case .free, .taken:
      let isKnown = networks[index].pool.address(of: client) != nil
      guard isSelecting || isKnown || configuration.isAuthoritative else { return [] }
      return refuse(exchange, address, "\(address) is not this client's")
    }
  }

  private func isOwn(_ address: IPv4Address) -> Bool {
    interfaces.values.contains { $0.ipv4.contains { $0.address == address } }
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
    if let other = networks[index].pool.address(of: client), other != address.value,
      networks[index].pool.entries[other]?.state == .leased
    {
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
    addBoot(.request, exchange, to: &reply, actions: &actions)
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
    guard let chosen = message.options.address(DHCPv4Option.serverIdentifier), isOwn(chosen),
      let address = message.options.address(DHCPv4Option.requestedAddress), let index = network(of: exchange),
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
      let index = networks.firstIndex(where: { $0.subnet.network.contains(address) }),
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
    guard exchange.message.clientAddress.isUnicast, let index = network(of: exchange),
      networks[index].subnet.network.contains(exchange.message.clientAddress)
    else { return [] }
    var actions: [DHCPAction] = []
    var reply = reply(.ack, to: exchange)
    reply.clientAddress = exchange.message.clientAddress
    addNetwork(networks[index].subnet, leaseSeconds: nil, to: &reply)
    addBoot(.request, exchange, to: &reply, actions: &actions)
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

  private func addBoot(
    _ stage: NetbootRequest.Stage, _ exchange: Exchange, to reply: inout DHCPv4Message,
    actions: inout [DHCPAction]
  ) {
    guard let request = exchange.request(stage) else { return }
    let answer = decide(request, isProxy: false, actions: &actions)
    Self.add(answer, for: request, server: exchange.server, to: &reply)
    if request.client == .ipxe {
      // iPXE's sub-option 176: there is no ProxyDHCP server to wait for.
      reply.options[DHCPv4Option.etherboot] = [0xb0, 1, 1]
    }
  }
}
