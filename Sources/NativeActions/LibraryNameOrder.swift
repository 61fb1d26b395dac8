/// glibc's order of library names (`_dl_cache_libcmp` in `elf/dl-cache.c`): runs of digits compare as numbers, a digit
/// comes after anything that is none, other bytes compare as signed characters. The loader searches by it, so a cache
/// in another order loses libraries.
enum LibraryNameOrder {
  /// Negative, zero or positive, as `strcmp`.
  static func compare(_ left: String, _ right: String) -> Int {
    var left = ArraySlice([UInt8](left.utf8))
    var right = ArraySlice([UInt8](right.utf8))
    while let first = left.first {
      guard let second = right.first else { return sign(first, 0) }
      switch (isDigit(first), isDigit(second)) {
      case (true, true):
        let order = compareNumbers(takeDigits(&left), takeDigits(&right))
        if order != 0 { return order }
      case (true, false): return 1
      case (false, true): return -1
      case (false, false):
        if first != second { return sign(first, second) }
        left = left.dropFirst()
        right = right.dropFirst()
      }
    }
    return right.first.map { sign(0, $0) } ?? 0
  }

  private static func sign(_ left: UInt8, _ right: UInt8) -> Int {
    Int(Int8(bitPattern: left)) - Int(Int8(bitPattern: right))
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  private static func takeDigits(_ text: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let digits = text.prefix(while: isDigit)
    text = text.dropFirst(digits.count)
    return digits
  }

  /// Without converting, so that no number is too long.
  private static func compareNumbers(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Int {
    let left = left.drop { $0 == 0x30 }
    let right = right.drop { $0 == 0x30 }
    if left.count != right.count { return left.count - right.count }
    return left.elementsEqual(right) ? 0 : left.lexicographicallyPrecedes(right) ? -1 : 1
  }
}
