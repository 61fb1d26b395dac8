/// Hashes in crypt(5)'s modular format, `$ID$…$HASH`, by the exact lengths that each method has.
enum PasswordHash {
  /// How long the salt and the hash of a method are; the parameters before the salt are optional.
  private struct Method {
    let salts: ClosedRange<Int>
    let hash: Set<Int>
  }

  private static let methods: [String: Method] = [
    "1": Method(salts: 1...8, hash: [22]), "apr1": Method(salts: 1...8, hash: [22]),
    "5": Method(salts: 1...16, hash: [43]), "6": Method(salts: 1...16, hash: [86]),
    "y": Method(salts: 4...86, hash: [43]), "gy": Method(salts: 4...86, hash: [43]),
    "7": Method(salts: 14...86, hash: [43]), "sha1": Method(salts: 1...64, hash: [28]),
    "argon2i": Method(salts: 11...64, hash: [22, 43, 86]),
    "argon2d": Method(salts: 11...64, hash: [22, 43, 86]),
    "argon2id": Method(salts: 11...64, hash: [22, 43, 86]),
    // bcrypt's salt and hash are one word, after the cost.
    "2a": Method(salts: 2...2, hash: [53]), "2b": Method(salts: 2...2, hash: [53]),
    "2x": Method(salts: 2...2, hash: [53]), "2y": Method(salts: 2...2, hash: [53]),
  ]
  private static let identifiers = methods.map { (bytes: Array($0.key.utf8), method: $0.value) }

  /// Where the first hash begins.
  static func first(in bytes: [UInt8]) -> Int? {
    var rest = bytes[...]
    while let start = rest.firstIndex(of: UInt8(ascii: "$")) {
      rest = bytes[(start + 1)...]
      let identifier = rest.prefix(9).prefix { $0 != UInt8(ascii: "$") }
      guard identifier.endIndex < bytes.count, bytes[identifier.endIndex] == UInt8(ascii: "$"),
        let method = identifiers.first(where: { identifier.elementsEqual($0.bytes) })?.method
      else { continue }
      let body = bytes[(identifier.endIndex + 1)...].prefix(256).prefix { byte in
        SecretPattern.isAlphanumeric(byte) || "./$=,+-".utf8.contains(byte)
      }
      let parts = body.split(separator: UInt8(ascii: "$"), omittingEmptySubsequences: false)
      guard (2...4).contains(parts.count), let hash = parts.last, method.hash.contains(hash.count),
        method.salts.contains(parts[parts.count - 2].count),
        hash.allSatisfy({ SecretPattern.isBase64($0) || $0 == UInt8(ascii: ".") }), isRandom(hash)
      else { continue }
      return start
    }
    return nil
  }

  /// Whether it is a hash rather than a manual's row of equal letters.
  private static func isRandom(_ hash: ArraySlice<UInt8>) -> Bool {
    Set(hash).count >= 8
  }
}
