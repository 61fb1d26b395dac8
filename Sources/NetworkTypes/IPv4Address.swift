/// An IPv4 address.
package struct IPv4Address: Hashable, Sendable {
  /// The address as an integer, first byte most significant.
  package let value: UInt32

  package init(value: UInt32) {
    self.value = value
  }

  /// Takes exactly 4 bytes; `nil` for any other length.
  package init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == 4 else { return nil }
    value = bytes.reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// The same for an array, which is what packets come in.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == 4 else { return nil }
    value = UInt32(bytes[0]) << 24 | UInt32(bytes[1]) << 16 | UInt32(bytes[2]) << 8 | UInt32(bytes[3])
  }

  /// 0.0.0.0: no address.
  package static let any = IPv4Address(value: 0)
  /// 255.255.255.255: every host on the link.
  package static let broadcast = IPv4Address(value: .max)

  /// The 4 bytes, in the order of the wire.
  package var bytes: [UInt8] {
    [
      UInt8(truncatingIfNeeded: value >> 24), UInt8(truncatingIfNeeded: value >> 16),
      UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value),
    ]
  }

  /// Whether it can be a host's: neither of 0/8, 127/8, 224/4 (multicast) nor 240/4.
  package var isUnicast: Bool {
    switch value >> 24 {
    case 0, 127, 224...255: false
    default: true
    }
  }
}

extension IPv4Address: LosslessStringConvertible {
  /// Parses four decimal numbers from 0 to 255 without leading zeros, with dots between.
  package init?(_ description: String) {
    var value: UInt32 = 0
    let parts = description.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    for part in parts {
      guard let byte = decimalByte(part) else { return nil }
      value = value << 8 | UInt32(byte)
    }
    self.init(value: value)
  }

  package var description: String {
    bytes.map { String($0) }.joined(separator: ".")
  }
}

extension IPv4Address: Comparable {
  package static func < (left: IPv4Address, right: IPv4Address) -> Bool { left.value < right.value }
}

/// An IPv4 network: `192.0.2.0/24`.
package struct IPv4Network: Hashable, Sendable {
  /// The network's own address; bits behind the prefix are zero.
  package let address: IPv4Address
  /// From 0 to 32.
  package let prefixLength: Int

  /// The network of that size around an address; `nil` if the length is not from 0 to 32.
  package init?(containing address: IPv4Address, prefixLength: Int) {
    guard (0...32).contains(prefixLength) else { return nil }
    self.prefixLength = prefixLength
    let mask: UInt32 = prefixLength == 0 ? 0 : .max << UInt32(32 - prefixLength)
    self.address = IPv4Address(value: address.value & mask)
  }

  /// The subnet mask.
  package var mask: IPv4Address {
    IPv4Address(value: prefixLength == 0 ? 0 : .max << UInt32(32 - prefixLength))
  }

  /// The directed broadcast address.
  package var broadcast: IPv4Address {
    IPv4Address(value: address.value | ~mask.value)
  }

  package func contains(_ other: IPv4Address) -> Bool {
    other.value & mask.value == address.value
  }
}

extension IPv4Network: LosslessStringConvertible {
  /// Parses `ADDRESS/LENGTH`; bits behind the prefix must be zero.
  package init?(_ description: String) {
    let parts = description.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let address = IPv4Address(String(parts[0])),
      let length = decimalByte(parts[1].utf8),
      let network = IPv4Network(containing: address, prefixLength: Int(length)), network.address == address
    else { return nil }
    self = network
  }

  package var description: String { "\(address)/\(prefixLength)" }
}

/// A decimal number from 0 to 255 without sign or leading zeros, or `nil`.
func decimalByte(_ digits: some Collection<UInt8>) -> UInt8? {
  guard (1...3).contains(digits.count), digits.count == 1 || digits.first != UInt8(ascii: "0") else {
    return nil
  }
  var value = 0
  for digit in digits {
    guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
    value = value * 10 + Int(digit - UInt8(ascii: "0"))
  }
  return UInt8(exactly: value)
}
