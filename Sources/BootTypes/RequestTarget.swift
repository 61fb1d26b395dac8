/// Parses request targets (RFC 9112, section 3.2) into what responders look at.
package enum RequestTarget {
  /// The longest target in bytes.
  package static let maximumLength = 2048
  /// The most fields of a query.
  package static let maximumFields = 32

  /// The path's parts and the query's fields; `nil` for what is no target that anything here could answer to: too long,
  /// badly encoded, with `.`, `..`, encoded slashes or control characters in its path.
  ///
  /// The absolute form, which proxies and some firmware send, is taken like the origin form.
  package static func parse(_ target: String) -> (path: [String], query: [(name: String, value: String)])? {
    var bytes = Array(target.utf8)[...]
    guard bytes.count <= maximumLength else { return nil }
    for scheme in ["http://", "https://"] where bytes.starts(with: scheme.utf8) {
      bytes = bytes.dropFirst(scheme.utf8.count).drop { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
      if bytes.isEmpty { return ([], []) }
    }
    guard bytes.first == UInt8(ascii: "/") || bytes.first == UInt8(ascii: "?") else { return nil }
    let cut = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.endIndex
    var path: [String] = []
    // Firmware joins URLs with two slashes now and then: an empty part is nothing.
    for part in bytes[..<cut].split(separator: UInt8(ascii: "/")) {
      guard let text = decode(part), text != ".", text != "..", !text.utf8.contains(UInt8(ascii: "/")),
        text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
      else { return nil }
      path.append(text)
    }
    var query: [(name: String, value: String)] = []
    for field in bytes[cut...].dropFirst().split(separator: UInt8(ascii: "&")) {
      guard query.count < maximumFields else { return nil }
      let equals = field.firstIndex(of: UInt8(ascii: "=")) ?? field.endIndex
      guard let name = decode(field[..<equals]), let value = decode(field[equals...].dropFirst()) else {
        return nil
      }
      query.append((name, value))
    }
    return (path, query)
  }

  /// Percent-decodes; `nil` for a bad escape, or for what is no UTF-8 after it.
  private static func decode(_ bytes: ArraySlice<UInt8>) -> String? {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var rest = bytes
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        result.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
        return nil
      }
      result.append(high << 4 | low)
    }
    return String(validating: result, as: UTF8.self)
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }
}
