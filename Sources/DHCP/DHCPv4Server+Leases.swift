package import NetworkTypes

/// The lease table on its way from and to the store.
extension DHCPv4Server {
  /// The hardware type and address, or option 61 (RFC 2131, section 4.2).
  static func clientKey(_ message: DHCPv4Message) -> [UInt8] {
    if let identifier = message.options[DHCPv4Option.clientIdentifier], (2...255).contains(identifier.count) {
      return identifier
    }
    return [message.hardwareType] + message.hardwareAddress
  }

  /// Takes the store's leases, the newest last: of two of one client it is the one that counts. Monotonic deadlines come
  /// from what the wall clock says is left, and never from more than the lease has had from its beginning to its end: a
  /// wall clock that was set back does not make leases eternal.
  mutating func restore(_ leases: [Lease], now: Moment) {
    let sorted = leases.sorted { ($0.granted, $0.expires) < ($1.granted, $1.expires) }
    for lease in sorted {
      guard case .v4(let address) = lease.address else { continue }
      let isOver = lease.expires <= now.wall
      let whole = lease.expires.subtractingReportingOverflow(lease.granted)
      let longest = whole.overflow ? .max : max(whole.partialValue, 0)
      let left =
        isOver ? 0 : min(lease.expires.subtractingReportingOverflow(now.wall).partialValue, longest)
      insert(
        .init(
          client: lease.client, hardware: lease.hardwareAddress?.value,
          state: lease.state == .declined ? .declined : isOver ? .released : .leased,
          deadline: now.monotonic &+ UInt64(min(max(0, left), 1 << 33)) * 1_000_000_000,
          granted: lease.granted),
        at: address, now: now)
    }
    for index in networks.indices {
      let last = sorted.last { lease in
        if case .v4(let address) = lease.address {
          networks[index].subnet.network.contains(address)
        } else {
          false
        }
      }
      if case .v4(let address)? = last?.address { networks[index].pool.begin(awayFrom: address.value) }
    }
  }

  /// Every lease that has not ended, in the order of addresses.
  package func currentLeases(now: Moment) -> [Lease] {
    networks.flatMap { network in
      network.pool.entries.compactMap { address, entry -> Lease? in
        guard entry.deadline > now.monotonic, entry.state == .leased || entry.state == .declined else {
          return nil
        }
        return Lease(
          address: .v4(IPv4Address(value: address)), client: entry.client,
          hardwareAddress: entry.hardware.map { MACAddress(value: $0) },
          state: entry.state == .leased ? .active : .declined, granted: entry.granted,
          expires: now.wall &+ Int64((entry.deadline - now.monotonic) / 1_000_000_000))
      }
    }.sorted { $0.address < $1.address }
  }

  /// Option 12 if it is a host name (RFC 1123: letters, digits, hyphens, dots; at most 253 bytes), else nothing.
  static func hostName(_ message: DHCPv4Message) -> String {
    guard let bytes = message.options[DHCPv4Option.hostName] else { return "" }
    let name = bytes.prefix { $0 != 0 }
    let isName = name.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
        true
      default: false
      }
    }
    return isName && name.count <= 253 ? String(decoding: name, as: UTF8.self) : ""
  }
}
