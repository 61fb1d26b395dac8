/// A 48-bit IEEE 802 address, written as `52:54:00:12:34:56`.
package struct MACAddress: Hashable, Sendable {
  /// The address in the low 48 bits, first byte most significant.
  package let value: UInt64

  /// The low 48 bits of `value`.
  package init(value: UInt64) {
    self.value = value & 0xffff_ffff_ffff
  }

  /// Takes exactly 6 bytes; `nil` for any other length.
  package init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == 6 else { return nil }
    self.init(value: bytes.reduce(0) { $0 << 8 | UInt64($1) })
  }

  /// The same for an array, which is what packets come in.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == 6 else { return nil }
    var value: UInt64 = 0
    for byte in bytes { value = value << 8 | UInt64(byte) }
    self.init(value: value)
  }

  /// The address of every station.
  package static let broadcast = MACAddress(value: 0xffff_ffff_ffff)

  /// The 6 bytes, in the order of the wire.
  package var bytes: [UInt8] {
    stride(from: 40, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> UInt64($0)) }
  }
}

extension MACAddress: LosslessStringConvertible {
  /// Parses six pairs of hexadecimal digits of either case: with colons, with hyphens, or with nothing between.
  package init?(_ description: String) {
    let digits = Array(description.utf8)
    var value: UInt64 = 0
    func add(_ digit: UInt8) -> Bool {
      guard let number = hexadecimalValue(digit) else { return false }
      value = value << 4 | UInt64(number)
      return true
    }
    switch digits.count {
    case 12:
      for digit in digits { guard add(digit) else { return nil } }
    case 17:
      let separator = digits[2]
      guard separator == UInt8(ascii: ":") || separator == UInt8(ascii: "-") else { return nil }
      for (index, digit) in digits.enumerated() {
        if index % 3 == 2 {
          guard digit == separator else { return nil }
        } else {
          guard add(digit) else { return nil }
        }
      }
    default: return nil
    }
    self.init(value: value)
  }

  package var description: String {
    var text = ""
    text.reserveCapacity(17)
    for (index, byte) in bytes.enumerated() {
      if index > 0 { text.append(":") }
      if byte < 16 { text.append("0") }
      text.append(String(byte, radix: 16))
    }
    return text
  }
}

extension MACAddress: Comparable {
  package static func < (left: MACAddress, right: MACAddress) -> Bool { left.value < right.value }
}

/// The value of one hexadecimal digit, or `nil`.
func hexadecimalValue(_ digit: UInt8) -> UInt8? {
  switch digit {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
  default: nil
  }
}
