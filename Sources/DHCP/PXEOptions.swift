/// Sub-options of option 43 for `PXEClient` (PXE 2.1, table 2-1) and of option 175 (iPXE).
enum PXEOptions {
  static let discoveryControl: UInt8 = 6
  static let bootItem: UInt8 = 71

  /// "Load the boot file that this message names": no menu, no search for boot servers (PXE_DISCOVERY_CONTROL, bit 3).
  static let noMenu: [UInt8] = [discoveryControl, 1, 8, DHCPv4Option.end]

  /// The value of a sub-option, or `nil` if it is not there or what is before it is not valid.
  static func value(_ code: UInt8, in option: [UInt8]) -> ArraySlice<UInt8>? {
    var result: ArraySlice<UInt8>?
    forEach(in: option) { if $0 == code, result == nil { result = $1 } }
    return result
  }

  /// Every sub-option up to the first that is not valid: this is advice of strangers, not worth a refusal.
  static func forEach(in option: [UInt8], _ body: (UInt8, ArraySlice<UInt8>) -> Void) {
    var index = 0
    while index < option.count, option[index] != DHCPv4Option.end {
      if option[index] == DHCPv4Option.pad {
        index += 1
        continue
      }
      guard index + 1 < option.count else { return }
      let count = Int(option[index + 1])
      guard option.count - index - 2 >= count else { return }
      body(option[index], option[index + 2..<index + 2 + count])
      index += 2 + count
    }
  }
}
