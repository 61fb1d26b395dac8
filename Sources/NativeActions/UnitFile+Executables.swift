extension UnitFile {
  /// A program that a unit runs.
  package struct Executable: Equatable, Sendable {
    /// An absolute path, or a name to look for in systemd's fixed search path.
    package let program: String
    /// Whether failing, and so being absent, is no error (prefix `-`).
    package let mayFail: Bool
    /// `file:line`.
    package let origin: String
  }

  private static let executableKeys: Set<String> = [
    "ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost",
    "ExecStopPre",
  ]

  /// All programs of `Exec…=` lines, in order; an empty assignment drops those of its key. Specifiers stay as they
  /// are. `malformed` for a command that cannot be split into words.
  package func executables() throws(NativeActionError) -> [Executable] {
    var found: [(key: String, executable: Executable)] = []
    for setting in settings where Self.executableKeys.contains(setting.key) {
      if setting.value.isEmpty {
        found.removeAll { $0.key == setting.key }
        continue
      }
      for command in Self.commands(setting.value) {
        var text = command
        var mayFail = false
        while let first = text.first, "@-:+!|".utf8.contains(first) {
          if first == UInt8(ascii: "-") { mayFail = true }
          text = text.dropFirst()
        }
        var scanner = WordScanner(text, escapes: .c)
        do throws(WordScanner.Failure) {
          guard let program = try scanner.next() else { throw WordScanner.Failure(reason: "no program") }
          found.append(
            (setting.key, Executable(program: program[...].text, mayFail: mayFail, origin: setting.origin)))
        } catch {
          throw NativeActionError(.malformed, at: setting.origin, "\(setting.key)= has \(error.reason)")
        }
      }
    }
    return found.map(\.executable)
  }

  /// One line holds several commands where a semicolon stands alone.
  private static func commands(_ value: String) -> [ArraySlice<UInt8>] {
    let bytes = Array(value.utf8)[...]
    var commands: [ArraySlice<UInt8>] = []
    var start = bytes.startIndex
    for index in bytes.indices where bytes[index] == UInt8(ascii: ";") {
      let isAlone =
        (index == bytes.startIndex || isBlank(bytes[index - 1]))
        && (index + 1 == bytes.endIndex || isBlank(bytes[index + 1]))
      guard isAlone else { continue }
      commands.append(bytes[start..<index].trimmed)
      start = index + 1
    }
    commands.append(bytes[start...].trimmed)
    return commands.filter { !$0.isEmpty }
  }
}
