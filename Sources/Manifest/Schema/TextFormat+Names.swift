extension TextFormat {
  static let name = TextFormat(
    "a name", rule: "lower-case letters, digits and -, at most 63, first a letter or a digit",
    [Run("a-z0-9", 1...1), Run("a-z0-9-", 0...62)])

  /// Debian policy 5.6.1.
  static let packageName = TextFormat(
    "a package name", rule: "at least two lower-case letters, digits, +, . and -",
    [Run("a-z0-9", 1...1), Run("a-z0-9+.-", 1...127)])

  /// Debian policy 5.6.1 and 5.6.12.
  static let packageRequest = TextFormat(
    "a package", rule: "\"name\" or \"name=version\"",
    [Run("a-z0-9", 1...1), Run("a-z0-9+.-", 1...127)],
    optional: [Run("=", 1...1), Run("0-9", 1...1), Run("A-Za-z0-9.+~:-", 0...127)])

  /// What a file name, a URL and an os-release(5) `IMAGE_VERSION` can all hold.
  static let version = TextFormat(
    "a version", rule: "letters, digits, ., _, ~, + and -, at most 64, first a letter or a digit",
    [Run("A-Za-z0-9", 1...1), Run("A-Za-z0-9._~+-", 0...63)])

  static let archivePart = TextFormat(
    "a name of the archive", rule: "letters, digits, ., _ and -, first a letter or a digit",
    [Run("A-Za-z0-9", 1...1), Run("A-Za-z0-9._-", 0...62)])

  static let module = TextFormat(
    "a kernel module", rule: "letters, digits, _ and -", [Run("A-Za-z0-9_-", 1...63)])

  static let kernelParameter = TextFormat(
    "a kernel parameter", rule: "visible ASCII characters without spaces, one parameter an item",
    [Run("!-~", 1...1024)])

  /// What systemd's sysusers.d(5) takes in its strict mode.
  static let account = TextFormat(
    "a user or group name", rule: "lower-case letters, digits, _ and -, at most 31, first a letter or _",
    [Run("a-z_", 1...1), Run("a-z0-9_-", 0...30)])

  /// sysctl.d(5): `.` and `/` both separate.
  static let sysctl = TextFormat(
    "a sysctl name", rule: "letters, digits, ., /, _, * and -", [Run("A-Za-z0-9./_*-", 1...255)])

  /// Of the names that git-check-ref-format(1) takes, those without surprises.
  static let branch = TextFormat(
    "a branch", rule: "letters, digits, ., _, / and -, at most 128, first a letter or a digit",
    [Run("A-Za-z0-9", 1...1), Run("A-Za-z0-9._/-", 0...127)])

  static let digest = TextFormat(
    "a SHA-256 digest", rule: "64 lower-case hexadecimal digits", [Run("0-9a-f", 64...64)])

  static let mode = TextFormat("a file mode", rule: "four octal digits in quotes", [Run("0-7", 4...4)])

  static let alternative = TextFormat(
    "the name of an alternative", rule: "letters, digits, ., _, + and -", [Run("A-Za-z0-9._+-", 1...127)])

  static let rule = TextFormat(
    "the name of a check", rule: "lower-case letters, digits and -",
    [Run("a-z", 1...1), Run("a-z0-9-", 0...62)])

  /// systemd.unit(5): a name, perhaps with an instance, and a type.
  static let unit = TextFormat(
    "a unit", rule: "a unit's full name with its type, such as frr.service",
    pattern: #"^[A-Za-z0-9:_.\\@-]{1,240}\.(\#(unitTypes.joined(separator: "|")))$"#
  ) { text in
    guard let dot = text.utf8.lastIndex(of: UInt8(ascii: ".")) else { return false }
    var stem = Array(text.utf8[..<dot])[...]
    return Run(#"A-Za-z0-9:_.\@-"#, 1...240).consume(&stem) && stem.isEmpty
      && unitTypes.contains { text[dot...].dropFirst().utf8.elementsEqual($0.utf8) }
  }

  private static let unitTypes = [
    "automount", "device", "mount", "path", "scope", "service", "slice", "socket", "swap", "target", "timer",
  ]
}
