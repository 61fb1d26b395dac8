// Tag resolution of the core schema (YAML 1.2.2, section 10.3.2). Unlike YAML 1.1, it knows no `yes`, `no`,
// `on` or `off`, no octal numbers with a leading zero, and no sexagesimal ones.
extension YAMLScalar {
  static func kind(ofPlain text: [UInt8]) -> Kind {
    switch String(decoding: text, as: UTF8.self) {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE", "false", "False", "FALSE": return .boolean
    case ".nan", ".NaN", ".NAN": return .float
    default: break
    }
    if isInteger(text) { return .integer }
    return isFloat(text) ? .float : .string
  }

  static func isInteger(_ text: [UInt8]) -> Bool {
    if text.starts(with: "0o".utf8) { return isRun(text.dropFirst(2)) { (0x30...0x37).contains($0) } }
    if text.starts(with: "0x".utf8) {
      return isRun(text.dropFirst(2)) {
        isDigit($0) || (0x41...0x46).contains($0) || (0x61...0x66).contains($0)
      }
    }
    return isRun(withoutSign(text[...]), of: isDigit)
  }

  private static func isFloat(_ text: [UInt8]) -> Bool {
    var rest = withoutSign(text[...])
    if [".inf", ".Inf", ".INF"].contains(where: { rest.elementsEqual($0.utf8) }) { return true }
    let whole = rest.prefix(while: isDigit)
    rest = rest.dropFirst(whole.count)
    var fraction = rest.prefix(0)
    if rest.first == UInt8(ascii: ".") {
      fraction = rest.dropFirst().prefix(while: isDigit)
      rest = rest.dropFirst(1 + fraction.count)
    }
    guard !whole.isEmpty || !fraction.isEmpty else { return false }
    guard let mark = rest.first else { return true }
    guard mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E") else { return false }
    return isRun(withoutSign(rest.dropFirst()), of: isDigit)
  }

  /// The value of an integer, or `nil` if it does not fit.
  var integerValue: Int? {
    guard kind == .integer else { return nil }
    if text.hasPrefix("0o") { return Int(text.dropFirst(2), radix: 8) }
    if text.hasPrefix("0x") { return Int(text.dropFirst(2), radix: 16) }
    return Int(text)
  }

  private static func withoutSign(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    text.first == UInt8(ascii: "-") || text.first == UInt8(ascii: "+") ? text.dropFirst() : text
  }

  private static func isRun(_ text: ArraySlice<UInt8>, of isMember: (UInt8) -> Bool) -> Bool {
    !text.isEmpty && text.allSatisfy(isMember)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
