internal import Bytes

/// Identifiers inside a document (SPDX 2.3, section 3.3): letters, digits, `.` and `-`.
///
/// They come from names, not from positions, so that one file more changes one line and not all of them.
enum SPDXIdentifier {
  static let document = "SPDXRef-DOCUMENT"
  static let image = "SPDXRef-Image"

  static func part(_ name: String) -> String {
    let isPlain = name.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e: true
      default: false
      }
    }
    if isPlain { return "SPDXRef-Package-\(name)" }
    let plain = name.utf8.map { byte -> Character in
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2e: Character(Unicode.Scalar(byte))
      default: "-"
      }
    }
    return "SPDXRef-Package-\(String(plain))-\(digest(name, 8))"
  }

  static func file(_ path: String) -> String { "SPDXRef-File-\(digest(path, 16))" }

  private static func digest(_ text: String, _ digits: Int) -> String {
    String(SHA256.digest(of: Array(text.utf8)).hex.prefix(digits))
  }
}
