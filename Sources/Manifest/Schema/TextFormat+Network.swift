internal import NetworkTypes

extension TextFormat {
  /// Six octets, as every tool prints them.
  static let macAddress = TextFormat(
    "a MAC address", rule: "six pairs of hexadecimal digits with colons, such as 52:54:00:12:34:56",
    pattern: "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$"
  ) { hasHexGroups($0, [2, 2, 2, 2, 2, 2], separator: UInt8(ascii: ":")) }

  /// RFC 9562, section 4.
  static let uuid = TextFormat(
    "a UUID", rule: "hexadecimal digits in groups of 8, 4, 4, 4 and 12 with hyphens",
    pattern: "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
  ) { hasHexGroups($0, [8, 4, 4, 4, 12], separator: UInt8(ascii: "-")) }

  static let serialNumber = TextFormat(
    "a serial number", rule: "visible ASCII characters, at most 64, in quotes if they are all digits",
    [Run("!-~", 1...64)])

  static let label = TextFormat(
    "a label's name", rule: "lower-case letters, digits, ., / and -, at most 63, first a letter",
    [Run("a-z", 1...1), Run("a-z0-9./-", 0...62)])

  static let labelValue = TextFormat(
    "a label's value", rule: "letters, digits, ., _ and -, at most 63", [Run("A-Za-z0-9._-", 1...63)])

  /// What a group or a device is pinned to.
  static let releaseReference = TextFormat(
    "a release", rule: "sha256: and 64 lower-case hexadecimal digits, or NAME@VERSION",
    pattern: "^(sha256:[0-9a-f]{64}|[a-z0-9][a-z0-9-]{0,62}@[A-Za-z0-9][A-Za-z0-9._~+-]{0,63})$"
  ) { text in
    if text.utf8.starts(with: "sha256:".utf8) { return digest.accepts(String(text.dropFirst(7))) }
    guard let at = text.utf8.firstIndex(of: UInt8(ascii: "@")) else { return false }
    return name.accepts(String(text[..<at])) && version.accepts(String(text[at...].dropFirst()))
  }

  private static let octet = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"

  static let ipv4Address = TextFormat(
    "an IPv4 address", rule: "four numbers up to 255 with points, such as 192.0.2.1",
    pattern: "^\(octet)(\\.\(octet)){3}$"
  ) { IPv4Address($0) != nil }

  static let ipv4Network = TextFormat(
    "an IPv4 network", rule: "an address and a prefix length, such as 192.0.2.0/24",
    pattern: "^\(octet)(\\.\(octet)){3}/(3[0-2]|[12]?[0-9])$"
  ) { text in
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, IPv4Address(parts[0]) != nil, let length = Int(parts[1]) else { return false }
    return (0...32).contains(length) && String(length).utf8.elementsEqual(parts[1].utf8)
  }

  static let ipv4Range = TextFormat(
    "a range of IPv4 addresses", rule: "the first and the last with a hyphen, such as 192.0.2.10-192.0.2.99",
    pattern: "^\(octet)(\\.\(octet)){3}-\(octet)(\\.\(octet)){3}$"
  ) { text in
    let parts = text.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
    return parts.count == 2 && parts.allSatisfy { IPv4Address($0) != nil }
  }

  /// RFC 4291, section 2.2, without the form that ends in an IPv4 address.
  private static let ipv6: String = {
    let group = "[0-9A-Fa-f]{1,4}"
    let gaps = (1...6).map { "(\(group):){1,\(7 - $0)}(:\(group)){1,\($0)}" }
    return "((\(group):){7}\(group)|(\(group):){1,7}:|\(gaps.joined(separator: "|"))|:((:\(group)){1,7}|:))"
  }()

  private static func isIPv6(_ text: String) -> Bool {
    !text.utf8.contains(UInt8(ascii: ".")) && IPv6Address(text) != nil
  }

  static let ipv6Address = TextFormat(
    "an IPv6 address", rule: "as in RFC 4291, without a scope, in quotes, such as \"2001:db8::1\"",
    pattern: "^\(ipv6)$"
  ) { isIPv6($0) }

  static let ipv6Network = TextFormat(
    "an IPv6 network",
    rule: "an address and a prefix length up to 64, in quotes, such as \"2001:db8::/64\"",
    pattern: "^\(ipv6)/(6[0-4]|[1-5][0-9]|[1-9])$"
  ) { text in
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, isIPv6(parts[0]), let length = Int(parts[1]) else { return false }
    return (1...64).contains(length) && String(length).utf8.elementsEqual(parts[1].utf8)
  }

  static let ipv6Range = TextFormat(
    "a range of IPv6 addresses",
    rule:
      "the first and the last with a hyphen, in quotes, such as \"2001:db8::1000-2001:db8::1fff\"",
    pattern: "^\(ipv6)-\(ipv6)$"
  ) { text in
    let parts = text.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
    return parts.count == 2 && parts.allSatisfy(isIPv6)
  }

  static let listenAddress = TextFormat(
    "an address to listen on", rule: "an IPv4 address or an IPv6 address in brackets, a colon and a port",
    pattern: "^(\(octet)(\\.\(octet)){3}|\\[[0-9A-Fa-f:.]{2,45}\\]):(0|[1-9][0-9]{0,4})$"
  ) { text in
    guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else { return false }
    let port = String(text[colon...].dropFirst())
    guard Run("0-9", 1...5).isWhole(port), port == "0" || !port.utf8.starts(with: "0".utf8) else {
      return false
    }
    let host = String(text[..<colon])
    if let inner = bracketed(host) { return Run("0-9A-Fa-f:.", 2...45).isWhole(inner) }
    return IPv4Address(host) != nil
  }

  static let interfaceName = TextFormat(
    "a network interface", rule: "letters, digits, ., _, @ and -, at most 15",
    [Run("A-Za-z0-9._@-", 1...15)])

  static let domainName = TextFormat(
    "a domain name", rule: "letters, digits, . and -, at most 253", [Run("A-Za-z0-9.-", 1...253)])

  static let duration = TextFormat(
    "a duration", rule: "a number with s, min, h or d", pattern: "^[1-9][0-9]{0,5}(s|min|h|d)$"
  ) { TimeSpan.parse($0) != nil }

  /// A path of the host, not of an image.
  static let hostPath = TextFormat(
    "a path", rule: "an absolute path, or one relative to this file", pattern: #"^[^\x00-\x1f\x7f]+$"#
  ) { hasNoControls($0) && !$0.isEmpty }

  private static func bracketed(_ text: String) -> String? {
    guard text.utf8.first == UInt8(ascii: "["), text.utf8.last == UInt8(ascii: "]"), text.utf8.count > 2
    else {
      return nil
    }
    return String(text.dropFirst().dropLast())
  }

  private static func hasHexGroups(_ text: String, _ lengths: [Int], separator: UInt8) -> Bool {
    let groups = text.utf8.split(separator: separator, omittingEmptySubsequences: false)
    return groups.map(\.count) == lengths
      && groups.allSatisfy { group in
        group.allSatisfy {
          (0x30...0x39).contains($0) || (0x41...0x46).contains($0) || (0x61...0x66).contains($0)
        }
      }
  }
}

extension TextFormat.Run {
  /// Whether the run is all of `text`.
  func isWhole(_ text: String) -> Bool {
    var rest = Array(text.utf8)[...]
    return consume(&rest) && rest.isEmpty
  }
}

/// Spans of time as people write them.
enum TimeSpan {
  /// The seconds that `30s`, `10min`, `2h` or `7d` stand for; `nil` for what is no span or is 0.
  static func parse(_ text: String) -> Int? {
    let digits = text.utf8.prefix { (0x30...0x39).contains($0) }
    guard digits.count <= 6, digits.first != UInt8(ascii: "0"), let number = Int(Substring(digits)) else {
      return nil
    }
    let unit = text.utf8.dropFirst(digits.count)
    let units: [(name: String, seconds: Int)] = [("s", 1), ("min", 60), ("h", 3600), ("d", 86400)]
    return units.first { unit.elementsEqual($0.name.utf8) }.map { number * $0.seconds }
  }
}
