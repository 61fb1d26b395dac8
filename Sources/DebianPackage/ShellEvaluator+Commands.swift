/// The commands that are understood; everything else ends the walk.
extension ShellEvaluator {
  static let programDirectories: Set<String> = ["/bin", "/sbin", "/usr/bin", "/usr/sbin"]

  /// Programs whose effect the builder brings about, or which do nothing to an image.
  static func isTool(_ name: String) -> Bool {
    tools.contains(name)
  }

  private static let tools: Set<String> = [
    "deb-systemd-helper", "deb-systemd-invoke", "depmod", "dpkg-maintscript-helper", "dpkg-trigger",
    "invoke-rc.d", "ldconfig", "linux-run-hooks", "linux-update-symlinks", "systemctl", "systemd-sysusers",
    "systemd-tmpfiles", "update-alternatives", "update-ca-certificates", "update-initramfs", "update-rc.d",
  ]

  /// A redirection that changes no file.
  static func isQuiet(_ redirect: ShellRedirect) -> Bool {
    let descriptors: Set<String?> = [nil, "1", "2"]
    guard let target = redirect.target.bare, descriptors.contains(redirect.descriptor) else { return false }
    switch redirect.operation {
    case ">", ">>": return target == "/dev/null"
    case ">&": return target == "1" || target == "2"
    case "<": return target == "/dev/null" && redirect.descriptor == nil
    default: return false
    }
  }

  mutating func simple(_ command: ShellSimple, tested: Bool) throws(ShellUnknown) -> Verdict {
    let line = command.line
    guard let head = command.words.first else {
      guard command.redirects.isEmpty else { throw ShellUnknown(line: line) }
      try assign(command.assignments, line)
      return .yes
    }
    guard command.assignments.isEmpty, command.redirects.allSatisfy(Self.isQuiet) else {
      throw ShellUnknown(line: line)
    }
    guard let name = Self.commandName(head) else { throw ShellUnknown(line: line) }
    let words = command.words.dropFirst()
    let verdict: Verdict
    switch name {
    case "[":
      guard words.last?.bare == "]" else { throw ShellUnknown(line: line) }
      verdict = try test(operands(words.dropLast()), line: line)
    case "test":
      verdict = try test(operands(words), line: line)
    default:
      verdict = try builtin(name, fields(Array(words)), line)
    }
    // Under “set -e” a status that nobody tests must be a success.
    if !tested {
      switch verdict.truth {
      case .yes: break
      case .either where Self.tools.contains(name): break
      case .no, .either: throw ShellUnknown(line: line)
      }
    }
    return verdict
  }

  /// A command's name, without the directory where it usually lies.
  private static func commandName(_ word: ShellWord) -> String? {
    guard let text = word.bare else { return nil }
    guard let slash = text.utf8.lastIndex(of: ASCII.slash) else { return text }
    guard programDirectories.contains(String(text[..<slash])) else { return nil }
    let name = String(text[text.utf8.index(after: slash)...])
    // “/bin/[” and the like would be no builtins.
    return isTool(name) ? name : nil
  }

  /// Lower-case variables are the script's own; the others may change what commands do.
  private mutating func assign(
    _ assignments: [(name: String, value: ShellWord)], _ line: Int
  ) throws(ShellUnknown) {
    for (name, word) in assignments {
      guard name.utf8.allSatisfy({ $0 == ASCII.lowercased($0) }) else { throw ShellUnknown(line: line) }
      var value = try value(word)
      // A pattern in a value becomes one again wherever the variable is not quoted.
      if value.isPattern { value = Value(text: nil) }
      state.variables[name] = value
    }
  }

  private mutating func builtin(
    _ name: String, _ arguments: [Value], _ line: Int
  ) throws(ShellUnknown) -> Verdict {
    let texts = arguments.map { $0.isPattern ? nil : $0.text }
    switch name {
    case ":", "true", "echo":
      return .yes
    case "false":
      return Verdict(truth: .no)
    case "set":
      let options: Set<String?> = ["-e", "+e", "-u", "+u", "-eu", "+eu"]
      guard !texts.isEmpty, texts.allSatisfy(options.contains) else { throw ShellUnknown(line: line) }
      return .yes
    case "exit":
      guard texts == ["0"] else { throw ShellUnknown(line: line) }
      state.hasExited = true
      return .yes
    case "command":
      guard texts.count == 2, texts[0] == "-v", let program = texts[1] else { throw ShellUnknown(line: line) }
      return Self.isTool(program) ? .environment : .files
    case "dpkg":
      guard texts.count == 4, texts[0] == "--compare-versions" else { throw ShellUnknown(line: line) }
      try record([], line: line)
      return try compareVersions(texts[1], texts[2], texts[3], line)
    case "dpkg-maintscript-helper":
      return try maintscriptHelper(texts, line)
    case "rm", "mkdir", "touch", "dpkg-divert":
      try file(name, arguments, line)
      return .yes
    default:
      guard Self.isTool(name), let actions = Self.actions(of: name, texts) else {
        throw ShellUnknown(line: line)
      }
      try record(actions, line: line)
      return .environment
    }
  }

  /// dpkg(1): an empty version is earlier than any, except for the operators that end in `-nl`.
  private func compareVersions(
    _ left: String?, _ operation: String?, _ right: String?, _ line: Int
  ) throws(ShellUnknown) -> Verdict {
    guard let left, let operation, let right, let second = try? DebianVersion(right) else {
      throw ShellUnknown(line: line)
    }
    if left.isEmpty {
      switch operation {
      case "lt", "le": return Verdict(truth: .yes, isCleanup: true)
      case "ne", "gt-nl", "ge-nl": return .yes
      case "eq", "gt", "ge", "lt-nl", "le-nl": return Verdict(truth: .no)
      default: throw ShellUnknown(line: line)
      }
    }
    guard let first = try? DebianVersion(left) else { throw ShellUnknown(line: line) }
    let holds: Bool
    switch operation {
    case "lt", "lt-nl": holds = first < second
    case "le", "le-nl": holds = first <= second
    case "gt", "gt-nl": holds = first > second
    case "ge", "ge-nl": holds = first >= second
    case "eq": holds = first == second
    case "ne": holds = first != second
    default: throw ShellUnknown(line: line)
    }
    return Verdict(truth: holds ? .yes : .no)
  }

  /// dpkg-maintscript-helper(1): each of its verbs looks for what an earlier version left behind.
  private mutating func maintscriptHelper(_ texts: [String?], _ line: Int) throws(ShellUnknown) -> Verdict {
    switch texts.first {
    case "supports": break
    case "rm_conffile", "mv_conffile", "symlink_to_dir", "dir_to_symlink":
      guard texts.contains("--") else { throw ShellUnknown(line: line) }
    default: throw ShellUnknown(line: line)
    }
    try record([], line: line)
    return .yes
  }

  /// Commands on files, where they leave a first installation as it is.
  private mutating func file(_ name: String, _ arguments: [Value], _ line: Int) throws(ShellUnknown) {
    let options = arguments.prefix { $0.text?.utf8.first == ASCII.minus }.map(\.text)
    let operands = arguments.dropFirst(options.count)
    let paths = operands.compactMap(\.text)
    guard paths.count == operands.count else { throw ShellUnknown(line: line) }
    let isHarmless: Bool
    switch name {
    case "rm":
      // A kernel's mark between its preinst and its postinst, or what an earlier version left behind.
      let isSafe = paths.allSatisfy { $0.hasPrefix("/") && !$0.contains("/..") }
      isHarmless = options == ["-f"] && isSafe && (isCleanup || paths.allSatisfy(Self.isKernelMark))
    case "dpkg-divert":
      isHarmless = isCleanup && arguments.contains { $0.text == "--remove" }
    case "touch":
      isHarmless = options.isEmpty && paths.allSatisfy(Self.isKernelMark)
    default:
      isHarmless = options == ["-p"] && paths.allSatisfy(Self.isModuleDirectory)
    }
    guard isHarmless, !paths.isEmpty || name == "dpkg-divert" else { throw ShellUnknown(line: line) }
    try record([], line: line)
  }

  /// `/lib/modules/VERSION`, which the package brings itself.
  private static func isModuleDirectory(_ path: String) -> Bool {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    let isBelow = path.hasPrefix("/lib/modules/") || path.hasPrefix("/usr/lib/modules/")
    return isBelow && parts.count == (path.hasPrefix("/usr") ? 5 : 4) && parts.last?.first?.isNumber == true
  }

  private static func isKernelMark(_ path: String) -> Bool {
    let suffix = "/.fresh-install"
    return path.hasSuffix(suffix) && isModuleDirectory(String(path.dropLast(suffix.count)))
  }
}
