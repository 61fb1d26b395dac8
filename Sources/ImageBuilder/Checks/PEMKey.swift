internal import Bytes

/// Private keys in PEM (RFC 7468) and its relatives: PKCS#1, PKCS#8, SEC 1, OpenSSH, OpenPGP.
enum PEMKey {
  /// A body of fewer base64 characters is no key; an Ed25519 key in PKCS#8, the shortest there is, has 64.
  private static let shortestBody = 40
  /// As much of a body as tells keys apart.
  private static let longestBody = 64

  /// Whether a private key's block begins here: libraries are full of the line that begins one, so there must be a body.
  static func begins(_ bytes: [UInt8], _ offset: Int) -> Bool {
    let label = bytes[(offset + "-----BEGIN ".utf8.count)...].prefix(64).prefix { $0 != UInt8(ascii: "-") }
    guard String(decoding: label, as: UTF8.self).contains("PRIVATE KEY"),
      bytes[label.endIndex...].starts(with: "-----".utf8)
    else { return false }
    let body = body(bytes[(label.endIndex + 5)...])
    return body.count >= shortestBody && !published.contains(SHA256.digest(of: body).hex)
  }

  /// The first base64 characters of the body. Lines with a colon are headers; a line's end may be written out as `\n`,
  /// as in JSON and YAML.
  private static func body(_ text: ArraySlice<UInt8>) -> [UInt8] {
    var body: [UInt8] = []
    var rest = text.prefix(4096)
    while !rest.isEmpty, body.count < longestBody {
      let line = rest.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\\") }
      rest = rest[line.endIndex...].dropFirst()
      if text[line.endIndex...].first == UInt8(ascii: "\\") { rest = rest.dropFirst() }
      let content = line.drop(while: isBlank).prefix { !isBlank($0) && $0 != UInt8(ascii: "=") }
      if content.isEmpty || line.contains(UInt8(ascii: ":")) { continue }
      guard content.allSatisfy(SecretPattern.isBase64) else { break }
      body += content
    }
    return Array(body.prefix(longestBody))
  }

  /// Keys that are no secrets because everybody has them: what GnuTLS tests itself with when it starts
  /// (`lib/crypto-selftests-pk.c`). SHA-256 of the first 64 characters of their bodies.
  private static let published: Set<String> = [
    "36d32468a4353827c6db9a9477736adf7bb980c50854d0b57257f5132ef32d39",
    "4a1e3b45fa80854157c959a2e3c0f598aab717ecd3b7a3b3f1271f43d966699e",
    "4b86104d3a39ae361925614ff33350c34aa8370b85a3b2e79ee407705a0af571",
    "8dd51545b81e4a0a285630cfc608921c2523171d5cf57a8123116658baa84558",
    "8e2145349f01ed8f5c3afa5ec9381b3b3ae43b7da9088b010c7c4f01593d0d77",
    "9c01da374f769ee2a92018e99081675d1ce48ba297c8e8641db80c21a4f4dc3b",
    "c50f38f5a25dad1abc4c3162635f014f05e857ae7e6b590f66b42793e27f9d37",
    "d76d8725f92d87288e0466d850892bf8dd7f487ad21d40f211612ebec68852a2",
    "e36ff64abc8431d1295824c32f55327df2af968b417a4073cc696a2332d3c370",
    "fe14d9ea324a30fd417e971fa264a34bcb0ef77fc505fe66ce09061a7f060a4d",
  ]

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
  }
}
