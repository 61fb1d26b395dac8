internal import NetworkTypes

extension DHCPv4Server {
  /// A reply with what every reply has (RFC 2131, table 3).
  func reply(_ kind: DHCPv4Message.Kind, to exchange: Exchange) -> DHCPv4Message {
    let message = exchange.message
    var reply = DHCPv4Message(
      isReply: true, kind: kind, hardwareType: message.hardwareType, hardwareAddress: message.hardwareAddress,
      transaction: message.transaction, flags: message.flags, relayAddress: message.relayAddress)
    reply.options.set(DHCPv4Option.serverIdentifier, [exchange.identifier])
    // RFC 4578, section 2.3: firmware drops replies without its own identifier.
    if let identifier = message.options[DHCPv4Option.machineIdentifier], identifier.count == 17 {
      reply.options[DHCPv4Option.machineIdentifier] = identifier
    }
    // RFC 6842.
    if let identifier = message.options[DHCPv4Option.clientIdentifier] {
      reply.options[DHCPv4Option.clientIdentifier] = identifier
    }
    // RFC 3046, section 2.2: whole, in every reply. A switch that puts it in without an address of its own needs it back
    // too.
    if let option = message.options[DHCPv4Option.relayAgent] {
      reply.options[DHCPv4Option.relayAgent] = option
    }
    return reply
  }

  /// Where a reply goes (RFC 2131, section 4.1).
  func deliver(_ reply: DHCPv4Message, _ exchange: Exchange) -> OutgoingDatagram {
    var reply = reply
    let message = exchange.message
    let destination: OutgoingDatagram.Destination
    var interface = exchange.interface.index
    if message.relayAddress != .any {
      // The relay agent broadcasts a refusal, since the client may not have the address that it thinks it has.
      if reply.kind == .nak { reply.flags |= DHCPv4Message.broadcastFlag }
      destination = .endpoint(Endpoint(message.relayAddress, port: Self.serverPort))
      // By the kernel's routes: the relay agent may be reached another way than the one its packet came.
      interface = 0
    } else if reply.kind == .nak {
      destination = .endpoint(Endpoint(IPv4Address.broadcast, port: Self.clientPort))
    } else if message.clientAddress != .any, message.kind != .discover,
      isNear(message.clientAddress, exchange)
    {
      destination = .endpoint(Endpoint(message.clientAddress, port: Self.clientPort))
      if case .v4(let source) = exchange.datagram.source.address, source != message.clientAddress {
        interface = 0
      }
    } else if message.flags & DHCPv4Message.broadcastFlag == 0, reply.yourAddress != .any,
      let mac = message.mac
    {
      destination = .station(mac, Endpoint(reply.yourAddress, port: Self.clientPort))
    } else {
      destination = .endpoint(Endpoint(IPv4Address.broadcast, port: Self.clientPort))
    }
    return OutgoingDatagram(
      payload: reply.encoded(limit: message.acceptedSize), destination: destination, port: Self.serverPort,
      source: .v4(exchange.server), interface: interface)
  }
  /// Whether the address that a client says it has may be written to: it came from there, or it is of the client's link.
  /// Else anybody could have packets sent to anybody.
  private func isNear(_ address: IPv4Address, _ exchange: Exchange) -> Bool {
    if exchange.datagram.source.address == .v4(address) { return true }
    if network(containing: address) != nil { return true }
    return exchange.interface.ipv4.contains { own in
      IPv4Network(containing: own.address, prefixLength: own.prefixLength)?.contains(address) == true
    }
  }
}
