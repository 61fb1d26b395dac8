internal import BlobStore
internal import Bytes
internal import DebianPackage

extension ScriptJudge {
  /// Refuses a lock whose scripts are not all understood: every one is named, with what a review needs.
  /// - Throws: `unreviewedScript`.
  func refuseUnreviewed(_ findings: [Finding], image: String, store: BlobStore) throws(ArchiveError) {
    guard !findings.isEmpty else { return }
    let count = findings.count == 1 ? "1 maintainer script" : "\(findings.count) maintainer scripts"
    var lines = [
      "\(count) must be reviewed by a person before \(image) can be locked: netimg runs none of them"
    ]
    for finding in findings {
      let what = finding.hasChanged ? "the script changed since it was reviewed" : "not understood"
      let label = "\(finding.package.name) \(finding.package.version) \(finding.script.rawValue)"
      lines.append("  \(label):\(finding.line): \(what): \(Self.printable(finding.text))")
      lines.append(
        "    read it: dpkg-deb --info \(store.path(of: finding.package.digest)) \(finding.script.rawValue)")
    }
    lines.append("Read each script, then say in a manifest what replaces it, or that nothing is needed:")
    lines.append("scripts:")
    for finding in findings {
      lines += [
        "  - package: \(finding.package.name)", "    script: \(finding.script.rawValue)",
        "    sha256: [\(finding.digest.hex)]", "    reason: \"\"",
      ]
    }
    throw ArchiveError(.unreviewedScript, lines.joined(separator: "\n"))
  }

  /// A statement of a stranger's script, fit for a terminal.
  private static func printable(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) ? " " : $0 }))
  }
}
