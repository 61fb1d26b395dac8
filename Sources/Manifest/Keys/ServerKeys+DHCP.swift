internal import NetworkTypes

extension ServerKeys {
  static let mode = Key(
    "mode", .enumeration(DHCPSettings.Mode.allCases),
    "proxy: boot options beside the site's own DHCP server; server: addresses too; off.", example: "server",
    fallback: "proxy")
  static let interfaces = Key(
    "interfaces", .values(of: .text(.interfaceName)),
    "The interfaces to answer on; all if it is missing.", example: "[eth1]")
  static let relays = Key(
    "relays", .values(of: FleetKeys.network),
    "Where the relay agents are that are believed. If it is missing, with mode: server those that are inside of a subnet or name one as their client's link (option 82, link selection), with mode: proxy all.",
    example: "[10.255.0.0/24, 10.1.2.3/32]")
  static let authoritative = Key(
    "authoritative", .boolean,
    "With mode: server, whether a device that this server does not know may keep its address if that is free, and else is told to get another; false leaves it to the server that it has it from. True if it is missing.",
    example: "false")
  static let subnets = Key(
    "subnets", .list(of: subnet), "The networks whose addresses are handed out, with mode: server.",
    example: "[{network: 192.0.2.0/24, pools: [192.0.2.100-192.0.2.199]}]")
  static let ipv6 = Key(
    "ipv6", .boolean,
    "Whether DHCPv6 requests for boot options are answered, beside the site's own DHCPv6 server unless ipv6Subnets are there; false if it is missing; http.listen then needs an IPv6 address.",
    example: "true")

  static let dhcpSettings = ValueType<DHCPSettings>.object(
    "DHCP", "DHCP for devices that boot.",
    keys: [mode, interfaces, relays, authoritative, subnets, ipv6, ipv6Subnets]
  ) { fields, context in
    var dhcp = DHCPSettings()
    if let mode = fields[mode] { dhcp.mode = mode }
    dhcp.interfaces = fields[interfaces] ?? []
    dhcp.relays = fields[relays] ?? []
    if let authoritative = fields[authoritative] { dhcp.isAuthoritative = authoritative }
    let subnets = fields[subnets] ?? []
    dhcp.subnets = subnets.map(\.value)
    dhcp.isIPv6Enabled = fields[ipv6] ?? false
    readIPv6Subnets(fields, &dhcp, &context)
    if dhcp.mode == .server, subnets.isEmpty {
      context.report(
        .missingKey, at: fields.location, "mode: server needs subnets",
        suggestion: "add subnets: [{network: 192.0.2.0/24, pools: [192.0.2.100-192.0.2.199]}]")
    }
    for (index, subnet) in subnets.enumerated() {
      if let other = subnets.prefix(index).first(where: { $0.network.overlaps(subnet.network) }) {
        context.report(
          .conflict, at: subnet.location, "\(subnet.network) overlaps \(other.network), at \(other.location)",
          suggestion: "an address belongs to one subnet")
      }
    }
    return dhcp
  }

  // subnets
  static let subnetNetwork = Key(
    "network", FleetKeys.network, "The network.", example: "192.0.2.0/24", required: true)
  static let pools = Key(
    "pools", .list(of: pool), "Ranges of addresses to hand out.", example: "[192.0.2.100-192.0.2.199]")
  static let router = Key("router", address, "The default router.", example: "192.0.2.1")
  static let nameServers = Key(
    "nameServers", .values(of: address), "The name servers.", example: "[192.0.2.53]")
  static let domain = Key("domain", .text(.domainName), "The domain name.", example: "example.net")
  static let leaseTime = Key(
    "leaseTime", .duration, "How long an address is lent.", example: "2h", fallback: "1h")
  static let maximumLeaseTime = Key(
    "maximumLeaseTime", .duration,
    "How long an address is lent to a device that asks for that long; leaseTime if it is missing.",
    example: "1d")
  static let timeServers = Key(
    "timeServers", .values(of: address), "The NTP servers.", example: "[192.0.2.123]")
  static let reservations = Key(
    "reservations", .list(of: reservation), "Addresses that a device always gets.",
    example: #"[{mac: "52:54:00:12:34:56", address: 192.0.2.10}]"#)

  static let address = ValueType<String>.text(.ipv4Address).map { text, _, _ in IPv4Address(text) }
  static let pool = ValueType<String>.text(.ipv4Range).map { text, location, context in
    let ends = text.split(separator: "-").compactMap { IPv4Address(String($0)) }
    let isRange = ends.count == 2 && ends[0] <= ends[1]
    if !isRange {
      context.report(
        .badValue, at: location, "the range \(text) ends before it begins",
        suggestion: "swap the two addresses")
    }
    return isRange ? ends[0]...ends[1] : nil
  }

  static let subnet = ValueType<DHCPSubnet>.object(
    "Subnet", "A network whose addresses are handed out.",
    keys: [
      subnetNetwork, pools, router, nameServers, timeServers, domain, leaseTime, maximumLeaseTime,
      reservations,
    ]
  ) { fields, context in
    guard let network = fields[subnetNetwork] else { return nil }
    for pool in fields[pools] ?? []
    where !network.contains(pool.value.lowerBound) || !network.contains(pool.value.upperBound) {
      context.report(
        .badValue, at: pool.location, "the range is not inside \(network)",
        suggestion: "use addresses of the network")
    }
    for reservation in fields[reservations] ?? [] where !network.contains(reservation.address) {
      context.report(
        .badValue, at: reservation.location, "\(reservation.address) is not inside \(network)",
        suggestion: "use an address of the network")
    }
    checkReservations(fields[reservations] ?? [], router: fields[router], &context)
    let leaseTime = fields[leaseTime] ?? 3600
    return DHCPSubnet(
      network: network, pools: (fields[pools] ?? []).map(\.value), router: fields[router],
      nameServers: fields[nameServers] ?? [], timeServers: fields[timeServers] ?? [], domain: fields[domain],
      leaseTime: leaseTime, maximumLeaseTime: max(leaseTime, fields[maximumLeaseTime] ?? leaseTime),
      reservations: (fields[reservations] ?? []).map(\.value))
  }

  /// Reports what two would have to share.
  private static func checkReservations(
    _ reservations: [Located<DHCPReservation>], router: IPv4Address?, _ context: inout DecodingContext
  ) {
    for (index, reservation) in reservations.enumerated() {
      if reservation.address == router {
        context.report(
          .conflict, at: reservation.location, "\(reservation.address) is the router's",
          suggestion: "reserve another address")
      }
      for other in reservations.prefix(index) {
        if other.mac == reservation.mac {
          context.report(
            .conflict, at: reservation.location,
            "\(reservation.mac) has a reservation already, at \(other.location)",
            suggestion: "a device has one address in a subnet")
        } else if other.address == reservation.address {
          context.report(
            .conflict, at: reservation.location,
            "\(reservation.address) is reserved already, at \(other.location)",
            suggestion: "an address belongs to one device")
        }
      }
    }
  }

  static let reservedMAC = Key(
    "mac", FleetKeys.mac, "The device's MAC address.", example: #""52:54:00:12:34:56""#, required: true)
  static let reservedAddress = Key(
    "address", address, "Its address.", example: "192.0.2.10", required: true)

  static let reservation = ValueType<DHCPReservation>.object(
    "Reservation", "An address that one device always gets.", keys: [reservedMAC, reservedAddress]
  ) { fields, _ in
    guard let mac = fields[reservedMAC], let address = fields[reservedAddress] else { return nil }
    return DHCPReservation(mac: mac, address: address)
  }
}
