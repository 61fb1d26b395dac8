/// How a kind of secret looks: a beginning that is rare, and a closer look at what follows.
struct SecretPattern: Sendable {
  /// With its article, for sentences.
  let name: String
  let start: String
  /// Whether what begins here is the secret itself, and no mention of its form as libraries have them.
  let matches: @Sendable (_ bytes: [UInt8], _ offset: Int) -> Bool

  static let all: [SecretPattern] =
    [
      SecretPattern(name: "a private key (PEM)", start: "-----BEGIN ", matches: PEMKey.begins),
      token("an age secret key", "AGE-SECRET-KEY-1", 58...58) { isUpper($0) || isDigit($0) },
      token("a GitHub token", "github_pat_", 82...82) { isWord($0) },
      token("a GitLab token", "glpat-", 20...64) { isWord($0) || $0 == UInt8(ascii: "-") },
      token("a Google API key", "AIza", 35...35) { isWord($0) || $0 == UInt8(ascii: "-") },
      token("a Stripe key", "sk_live_", 24...128, isAlphanumeric),
      token("a Stripe key", "rk_live_", 24...128, isAlphanumeric),
      token("an npm token", "npm_", 36...36, isAlphanumeric),
      SecretPattern(name: "a secret key of netimg", start: "\"netimg-secret-key-") { bytes, offset in
        let end = offset + "\"netimg-secret-key-".utf8.count
        return end < bytes.count && isDigit(bytes[end])
      },
      SecretPattern(name: "a PuTTY private key", start: "PuTTY-User-Key-File-") { bytes, offset in
        let rest = bytes[(offset + "PuTTY-User-Key-File-".utf8.count)...]
        return rest.first.map(isDigit) == true && rest.dropFirst().starts(with: ": ".utf8)
      },
      wireGuard("PrivateKey"), wireGuard("PresharedKey"),
    ]
    + ["AKIA", "ASIA"].map { start in
      token("an AWS access key", start, 16...16) { isUpper($0) || isDigit($0) }
    }
    + ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"].map { token("a GitHub token", $0, 36...36, isAlphanumeric) }
    + ["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xapp-"].map { start in
      token("a Slack token", start, 24...256) { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

  /// A word of a fixed alphabet, with a digit in it, that nothing of its kind touches. What ends in EXAMPLE is from a
  /// manual.
  private static func token(
    _ name: String, _ start: String, _ lengths: ClosedRange<Int>,
    _ isPart: @escaping @Sendable (UInt8) -> Bool
  ) -> SecretPattern {
    SecretPattern(name: name, start: start) { bytes, offset in
      if offset > 0, isWord(bytes[offset - 1]) { return false }
      let word = bytes[(offset + start.utf8.count)...].prefix(lengths.upperBound + 1).prefix(while: isPart)
      guard lengths.contains(word.count), word.endIndex == bytes.count || !isWord(bytes[word.endIndex]) else {
        return false
      }
      return word.contains(where: isDigit) && !word.suffix(7).elementsEqual("EXAMPLE".utf8)
    }
  }

  /// `PrivateKey = BASE64` of 32 bytes, as in wg(8) and systemd.netdev(5).
  private static func wireGuard(_ key: String) -> SecretPattern {
    SecretPattern(name: "a WireGuard key", start: key) { bytes, offset in
      func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
      var rest = bytes[(offset + key.utf8.count)...].drop(while: isBlank)
      guard rest.popFirst() == UInt8(ascii: "=") else { return false }
      let value = rest.drop(while: isBlank).prefix(44)
      return value.count == 44 && value.prefix(43).allSatisfy(isBase64) && value.last == UInt8(ascii: "=")
    }
  }

  static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
  static func isUpper(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) }
  static func isAlphanumeric(_ byte: UInt8) -> Bool {
    isDigit(byte) || isUpper(byte) || (0x61...0x7A).contains(byte)
  }
  static func isWord(_ byte: UInt8) -> Bool { isAlphanumeric(byte) || byte == UInt8(ascii: "_") }
  static func isBase64(_ byte: UInt8) -> Bool {
    isAlphanumeric(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/")
  }
}
