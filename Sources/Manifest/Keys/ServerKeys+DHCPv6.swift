internal import NetworkTypes

extension ServerKeys {
  static let ipv6Subnets = Key(
    "ipv6Subnets", .list(of: ipv6Subnet),
    "The links whose IPv6 addresses are handed out, with mode: server and ipv6: true.",
    example: #"[{network: "2001:db8::/64", pool: "2001:db8::1000-2001:db8::1fff"}]"#)

  static let ipv6Network = Key(
    "network", .text(.ipv6Network),
    "The link's network. Its routers announce it, with the flag that says that addresses come from DHCP.",
    example: #""2001:db8::/64""#, required: true)
  static let ipv6Pool = Key(
    "pool", ipv6PoolType, "The addresses to hand out, 65536 at most.",
    example: #""2001:db8::1000-2001:db8::1fff""#, required: true)
  static let ipv6NameServers = Key(
    "nameServers", .values(of: ValueType<String>.text(.ipv6Address).map { text, _, _ in IPv6Address(text) }),
    "The name servers.", example: #"["2001:db8::53"]"#)

  private static let ipv6PoolType = ValueType<String>.text(.ipv6Range).map {
    text, location, context -> ClosedRange<IPv6Address>? in
    let ends = text.split(separator: "-").compactMap { IPv6Address(String($0)) }
    guard ends.count == 2, ends[0].high == ends[1].high, ends[0].low <= ends[1].low,
      ends[1].low - ends[0].low < 65536
    else {
      context.report(
        .badValue, at: location,
        "the range \(text) ends before it begins, leaves its first 64 bits, or has more than 65536 addresses",
        suggestion: "write a range such as 2001:db8::1000-2001:db8::1fff")
      return nil
    }
    return ends[0]...ends[1]
  }

  static let ipv6Subnet = ValueType<DHCPv6SubnetSettings>.object(
    "IPv6Subnet", "A link whose IPv6 addresses are handed out.",
    keys: [ipv6Network, ipv6Pool, ipv6NameServers, leaseTime]
  ) { fields, context in
    guard let network = fields[ipv6Network], let pool = fields[ipv6Pool] else { return nil }
    let parts = network.split(separator: "/").map(String.init)
    guard parts.count == 2, let prefix = IPv6Address(parts[0]), let length = Int(parts[1]) else { return nil }
    guard prefix.shares(prefixLength: length, with: pool.lowerBound) else {
      context.report(
        .badValue, at: fields.location, "the range is not inside \(network)",
        suggestion: "use addresses of the network")
      return nil
    }
    return DHCPv6SubnetSettings(
      prefix: prefix, prefixLength: length, pool: pool, nameServers: fields[ipv6NameServers] ?? [],
      leaseTime: fields[leaseTime] ?? 3600)
  }

  /// Takes the links in, and reports what does not fit together.
  static func readIPv6Subnets(_ fields: Fields, _ dhcp: inout DHCPSettings, _ context: inout DecodingContext)
  {
    let subnets = fields[ipv6Subnets] ?? []
    dhcp.ipv6Subnets = subnets.map(\.value)
    guard let first = subnets.first else { return }
    if dhcp.mode != .server || !dhcp.isIPv6Enabled {
      context.report(
        .conflict, at: first.location, "ipv6Subnets need mode: server and ipv6: true",
        suggestion: "add both, or leave the site's own DHCPv6 server to give addresses")
    }
    for (index, subnet) in subnets.enumerated() {
      if let other = subnets.prefix(index).first(where: { $0.value.overlaps(subnet.value) }) {
        context.report(
          .conflict, at: subnet.location,
          "\(subnet.value.network) overlaps \(other.value.network), at \(other.location)",
          suggestion: "an address belongs to one link")
      }
    }
  }
}
