/// An IPv6 address, without a scope.
package struct IPv6Address: Hashable, Sendable {
  /// The first 8 bytes: prefix and subnet.
  package let high: UInt64
  /// The last 8 bytes: the interface identifier.
  package let low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Takes exactly 16 bytes; `nil` for any other length.
  package init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == 16 else { return nil }
    high = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    low = bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// `::`, no address.
  package static let any = IPv6Address(high: 0, low: 0)
  /// ff02::1:2, every DHCPv6 server and relay agent on the link (RFC 8415, section 7.1).
  package static let allDHCPAgents = IPv6Address(high: 0xff02_0000_0000_0000, low: 0x0001_0002)

  /// The 16 bytes, in the order of the wire.
  package var bytes: [UInt8] {
    [high, low].flatMap { half in
      stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: half >> UInt64($0)) }
    }
  }

  /// fe80::/10.
  package var isLinkLocal: Bool { high >> 54 == 0x3fa }
  /// ff00::/8.
  package var isMulticast: Bool { high >> 56 == 0xff }
  /// Whether it can be a host's beyond its link: not `::`, `::1`, link-local or multicast.
  package var isRoutable: Bool {
    !isLinkLocal && !isMulticast && !(high == 0 && low <= 1)
  }

  /// Whether the first `prefixLength` bits (clamped to 0 to 128) are the same.
  package func shares(prefixLength: Int, with other: IPv6Address) -> Bool {
    let highBits = min(max(prefixLength, 0), 64)
    let lowBits = min(max(prefixLength - 64, 0), 64)
    let highMask: UInt64 = highBits == 0 ? 0 : .max << UInt64(64 - highBits)
    let lowMask: UInt64 = lowBits == 0 ? 0 : .max << UInt64(64 - lowBits)
    return (high ^ other.high) & highMask == 0 && (low ^ other.low) & lowMask == 0
  }

  /// The eight 16-bit groups.
  private var groups: [UInt16] {
    [high, low].flatMap { half in
      stride(from: 48, through: 0, by: -16).map { UInt16(truncatingIfNeeded: half >> UInt64($0)) }
    }
  }
}

extension IPv6Address: LosslessStringConvertible {
  /// Parses the text forms of RFC 4291, section 2.2; no scope, no brackets.
  package init?(_ description: String) {
    guard description.utf8.count <= 45 else { return nil }
    var head: [UInt16] = []
    var tail: [UInt16] = []
    var sawGap = false
    var parts = description.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)[...]
    guard parts.count >= 3 else { return nil }
    // A leading or trailing `::` leaves two empty parts on its side.
    if parts.first?.isEmpty == true {
      parts = parts.dropFirst()
      guard parts.first?.isEmpty == true else { return nil }
    }
    if parts.last?.isEmpty == true {
      parts = parts.dropLast()
      guard parts.last?.isEmpty == true else { return nil }
    }
    let count = parts.count
    for (index, part) in parts.enumerated() {
      if part.isEmpty {
        guard !sawGap else { return nil }
        sawGap = true
        continue
      }
      var numbers: [UInt16] = []
      if index == count - 1, part.contains(UInt8(ascii: ".")) {
        guard let address = IPv4Address(String(Substring(part))) else { return nil }
        numbers = [UInt16(address.value >> 16), UInt16(address.value & 0xffff)]
      } else {
        guard part.count <= 4 else { return nil }
        var value: UInt16 = 0
        for digit in part {
          guard let number = hexadecimalValue(digit) else { return nil }
          value = value << 4 | UInt16(number)
        }
        numbers = [value]
      }
      if sawGap { tail += numbers } else { head += numbers }
    }
    let missing = 8 - head.count - tail.count
    guard sawGap ? missing >= 1 : missing == 0 else { return nil }
    let groups = head + [UInt16](repeating: 0, count: missing) + tail
    self.init(
      high: groups[..<4].reduce(0) { $0 << 16 | UInt64($1) },
      low: groups[4...].reduce(0) { $0 << 16 | UInt64($1) })
  }

  /// The canonical form of RFC 5952.
  package var description: String {
    let groups = groups
    var gap = 0..<0
    var index = 0
    while index < 8 {
      var end = index
      while end < 8, groups[end] == 0 { end += 1 }
      if end - index > max(gap.count, 1) { gap = index..<end }
      index = max(end, index + 1)
    }
    func text(_ part: ArraySlice<UInt16>) -> String {
      part.map { String($0, radix: 16) }.joined(separator: ":")
    }
    if gap.isEmpty { return text(groups[...]) }
    return text(groups[..<gap.lowerBound]) + "::" + text(groups[gap.upperBound...])
  }
}

extension IPv6Address: Comparable {
  package static func < (left: IPv6Address, right: IPv6Address) -> Bool {
    (left.high, left.low) < (right.high, right.low)
  }
}
