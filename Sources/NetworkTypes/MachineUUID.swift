/// A machine's UUID as its SMBIOS table has it (DMTF DSP0134, section 7.2.1).
package struct MachineUUID: Hashable, Sendable {
  /// The first 8 bytes in the order in which they are printed.
  private let high: UInt64
  /// The last 8 bytes in the order in which they are printed.
  private let low: UInt64

  /// Takes the 16 bytes that firmware sends in DHCP option 97: the first three fields least significant byte first.
  /// `nil` for any other length.
  package init?(wire bytes: some Collection<UInt8>) {
    let bytes = Array(bytes)
    guard bytes.count == 16 else { return nil }
    let order = [3, 2, 1, 0, 5, 4, 7, 6]
    high = order.reduce(0) { $0 << 8 | UInt64(bytes[$1]) }
    low = bytes[8...].reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Takes the 16 bytes in the order in which they are printed, as RFC 4122 has them; `nil` for any other length.
  package init?(standard bytes: some Collection<UInt8>) {
    guard bytes.count == 16 else { return nil }
    high = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    low = bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Whether it says nothing: all zeros or all ones, as boards without a UUID send.
  package var isBlank: Bool {
    (high == 0 && low == 0) || (high == .max && low == .max)
  }
}

extension MachineUUID: LosslessStringConvertible {
  /// Parses 32 hexadecimal digits of either case in groups of 8, 4, 4, 4 and 12, with hyphens between.
  package init?(_ description: String) {
    let text = Array(description.utf8)
    guard text.count == 36 else { return nil }
    var halves: [UInt64] = [0, 0]
    var count = 0
    for (index, character) in text.enumerated() {
      if [8, 13, 18, 23].contains(index) {
        guard character == UInt8(ascii: "-") else { return nil }
        continue
      }
      guard let digit = hexadecimalValue(character) else { return nil }
      halves[count / 16] = halves[count / 16] << 4 | UInt64(digit)
      count += 1
    }
    high = halves[0]
    low = halves[1]
  }

  /// The form that `dmidecode` prints, in lower case.
  package var description: String {
    func hex(_ value: UInt64, digits: Int) -> String {
      let text = String(value, radix: 16)
      return String(repeating: "0", count: digits - text.count) + text
    }
    return [
      hex(high >> 32, digits: 8), hex(high >> 16 & 0xffff, digits: 4), hex(high & 0xffff, digits: 4),
      hex(low >> 48, digits: 4), hex(low & 0xffff_ffff_ffff, digits: 12),
    ].joined(separator: "-")
  }
}
