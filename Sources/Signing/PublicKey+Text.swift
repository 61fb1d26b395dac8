internal import Bytes

extension PublicKey {
  private static let lineTag = "netimg-ed25519"

  /// The one line of a `NAME.pub` file, without its newline: `netimg-ed25519 BASE64 NAME`.
  package var line: String { "\(Self.lineTag) \(Base64.encode(bytes)) \(name)" }

  /// Reads what `line` writes; white space around it and one newline are fine. `source` names the file or
  /// program in errors. Throws `malformed`, `invalidKey` or `invalidName`.
  package init(line: String, source: String) throws {
    let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r\n" })
    guard words.count == 3, words[0] == Self.lineTag, let bytes = Base64.decode(String(words[1])) else {
      throw SigningError(
        .malformed, "\(source) is not a public key: it must be one line '\(Self.lineTag) BASE64 NAME'")
    }
    try self.init(bytes: bytes, name: String(words[2]))
  }

  /// The key as a PEM SubjectPublicKeyInfo (RFC 8410, section 4; RFC 7468, section 13) for openssl.
  package var pem: String {
    // SEQUENCE { SEQUENCE { OBJECT IDENTIFIER 1.3.101.112 }, BIT STRING of no unused bits }
    let prefix: [UInt8] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]
    return "-----BEGIN PUBLIC KEY-----\n\(Base64.encode(prefix + bytes))\n-----END PUBLIC KEY-----\n"
  }
}

extension PublicKey: CustomStringConvertible {
  /// The name and the first half of the key identifier, for people.
  package var description: String { "\(name) (\(keyID.prefix(16)))" }
}
