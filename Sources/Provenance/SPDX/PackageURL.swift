/// A package URL of a Debian package (the purl specification, type `deb`), which vulnerability scanners look up.
package enum PackageURL {
  /// - Parameter distribution: such as `debian-13`; left out if empty.
  package static func debian(
    name: String, version: String, architecture: String, distribution: String
  ) -> String {
    let suffix = distribution.isEmpty ? "" : "&distro=\(encode(distribution))"
    return "pkg:deb/debian/\(encode(name))@\(encode(version))?arch=\(encode(architecture))\(suffix)"
  }

  /// Percent-encodes all but the specification's unreserved characters.
  private static func encode(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e, 0x3a:  // alphanumerics and -._~:
        result.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        result += digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
      }
    }
    return result
  }
}
