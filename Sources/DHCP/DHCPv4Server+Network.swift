internal import NetworkTypes

/// Who may have which address of one network.
extension DHCPv4Server.Network {
  /// What can be said of a client's wish to have or keep an address.
  enum Verdict {
    /// It is of another network.
    case foreign
    /// It is offered to the client, leased to it, or reserved for it.
    case theirs
    /// Nobody has it, and the client was not offered it.
    case free
    /// Nobody has it yet, and somebody else was offered it last.
    case offered
    /// It is somebody else's, or nobody's to have.
    case taken
  }

  func verdict(on address: IPv4Address, for client: [UInt8], _ mac: MACAddress?, now: Moment) -> Verdict {
    guard subnet.network.contains(address) else { return .foreign }
    guard isGivable(address.value, to: mac) else { return .taken }
    if reservation(for: mac) == address.value, allows(address.value, mac, now) { return .theirs }
    let entry = pool.entries[address.value]
    guard pool.isFree(address.value, for: client, now: now.monotonic) else {
      return entry?.state == .offered && pool.contains(address.value) ? .offered : .taken
    }
    return entry?.client == client && entry?.state != .declined ? .theirs : .free
  }

  /// The address that is a client's already: its reservation, or the one that it has or had.
  func own(of client: [UInt8], _ mac: MACAddress?, now: Moment) -> UInt32? {
    if let reserved = reservation(for: mac), allows(reserved, mac, now) { return reserved }
    let known = [pool.leasedAddress(of: client), pool.address(of: client)].compactMap(\.self)
    return known.first { isGivable($0, to: mac) && pool.isFree($0, for: client, now: now.monotonic) }
  }

  /// An address for a client that has none: the one that it asks for, or any.
  mutating func choose(_ message: DHCPv4Message, _ client: [UInt8], now: Moment) -> UInt32? {
    if let wanted = message.options.address(DHCPv4Option.requestedAddress)?.value, pool.contains(wanted),
      pool.isFree(wanted, for: client, now: now.monotonic)
    {
      return wanted
    }
    return pool.take(now: now.monotonic)
  }

  /// The address that belongs to a hardware address.
  func reservation(for mac: MACAddress?) -> UInt32? {
    mac.flatMap { reservations[$0]?.value }
  }

  /// Whether a reserved address is free, or in the hands of the same hardware under another client identifier.
  private func allows(_ address: UInt32, _ mac: MACAddress?, _ now: Moment) -> Bool {
    guard let entry = pool.entries[address], entry.deadline > now.monotonic else { return true }
    switch entry.state {
    case .declined: return false
    case .released: return true
    case .offered, .leased: return entry.hardware == mac?.value
    }
  }

  /// Whether that hardware may have that address at all: it is in a pool, or reserved for it.
  private func isGivable(_ address: UInt32, to mac: MACAddress?) -> Bool {
    pool.contains(address) || reservation(for: mac) == address
  }
}
