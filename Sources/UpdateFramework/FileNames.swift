internal import Bytes

/// How names from metadata become names of files and parts of URLs.
package enum FileNames {
  private static let longest = 200

  /// A role's name for a URL: all but letters, digits, `-`, `.`, `_` and `~` percent-encoded (RFC 3986, 2.3),
  /// so that it is one part of a path and nothing else.
  package static func escaped(_ name: String) -> String {
    var text = ""
    for byte in name.utf8 {
      if isUnreserved(byte) {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        text += percent(byte)
      }
    }
    return text
  }

  /// The name under which something is kept on the local disk: ``escaped(_:)``, or a digest where that is too
  /// long. Different names never share a file: `%s` cannot come from escaping.
  package static func local(_ name: String) -> String {
    let escaped = escaped(name)
    if escaped.utf8.count <= longest { return escaped }
    return "%sha256-\(SHA256.digest(of: Array(name.utf8)).hex)"
  }

  /// A target's path below the base URL, with the digest in front of its last part where the repository has
  /// consistent snapshots (specification 6.2). A path is a relative URL already (4.5, TARGETPATH): what is
  /// escaped stays so, and what may not stand there is escaped.
  static func address(of path: String, digest: String?) -> String {
    let bytes = Array(path.utf8)
    var text = ""
    for (index, byte) in bytes.enumerated() {
      let isEscape =
        byte == UInt8(ascii: "%") && index + 2 < bytes.count
        && Hex.decode(String(decoding: bytes[index + 1...index + 2], as: UTF8.self)) != nil
      if isEscape || isUnreserved(byte) || "/!$&'()*+,;=:@".utf8.contains(byte) {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        text += percent(byte)
      }
    }
    guard let digest else { return text }
    guard let slash = text.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "\(digest).\(text)" }
    return "\(text[...slash])\(digest).\(text[text.utf8.index(after: slash)...])"
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e: true
    default: false
    }
  }

  private static func percent(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return byte < 16 ? "%0\(digits)" : "%\(digits)"
  }
}
