/// Base 64 of RFC 4648, section 4, with padding.
enum Base64 {
  /// `nil` for anything but whole, padded groups; blanks are skipped.
  static func decode(_ text: [UInt8]) -> [UInt8]? {
    let digits = text.filter { !isBlank($0) && $0 != 0x0A }
    guard digits.count.isMultiple(of: 4) else { return nil }
    let body = digits.prefix { $0 != UInt8(ascii: "=") }
    guard digits.count - body.count <= 2, digits.dropFirst(body.count).allSatisfy({ $0 == UInt8(ascii: "=") })
    else {
      return nil
    }
    var result: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    for digit in body {
      guard let value = value(of: digit) else { return nil }
      bits = bits << 6 | value
      count += 6
      if count >= 8 {
        count -= 8
        result.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        bits &= 1 << UInt32(count) - 1
      }
    }
    return bits == 0 ? result : nil
  }

  /// Padded groups without line ends.
  static func encode(_ bytes: [UInt8]) -> [UInt8] {
    let alphabet = [UInt8]("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var digits: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
      for index in 0..<4 {
        digits.append(
          index > group.count ? UInt8(ascii: "=") : alphabet[Int(bits >> UInt32(18 - 6 * index) & 63)])
      }
    }
    return digits
  }

  private static func value(of digit: UInt8) -> UInt32? {
    switch digit {
    case 0x41...0x5A: UInt32(digit - 0x41)
    case 0x61...0x7A: UInt32(digit - 0x61) + 26
    case 0x30...0x39: UInt32(digit - 0x30) + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
