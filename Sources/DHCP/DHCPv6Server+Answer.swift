internal import NetworkTypes

extension DHCPv6Server {
  mutating func answer(_ exchange: Exchange, client: [UInt8]) -> [DHCPAction] {
    let message = exchange.message
    if exchange.datagram.port == Self.binlPort { return answerBINL(exchange, client: client) }
    switch message.kind {
    case .solicit: return advertise(exchange, client: client)
    case .request, .renew, .rebind: return assign(exchange, client: client)
    case .informationRequest: return inform(exchange, client: client)
    case .confirm: return confirm(exchange, client: client)
    case .release, .decline: return giveBack(exchange, client: client)
    case .advertise, .reply, .reconfigure: return []
    }
  }

  private func reply(_ kind: DHCPv6Message.Kind, _ exchange: Exchange, client: [UInt8]) -> DHCPv6Message {
    var reply = DHCPv6Message(kind, transaction: exchange.message.transaction)
    if !client.isEmpty { reply.options.append(DHCPv6Option.clientIdentifier, client) }
    reply.options.append(DHCPv6Option.serverIdentifier, identifier)
    return reply
  }

  /// The link that a client is on: by its relay agent's word, or by the interface.
  private func link(of exchange: Exchange) -> Int? {
    if let envelope = exchange.packet.envelopes.last(where: { $0.link != .any }) {
      return links.firstIndex { $0.contains(envelope.link) }
    }
    return links.firstIndex { link in exchange.interface.ipv6.contains { link.contains($0.address) } }
  }

  /// Decides, and puts boot information into a reply. Whether there is any; `nil` if the client is to ask again.
  private func addBoot(
    _ stage: NetbootRequest.Stage, _ exchange: Exchange, isProxy: Bool, to reply: inout DHCPv6Message,
    actions: inout [DHCPAction]
  ) -> Bool? {
    guard let request = netboot(exchange, stage) else { return false }
    actions.append(.event(.asked(request)))
    switch decider.decide(request) {
    case .wait(let reason):
      actions.append(.event(.refused(request, reason: reason)))
      return nil
    case .ignore(let reason), .localDisk(let reason):
      actions.append(.event(.refused(request, reason: reason)))
      return false
    case .boot(let file):
      let url: String
      switch (request.client, file) {
      case (.http, .tftp(let name)):
        actions.append(
          .event(.refused(request, reason: "HTTP firmware needs a URL and was told the TFTP file \(name)")))
        return false
      case (_, .tftp(let name)): url = "tftp://[\(exchange.server)]/\(name)"
      case (_, .url(let given)): url = given
      }
      // Firmware takes an offer of PXEClient's class for one that says "ask port 4011": only a proxy's is one.
      if request.client == .http {
        reply.options.append(DHCPv6Option.vendorClass, DHCPv6Field.vendorClass("HTTPClient"))
      } else if isProxy {
        reply.options.append(DHCPv6Option.vendorClass, DHCPv6Field.vendorClass("PXEClient"))
      }
      reply.options.append(DHCPv6Option.bootFileURL, Array(url.utf8))
      actions.append(.event(.answered(request, file)))
      return true
    }
  }

  private func addNetwork(_ index: Int?, to reply: inout DHCPv6Message) {
    guard let index, !links[index].subnet.nameServers.isEmpty else { return }
    reply.options.append(DHCPv6Option.nameServers, links[index].subnet.nameServers.flatMap(\.bytes))
  }

  /// Solicit: an offer, with addresses in full mode.
  private mutating func advertise(_ exchange: Exchange, client: [UInt8]) -> [DHCPAction] {
    let index = link(of: exchange)
    var actions: [DHCPAction] = []
    var reply = reply(.advertise, exchange, client: client)
    var hasAddress = false
    if let index {
      for association in associations(exchange) {
        var answer = DHCPv6Association(identifier: association.identifier)
        let key = Self.key(client, association.identifier)
        if let number = choose(key, wanted: association.addresses, link: index, now: exchange.now.monotonic) {
          hold(number, for: key, link: index, now: exchange.now.monotonic)
          grant(number, in: &answer, link: index)
          hasAddress = true
        } else {
          answer.options.append(
            DHCPv6Option.status, DHCPv6Field.status(DHCPv6Status.noAddresses, "no address is left"))
          actions.append(
            .event(
              .exhausted(
                network: "\(links[index].subnet.prefix)/\(links[index].subnet.prefixLength)",
                hardwareAddress: DHCPv6Field.mac(duid: client))))
        }
        reply.options.append(DHCPv6Option.addresses, answer.encoded)
      }
    }
    addNetwork(index, to: &reply)
    guard let hasBoot = addBoot(.discover, exchange, isProxy: !hasAddress, to: &reply, actions: &actions)
    else {
      return actions
    }
    if hasAddress || hasBoot { actions.append(deliver(reply, exchange)) }
    return actions
  }

  /// Request, Renew, Rebind: addresses are granted, written down, then told.
  private mutating func assign(_ exchange: Exchange, client: [UInt8]) -> [DHCPAction] {
    guard let index = link(of: exchange) else { return [] }
    let now = exchange.now
    let isRequest = exchange.message.kind == .request
    var actions: [DHCPAction] = []
    var events: [DHCPAction] = []
    var reply = reply(.reply, exchange, client: client)
    var isKnown = false
    for association in associations(exchange) {
      var answer = DHCPv6Association(identifier: association.identifier)
      let key = Self.key(client, association.identifier)
      let had = links[index].pool.address(of: key)
      let isHeld = had.map { links[index].pool.isFree($0, for: key, now: now.monotonic) } ?? false
      let number =
        isRequest
        ? choose(key, wanted: association.addresses, link: index, now: now.monotonic) : isHeld ? had : nil
      if let number {
        isKnown = true
        let seconds = links[index].subnet.leaseSeconds
        let old = links[index].pool.entries[number]
        let isRenewal = old?.client == key && old?.state == .leased && (old?.deadline ?? 0) > now.monotonic
        let lease = Lease(
          address: .v6(links[index].address(number)), client: key,
          hardwareAddress: hardware(exchange, client),
          granted: isRenewal ? old?.granted ?? now.wall : now.wall, expires: now.wall &+ Int64(seconds))
        links[index].pool.set(
          number,
          .init(
            client: key, hardware: lease.hardwareAddress?.value, state: .leased,
            deadline: now.monotonic &+ UInt64(seconds) * 1_000_000_000, granted: lease.granted),
          now: now.monotonic)
        actions.append(.persist(.put(lease)))
        events.append(.event(.leased(lease, isRenewal: isRenewal)))
        grant(number, in: &answer, link: index)
        // An address that the client has and should not keep ends at once (section 18.3.4).
        for other in association.addresses where other != links[index].address(number) && !isRequest {
          answer.add(other, seconds: 0)
        }
      } else if isRequest {
        answer.options.append(
          DHCPv6Option.status, DHCPv6Field.status(DHCPv6Status.noAddresses, "no address is left"))
      } else {
        answer.options.append(
          DHCPv6Option.status, DHCPv6Field.status(DHCPv6Status.noBinding, "not known here"))
      }
      reply.options.append(DHCPv6Option.addresses, answer.encoded)
    }
    // A Rebind goes to every server: one that knows nothing of it leaves it to the others.
    guard isKnown || exchange.message.kind != .rebind else { return [] }
    addNetwork(index, to: &reply)
    _ = addBoot(.request, exchange, isProxy: false, to: &reply, actions: &events)
    return actions + [deliver(reply, exchange)] + events
  }

  /// Information-request: everything but addresses.
  private mutating func inform(_ exchange: Exchange, client: [UInt8]) -> [DHCPAction] {
    var actions: [DHCPAction] = []
    var reply = reply(.reply, exchange, client: client)
    let index = link(of: exchange)
    addNetwork(index, to: &reply)
    let hasBoot = addBoot(.request, exchange, isProxy: false, to: &reply, actions: &actions) == true
    if hasBoot || index != nil { actions.append(deliver(reply, exchange)) }
    return actions
  }

  /// A Request to port 4011, of firmware that has taken our offer for a proxy's: everything but addresses, once more.
  private mutating func answerBINL(_ exchange: Exchange, client: [UInt8]) -> [DHCPAction] {
    guard exchange.message.kind == .request || exchange.message.kind == .informationRequest else { return [] }
    var actions: [DHCPAction] = []
    var reply = reply(.reply, exchange, client: client)
    if addBoot(.binl, exchange, isProxy: true, to: &reply, actions: &actions) == true {
      actions.append(deliver(reply, exchange))
    }
    return actions
  }

  /// Confirm: whether the client's addresses are of its link.
  private func confirm(_ exchange: Exchange, client: [UInt8]) -> [DHCPAction] {
    let addresses = associations(exchange).flatMap(\.addresses)
    guard !addresses.isEmpty, let index = link(of: exchange) else { return [] }
    let isRight = addresses.allSatisfy { links[index].contains($0) }
    var reply = reply(.reply, exchange, client: client)
    reply.options.append(
      DHCPv6Option.status,
      isRight
        ? DHCPv6Field.status(DHCPv6Status.success, "")
        : DHCPv6Field.status(DHCPv6Status.notOnLink, "not an address of this link"))
    return [deliver(reply, exchange)]
  }

  /// Release and Decline.
  private mutating func giveBack(_ exchange: Exchange, client: [UInt8]) -> [DHCPAction] {
    guard let index = link(of: exchange) else { return [] }
    let now = exchange.now
    var actions: [DHCPAction] = []
    var events: [DHCPAction] = []
    for association in associations(exchange) {
      let key = Self.key(client, association.identifier)
      for address in association.addresses {
        guard address.high == links[index].subnet.pool.lowerBound.high,
          let entry = links[index].pool.entries[address.low], entry.client == key, entry.state == .leased
        else { continue }
        let mac = hardware(exchange, client)
        if exchange.message.kind == .release {
          links[index].pool.release(address.low, now: now.monotonic)
          actions.append(.persist(.remove(.v6(address))))
          events.append(
            .event(
              .released(
                Lease(
                  address: .v6(address), client: key, hardwareAddress: mac, granted: entry.granted,
                  expires: now.wall))))
        } else {
          let seconds = configuration.declineSeconds
          links[index].pool.set(
            address.low,
            .init(
              client: [], hardware: nil, state: .declined,
              deadline: now.monotonic &+ UInt64(seconds) * 1_000_000_000, granted: now.wall),
            now: now.monotonic)
          actions.append(
            .persist(
              .put(
                Lease(
                  address: .v6(address), client: [], state: .declined, granted: now.wall,
                  expires: now.wall &+ Int64(seconds)))))
          events.append(.event(.declined(.v6(address), hardwareAddress: mac)))
        }
      }
    }
    var reply = reply(.reply, exchange, client: client)
    reply.options.append(DHCPv6Option.status, DHCPv6Field.status(DHCPv6Status.success, ""))
    return actions + [deliver(reply, exchange)] + events
  }

  // MARK: Addresses

  /// At most four wishes for addresses; the rest of a longer list is not answered.
  private func associations(_ exchange: Exchange) -> [DHCPv6Association] {
    exchange.message.options.all(DHCPv6Option.addresses).prefix(4)
      .compactMap { try? DHCPv6Association(decoding: $0) }
  }

  /// Who has a lease: the DUID and the IAID.
  static func key(_ client: [UInt8], _ identifier: UInt32) -> [UInt8] {
    client + IPv4Address(value: identifier).bytes
  }

  private func hardware(_ exchange: Exchange, _ client: [UInt8]) -> MACAddress? {
    DHCPv6Field.mac(duid: client)
      ?? DHCPv6Field.mac(linkLocal: exchange.packet.envelopes.last?.peer ?? exchange.source)
  }

  private mutating func choose(_ key: [UInt8], wanted: [IPv6Address], link index: Int, now: UInt64) -> UInt64?
  {
    if let had = links[index].pool.address(of: key), links[index].pool.contains(had),
      links[index].pool.isFree(had, for: key, now: now)
    {
      return had
    }
    for address in wanted
    where address.high == links[index].subnet.pool.lowerBound.high && links[index].pool.contains(address.low)
      && links[index].pool.isFree(address.low, for: key, now: now)
    {
      return address.low
    }
    return links[index].pool.take(now: now)
  }

  private mutating func hold(_ number: UInt64, for key: [UInt8], link index: Int, now: UInt64) {
    let entry = links[index].pool.entries[number]
    guard entry?.state != .leased || entry?.client != key || (entry?.deadline ?? 0) <= now else { return }
    links[index].pool.set(
      number,
      .init(
        client: key, hardware: nil, state: .offered,
        deadline: now &+ UInt64(configuration.offerSeconds) * 1_000_000_000, granted: 0), now: now)
  }

  private func grant(_ number: UInt64, in answer: inout DHCPv6Association, link index: Int) {
    let seconds = links[index].subnet.leaseSeconds
    answer.renew = seconds / 2
    answer.rebind = seconds - seconds / 5
    answer.add(links[index].address(number), seconds: seconds)
  }

  mutating func restore(_ leases: [Lease], now: Moment) {
    // The newest last: of two of one client it is the one that counts.
    for lease in leases.sorted(by: { ($0.granted, $0.expires) < ($1.granted, $1.expires) }) {
      guard case .v6(let address) = lease.address,
        let index = links.firstIndex(where: {
          $0.subnet.pool.lowerBound.high == address.high && $0.contains(address)
        })
      else { continue }
      let isDeclined = lease.state == .declined
      let whole = lease.expires.subtractingReportingOverflow(lease.granted)
      let longest = whole.overflow ? 1 << 33 : min(max(whole.partialValue, 0), 1 << 33)
      let isOver = lease.expires <= now.wall
      let left = isOver ? 0 : min(lease.expires.subtractingReportingOverflow(now.wall).partialValue, longest)
      links[index].pool.set(
        address.low,
        .init(
          client: lease.client, hardware: lease.hardwareAddress?.value,
          state: isDeclined ? .declined : isOver ? .released : .leased,
          deadline: now.monotonic &+ UInt64(max(0, left)) * 1_000_000_000, granted: lease.granted),
        now: now.monotonic)
    }
  }
}
