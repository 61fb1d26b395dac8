internal import FoundationEssentials

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
    return body.count >= shortestBody && !PublishedSecrets.contains(body)
  }

  /// Whether what is base64 here is a private key's block, as kubeconfig files and secrets of Kubernetes have it.
  static func beginsEncoded(_ bytes: [UInt8], _ offset: Int) -> Bool {
    let text = bytes[offset...].prefix(8192).prefix(while: SecretPattern.isBase64)
    guard let decoded = Data(base64Encoded: Data(text.prefix(text.count / 4 * 4))) else { return false }
    return decoded.starts(with: "-----BEGIN ".utf8) && begins([UInt8](decoded), 0)
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

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
  }
}
