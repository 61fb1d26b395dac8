internal import Bytes
internal import DebianPackage

/// What a package's copyright file says of its licences, where a machine can read it.
package struct PackageLicense: Hashable, Sendable {
  /// A licence that the SPDX list does not have, with its text from the copyright file.
  package struct Extracted: Hashable, Sendable {
    /// `LicenseRef-NAME-DIGEST`: equal texts of equal name are one, in whatever package.
    package let identifier: String
    package let name: String
    package let text: String
  }

  /// All licences at once; `nil` if the file names none.
  package let expression: SPDXLicense?
  /// What the expression refers to, by identifier.
  package let extracted: [Extracted]

  /// Reads `/usr/share/doc/PACKAGE/copyright` in Debian's machine-readable format (copyright-format 1.0).
  ///
  /// - Returns: `nil` for a file that is free text, or that breaks the format.
  package init?(copyright bytes: [UInt8], package: String) {
    guard let paragraphs = try? ControlParagraph.parse(bytes, file: package), let header = paragraphs.first,
      let format = header["Format"], format.contains("copyright-format") || format.contains("dep5")
    else { return nil }
    var texts: [String: String] = [:]
    var synopses: [String] = []
    for paragraph in paragraphs {
      guard let field = paragraph["License"] else { continue }
      let (synopsis, text) = Self.split(field)
      if !text.isEmpty { texts[synopsis.lowercased()] = texts[synopsis.lowercased()] ?? text }
      // A paragraph of its own only gives the text.
      if paragraph["Files"] != nil || paragraph.line == header.line { synopses.append(synopsis) }
    }
    var extracted: [String: Extracted] = [:]
    let licenses = synopses.compactMap { synopsis in
      LicenseSynopsis.parse(synopsis) { name in
        let text =
          texts[name.lowercased()] ?? texts[synopsis.lowercased()]
          ?? "The copyright file of \(package) names this licence \(name) and does not quote it."
        let license = Extracted(
          identifier: "LicenseRef-\(Self.idString(name))-\(Self.shortDigest(name, text))", name: name,
          text: text)
        extracted[license.identifier] = license
        return license.identifier
      }
    }
    expression = .conjunction(licenses)
    self.extracted = extracted.sorted { $0.key < $1.key }.map(\.value)
  }

  /// The first line, and the rest without the dots that stand for empty lines.
  private static func split(_ field: String) -> (synopsis: String, text: String) {
    let lines = field.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let text = lines.dropFirst().map { $0.elementsEqual(".".utf8) ? "" : String(Substring($0)) }
      .joined(separator: "\n")
    return (String(Substring(lines.first ?? "".utf8[...])).trimmed, text)
  }

  /// The characters that SPDX allows in identifiers.
  private static func idString(_ name: String) -> String {
    let kept = name.unicodeScalars.map { scalar in
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", ".", "-": Character(scalar)
      default: Character("-")
      }
    }
    return String(String(kept).prefix(60))
  }

  private static func shortDigest(_ name: String, _ text: String) -> String {
    String(SHA256.digest(of: Array("\(name)\n\(text)".utf8)).hex.prefix(8))
  }
}

extension String {
  /// Without blanks at its ends.
  fileprivate var trimmed: String {
    let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    return String(drop(while: isBlank).reversed().drop(while: isBlank).reversed())
  }
}
