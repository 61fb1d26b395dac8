extension TextFormat {
  static let any = TextFormat("a string", rule: "any text", pattern: "") { _ in true }

  static let line = TextFormat(
    "a line of text", rule: "one line without control characters", pattern: #"^[^\x00-\x1f\x7f]*$"#
  ) { hasNoControls($0) }

  /// The comment field of passwd(5), which ends at a colon.
  static let comment = TextFormat(
    "a comment", rule: "one line without a colon", pattern: #"^[^:\x00-\x1f\x7f]*$"#
  ) { hasNoControls($0) && !$0.utf8.contains(UInt8(ascii: ":")) }

  static let reason = TextFormat(
    "a reason", rule: "a sentence for the next person who reads this", pattern: #"[^ \t\r\n]"#
  ) { text in !text.utf8.allSatisfy { [0x20, 0x09, 0x0D, 0x0A].contains($0) } }

  static let sysctlValue = TextFormat(
    "a sysctl value", rule: "one line that is not empty", pattern: #"^[^\x00-\x1f\x7f]+$"#
  ) { hasNoControls($0) && !$0.isEmpty }

  static let byteCount = TextFormat(
    "a size", rule: "a number with B, KiB, MiB or GiB", pattern: "^[1-9][0-9]{0,9}(B|KiB|MiB|GiB)$"
  ) { ByteCount.parse($0) != nil }

  /// A path within a root file system.
  static let path = TextFormat(
    "an absolute path", rule: "/ and components without ., .. and control characters, no / at the end",
    pattern: #"^(/(?!\.{1,2}(/|$))[^/\x00-\x1f\x7f]{1,255})+$"#
  ) { isPath($0) }

  static let pathOrRoot = TextFormat(
    "an absolute path", rule: "/ alone, or / and components without ., .. and control characters",
    pattern: #"^(/|(/(?!\.{1,2}(/|$))[^/\x00-\x1f\x7f]{1,255})+)$"#
  ) { $0.utf8.elementsEqual("/".utf8) || isPath($0) }

  static let glob = TextFormat(
    "a path pattern", rule: "an absolute path with *, ? and the component **",
    pattern: #"^(/(\*\*|(?!\.{1,2}(/|$))(?![^/]*\*\*)[^/\x00-\x1f\x7f]{1,255}))+$"#
  ) { isPath($0) && PathGlob($0) != nil }

  static let linkTarget = TextFormat(
    "a link's target", rule: "a path without control characters", pattern: #"^[^\x00-\x1f\x7f]{1,4095}$"#
  ) { hasNoControls($0) && (1...4095).contains($0.unicodeScalars.count) }

  /// Relative to the manifest's directory.
  static let sourcePath = TextFormat(
    "a file of the repository", rule: "a path relative to this file, without control characters",
    pattern: #"^[^/\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"#
  ) { hasNoControls($0) && !$0.isEmpty && !$0.utf8.starts(with: "/".utf8) }

  static let keyringPath = TextFormat(
    "the path of a keyring", rule: "an absolute path, or one relative to this file",
    pattern: #"^[^\x00-\x1f\x7f]+$"#
  ) { hasNoControls($0) && !$0.isEmpty }

  static func hasNoControls(_ text: String) -> Bool {
    text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
  }

  private static func isPath(_ text: String) -> Bool {
    // The kernel counts bytes, the pattern code points: beyond ASCII the schema lets a little more through.
    guard hasNoControls(text), text.utf8.count <= 4095, text.utf8.first == UInt8(ascii: "/") else {
      return false
    }
    let parts = text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    return parts.allSatisfy { part in
      (1...255).contains(part.count) && !part.elementsEqual(".".utf8) && !part.elementsEqual("..".utf8)
    }
  }
}

/// Sizes as people write them.
enum ByteCount {
  /// The bytes that `160MiB` and the like stand for; `nil` for what is no size, is 0 or does not fit.
  static func parse(_ text: String) -> UInt64? {
    let digits = text.utf8.prefix { (0x30...0x39).contains($0) }
    guard digits.count <= 10, digits.first != UInt8(ascii: "0"), let number = UInt64(Substring(digits)) else {
      return nil
    }
    let factors: [(unit: String, shift: UInt64)] = [("B", 0), ("KiB", 10), ("MiB", 20), ("GiB", 30)]
    let unit = text.utf8.dropFirst(digits.count)
    guard let factor = factors.first(where: { unit.elementsEqual($0.unit.utf8) }) else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << factor.shift)
    return overflow ? nil : bytes
  }
}
