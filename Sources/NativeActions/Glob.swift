/// Shell patterns as `fnmatch` without flags for paths or escapes reads them: `*`, `?`, `[a-z]`, `[!x]`.
enum Glob {
  /// Takes time in the product of both lengths at worst, because only the last star is ever tried again.
  static func matches(_ name: some StringProtocol, pattern: some StringProtocol) -> Bool {
    let name = Array(name.utf8)
    let pattern = Array(pattern.utf8)
    var (inName, inPattern) = (0, 0)
    var retry: (name: Int, pattern: Int)?
    while inName < name.count {
      if inPattern < pattern.count, pattern[inPattern] == UInt8(ascii: "*") {
        inPattern += 1
        retry = (inName, inPattern)
      } else if let next = matchOne(name[inName], pattern, at: inPattern) {
        inName += 1
        inPattern = next
      } else if let last = retry {
        inName = last.name + 1
        inPattern = last.pattern
        retry = (inName, inPattern)
      } else {
        return false
      }
    }
    return pattern[inPattern...].allSatisfy { $0 == UInt8(ascii: "*") }
  }

  /// Where the pattern goes on after it matched one byte; `nil` if it does not match.
  private static func matchOne(_ byte: UInt8, _ pattern: [UInt8], at start: Int) -> Int? {
    guard start < pattern.count else { return nil }
    switch pattern[start] {
    case UInt8(ascii: "?"): return start + 1
    case UInt8(ascii: "["): return matchSet(byte, pattern, at: start)
    default: return pattern[start] == byte ? start + 1 : nil
    }
  }

  /// A bracket expression; one that has no end is an ordinary bracket.
  private static func matchSet(_ byte: UInt8, _ pattern: [UInt8], at start: Int) -> Int? {
    var index = start + 1
    var isNegated = false
    if index < pattern.count, pattern[index] == UInt8(ascii: "!") || pattern[index] == UInt8(ascii: "^") {
      isNegated = true
      index += 1
    }
    var isFound = false
    var isFirst = true
    while index < pattern.count {
      let low = pattern[index]
      if low == UInt8(ascii: "]"), !isFirst { return isFound != isNegated ? index + 1 : nil }
      isFirst = false
      if index + 2 < pattern.count, pattern[index + 1] == UInt8(ascii: "-"),
        pattern[index + 2] != UInt8(ascii: "]")
      {
        let high = pattern[index + 2]
        if low <= high, (low...high).contains(byte) { isFound = true }
        index += 3
      } else {
        if low == byte { isFound = true }
        index += 1
      }
    }
    return byte == UInt8(ascii: "[") ? start + 1 : nil
  }
}
