package import NetworkTypes

/// How the DHCP machines behave.
package struct DHCPConfiguration: Hashable, Sendable {
  /// Whether the server gives addresses.
  package enum Mode: String, Hashable, Sendable {
    /// Beside the site's own DHCP server: boot information only.
    case proxy
    /// The only DHCP server: addresses and boot information.
    case full
  }

  package var mode: Mode
  /// Names of the interfaces that are served; empty serves all.
  package var interfaces: Set<String>
  /// Where the relay agents are that are believed; empty believes those inside a subnet or that name one (full), or any
  /// (proxy).
  package var relays: [IPv4Network]
  /// The networks of full mode.
  package var subnets: [DHCPv4Subnet]
  package var subnets6: [DHCPv6Subnet]
  /// Whether a client that the server has never heard of is told that it cannot keep its address (DHCPNAK), instead of
  /// being left to the server that it has it from.
  package var isAuthoritative: Bool
  /// How long an offered address waits for the client's request.
  package var offerSeconds: UInt32
  /// How long nobody gets an address that a client found in use by somebody else.
  package var declineSeconds: UInt32

  package init(
    mode: Mode = .proxy, interfaces: Set<String> = [], relays: [IPv4Network] = [],
    subnets: [DHCPv4Subnet] = [], subnets6: [DHCPv6Subnet] = [], isAuthoritative: Bool = false,
    offerSeconds: UInt32 = 60, declineSeconds: UInt32 = 600
  ) {
    self.mode = mode
    self.interfaces = interfaces
    self.relays = relays
    self.subnets = subnets
    self.subnets6 = subnets6
    self.isAuthoritative = isAuthoritative
    self.offerSeconds = offerSeconds
    self.declineSeconds = declineSeconds
  }
}

extension DHCPConfiguration {
  /// What it says of interfaces and these do not have, a sentence each with what to do.
  package func problems(with interfaces: [NetworkInterface]) -> [String] {
    let present = Set(interfaces.map(\.name))
    var problems = self.interfaces.subtracting(present).sorted().map {
      "there is no interface \($0), which dhcp.interfaces names: the interfaces are \(present.sorted().joined(separator: ", "))"
    }
    // With relay agents, a network need not be that of an interface.
    if mode == .full, relays.isEmpty {
      let own = interfaces.filter { self.interfaces.isEmpty || self.interfaces.contains($0.name) }
        .flatMap { $0.ipv4.map(\.address) }
      problems += subnets.filter { subnet in !own.contains { subnet.network.contains($0) } }.map {
        "no interface has an address in the subnet \($0.network): only devices behind relay agents get its addresses"
      }
    }
    return problems
  }
}

/// One IPv4 network whose addresses the server gives.
package struct DHCPv4Subnet: Hashable, Sendable {
  /// An address that belongs to one client.
  package struct Reservation: Hashable, Sendable {
    package var hardwareAddress: MACAddress
    package var address: IPv4Address

    package init(_ hardwareAddress: MACAddress, _ address: IPv4Address) {
      self.hardwareAddress = hardwareAddress
      self.address = address
    }
  }

  package var network: IPv4Network
  /// Addresses to give, first to last; those outside of the network, its own and its broadcast address are skipped.
  package var pools: [ClosedRange<IPv4Address>]
  package var reservations: [Reservation]
  package var routers: [IPv4Address]
  package var nameServers: [IPv4Address]
  package var timeServers: [IPv4Address]
  package var domain: String
  package var leaseSeconds: UInt32
  /// The most that a client gets by asking for a longer one; as long as any, if `nil` is given.
  package var maximumLeaseSeconds: UInt32

  package init(
    network: IPv4Network, pools: [ClosedRange<IPv4Address>] = [], reservations: [Reservation] = [],
    routers: [IPv4Address] = [], nameServers: [IPv4Address] = [], timeServers: [IPv4Address] = [],
    domain: String = "", leaseSeconds: UInt32 = 3600, maximumLeaseSeconds: UInt32? = nil
  ) {
    self.network = network
    self.pools = pools
    self.reservations = reservations
    self.routers = routers
    self.nameServers = nameServers
    self.timeServers = timeServers
    self.domain = domain
    self.leaseSeconds = leaseSeconds
    self.maximumLeaseSeconds = maximumLeaseSeconds ?? leaseSeconds
  }

  /// The pools without what no client can have.
  var usablePools: [ClosedRange<UInt32>] {
    let isWide = network.prefixLength < 31
    let low = network.address.value + (isWide ? 1 : 0)
    let high = network.broadcast.value - (isWide ? 1 : 0)
    return pools.compactMap { pool in
      let first = max(pool.lowerBound.value, low)
      let last = min(pool.upperBound.value, high)
      return first <= last ? first...last : nil
    }
  }
}

/// One IPv6 link whose addresses the server gives.
package struct DHCPv6Subnet: Hashable, Sendable {
  package var prefix: IPv6Address
  /// From 1 to 128.
  package var prefixLength: Int
  /// Addresses to give, first to last. They share their first 64 bits; what is beyond 65536 of them is not given.
  package var pool: ClosedRange<IPv6Address>
  package var nameServers: [IPv6Address]
  package var leaseSeconds: UInt32

  package init(
    prefix: IPv6Address, prefixLength: Int = 64, pool: ClosedRange<IPv6Address>,
    nameServers: [IPv6Address] = [], leaseSeconds: UInt32 = 3600
  ) {
    self.prefix = prefix
    self.prefixLength = prefixLength
    self.pool = pool
    self.nameServers = nameServers
    self.leaseSeconds = leaseSeconds
  }
}
