/// Checks and encodings for the names that an archive's own metadata brings along.
enum ArchivePath {
  /// Longest path accepted, in bytes.
  static let maximumLength = 1024

  /// Whether a path from metadata stays below the mirror's base: relative, without empty, `.` or `..`
  /// components, of printable ASCII without a backslash.
  static func isSafe(_ path: String) -> Bool {
    guard !path.isEmpty, path.utf8.count <= maximumLength else { return false }
    guard path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\\") }) else { return false }
    return path.split(separator: "/", omittingEmptySubsequences: false)
      .allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
  }

  /// Whether a name can stand for an archive in settings and locks: `[a-z0-9][a-z0-9._-]*`, at most 64 bytes.
  static func isArchiveName(_ name: String) -> Bool {
    guard let first = name.utf8.first, name.utf8.count <= 64 else { return false }
    guard isLowerAlphanumeric(first) else { return false }
    return name.utf8.allSatisfy { isLowerAlphanumeric($0) || "._-".utf8.contains($0) }
  }

  /// Whether a binary package's name follows Debian policy 5.6.7 (one character is enough here).
  static func isPackageName(_ name: String) -> Bool {
    guard let first = name.utf8.first, name.utf8.count <= 256 else { return false }
    guard isLowerAlphanumeric(first) else { return false }
    return name.utf8.allSatisfy { isLowerAlphanumeric($0) || "+.-".utf8.contains($0) }
  }

  /// The path as part of a URL (RFC 3986, section 2.1). `+` is escaped too: object stores take it for a
  /// blank.
  static func percentEncoded(_ path: String) -> String {
    var encoded: [UInt8] = []
    for byte in path.utf8 {
      let isPlain = isLowerAlphanumeric(byte) || (0x41...0x5a).contains(byte) || "-._~/".utf8.contains(byte)
      if isPlain {
        encoded.append(byte)
      } else {
        encoded.append(UInt8(ascii: "%"))
        encoded.append(hexDigit(byte >> 4))
        encoded.append(hexDigit(byte & 15))
      }
    }
    return String(decoding: encoded, as: UTF8.self)
  }

  private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
    (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte)
  }

  private static func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? 0x30 + value : 0x41 + value - 10
  }
}
