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
      SecretPattern(
        name: "a private key (PEM in base64)", start: "LS0tLS1CRUdJTi", matches: PEMKey.beginsEncoded),
      SecretPattern(name: "a DNSSEC key", start: "Private-key-format: v") { bytes, offset in
        let lines = bytes[offset...].prefix(4096).split(separator: UInt8(ascii: "\n"))
        return lines.contains { line in
          ["PrivateKey: ", "PrivateExponent: ", "Key: "].contains {
            line.starts(with: $0.utf8) && line.count >= 24
          }
        }
      },
      SecretPattern(name: "an OpenPGP secret key", start: "(protected-private-key", matches: isExpression),
      // The same in libgcrypt's canonical form, which is a file of its own.
      SecretPattern(name: "an OpenPGP secret key", start: "(11:private-key(") { $1 == 0 && $0.count > 64 },
      SecretPattern(name: "an OpenPGP secret key", start: "(21:protected-private-key(") {
        $1 == 0 && $0.count > 64
      },
      SecretPattern(name: "an OpenPGP secret key", start: "Key: (private-key", matches: isExpression),
      value("an AWS secret access key", "aws_secret_access_key", 40),
      value("an AWS secret access key", "AWS_SECRET_ACCESS_KEY", 40),
      value("an AWS secret access key", "SecretAccessKey", 40),
      value("an Azure storage key", "AccountKey", 88),
      token("a Docker token", "dckr_pat_", 27...27) { isWord($0) || $0 == UInt8(ascii: "-") },
      token("a Vault token", "hvs.", 24...200) { isWord($0) || $0 == UInt8(ascii: "-") },
      token("a DigitalOcean token", "dop_v1_", 64...64, isAlphanumeric),
      token("a PyPI token", "pypi-AgEI", 50...300) { isWord($0) || $0 == UInt8(ascii: "-") },
      token("a Tailscale key", "tskey-", 20...80) { isWord($0) || $0 == UInt8(ascii: "-") },
      SecretPattern(name: "a Slack webhook", start: "hooks.slack.com/services/T") { bytes, offset in
        let rest = bytes[(offset + "hooks.slack.com/services/".utf8.count)...].prefix(120)
        let parts = rest.prefix { isAlphanumeric($0) || $0 == UInt8(ascii: "/") }.split(
          separator: UInt8(ascii: "/"))
        return parts.count >= 3 && parts[2].count >= 20
      },
      token("a Google API key", "AIza", 35...35) { isWord($0) || $0 == UInt8(ascii: "-") },
      token("a Stripe key", "sk_live_", 24...128, isAlphanumeric),
      token("a Stripe key", "rk_live_", 24...128, isAlphanumeric),
      token("an npm token", "npm_", 36...36, isAlphanumeric),
      token("an OpenAI key", "sk-proj-", 40...200) { isWord($0) || $0 == UInt8(ascii: "-") },
      token("a Hugging Face token", "hf_", 34...34, isAlphanumeric),
      routing("neighbor ", then: "password"), routing("message-digest-key ", then: "md5"),
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
    + ["glpat-", "gldt-", "glrt-", "glptt-", "glcbt-"].map { start in
      token("a GitLab token", start, 20...64) { isWord($0) || $0 == UInt8(ascii: "-") }
    }
    // {"alg":, {"typ":, {"kid": and {"jwk": in base64: the header of a signed token.
    + ["eyJhbGciOi", "eyJ0eXAiOi", "eyJraWQiOi", "eyJqd2si"].map { start in
      SecretPattern(name: "a JSON Web Token", start: start, matches: isWebToken)
    }
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
        && !PublishedSecrets.contains(Array(value))
    }
  }

  /// `neighbor PEER password SECRET` and `message-digest-key ID md5 SECRET`, as FRR and its like have them. Words of a
  /// manual (`LINE`, `<…>`, `%s`) are no secrets.
  private static func routing(_ start: String, then keyword: String) -> SecretPattern {
    SecretPattern(name: "a routing protocol's password", start: start) { bytes, offset in
      let line = bytes[(offset + start.utf8.count)...].prefix(256).prefix {
        $0 != UInt8(ascii: "\n") && $0 != 0
      }
      let words = line.split(separator: UInt8(ascii: " "))
      guard words.count >= 3, words[1].elementsEqual(keyword.utf8) else { return false }
      let secret = words[2]
      // `WORD$password`, `KEY|authentication-key`: the grammar of a program's own commands.
      let behind = secret.drop { isUpper($0) || $0 == UInt8(ascii: "_") }
      let isPlaceholder =
        behind.isEmpty || (behind.count < secret.count && "$|])>".utf8.contains(behind.first ?? 0))
      return secret.allSatisfy { (0x21...0x7e).contains($0) } && !isPlaceholder
        && !"<[({%$".utf8.contains(secret.first ?? 0)
    }
  }

  /// `KEY = VALUE` in the manner of INI, YAML, JSON or a shell, with a value of so many base64 characters.
  private static func value(_ name: String, _ key: String, _ length: Int) -> SecretPattern {
    SecretPattern(name: name, start: key) { bytes, offset in
      var rest = bytes[(offset + key.utf8.count)...].prefix(length + 16)
      let separators = rest.prefix { " \t\"':=".utf8.contains($0) }
      guard separators.contains(where: { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ":") }) else {
        return false
      }
      rest = rest.dropFirst(separators.count)
      let value = rest.prefix { isBase64($0) || $0 == UInt8(ascii: "=") }
      return value.count == length && value.contains(where: isDigit)
        && !value.suffix(10).elementsEqual("EXAMPLEKEY".utf8)
    }
  }

  /// Three words of base64url with dots between: RFC 7515's compact form, signed.
  private static func isWebToken(_ bytes: [UInt8], _ offset: Int) -> Bool {
    if offset > 0, isWord(bytes[offset - 1]) { return false }
    let text = bytes[offset...].prefix(8192).prefix {
      isWord($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
    }
    let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return parts.count >= 3 && parts[1].starts(with: "eyJ".utf8) && parts[1].count >= 20
      && parts[2].count >= 40
      && !PublishedSecrets.contains(Array(text))
  }

  /// Whether an S-expression goes on as one with a key in it does, and not as a library's format string.
  private static func isExpression(_ bytes: [UInt8], _ offset: Int) -> Bool {
    let text = bytes[offset...].prefix(512)
    return text.contains(UInt8(ascii: "#")) && !text.contains(UInt8(ascii: "%"))
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
