/// Secrets that have no form of their own: what they are is told by the file that they are in.
enum PlacedSecret {
  /// What is found, with its article, and where.
  static func find(in bytes: [UInt8], path: String) -> [(name: String, offset: Int)] {
    let name = RootTree.name(of: path)
    switch name {
    case ".netrc", "_netrc", "netrc": return word(after: "password", "a password for a server", bytes)
    case ".pgpass", "pgpass":
      return line("a database password", bytes) { $0.count { $0 == UInt8(ascii: ":") } >= 4 }
    case ".git-credentials": return line("a password for a server", bytes) { $0.contains(UInt8(ascii: "@")) }
    case "ipsec.secrets": return word(after: "PSK", "a pre-shared key", bytes)
    case "chap-secrets", "pap-secrets":
      // A star, or nothing, is no password: that account does not get in.
      return line("a password of PPP", bytes) { line in
        let words = line.split(whereSeparator: isBlank)
        return words.count >= 3 && !["*", "\"*\"", "\"\"", "-"].contains { words[2].elementsEqual($0.utf8) }
      }
    default: break
    }
    if path.contains("/credstore"), name.hasPrefix("passwd.plaintext-password.") {
      return line("a password", bytes) { _ in true }
    }
    // A WireGuard key is 32 bytes in base64, and so is the public one: only the name of the file tells.
    if ["priv", "secret", "psk", "preshared"].contains(where: name.lowercased().contains) {
      let text = bytes.prefix(64).filter { !isBlank($0) && $0 != UInt8(ascii: "\n") }
      if bytes.count <= 64, text.count == 44, text.last == UInt8(ascii: "="),
        text.dropLast().allSatisfy(SecretPattern.isBase64)
      {
        return [("a WireGuard key", 0)]
      }
    }
    return []
  }

  /// The first line that is no comment and of which `isSecret` holds.
  private static func line(
    _ name: String, _ bytes: [UInt8], _ isSecret: (ArraySlice<UInt8>) -> Bool
  ) -> [(name: String, offset: Int)] {
    let lines = bytes.split(separator: UInt8(ascii: "\n"))
    let found = lines.first { line in
      line.first != UInt8(ascii: "#") && line.contains { !isBlank($0) } && isSecret(line)
    }
    return found.map { [(name, $0.startIndex)] } ?? []
  }

  /// The first line that is no comment and has a word behind `key`.
  private static func word(after key: String, _ name: String, _ bytes: [UInt8]) -> [(
    name: String, offset: Int
  )] {
    for line in bytes.split(separator: UInt8(ascii: "\n")) where line.first != UInt8(ascii: "#") {
      let words = line.split(whereSeparator: isBlank)
      guard let place = words.firstIndex(where: { $0.elementsEqual(key.utf8) }), place + 1 < words.count
      else {
        continue
      }
      return [(name, words[place].startIndex)]
    }
    return []
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
  }
}
