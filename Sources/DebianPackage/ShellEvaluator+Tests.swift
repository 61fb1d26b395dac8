/// `test` and `[` (POSIX.1-2017, test): as much as can be told about an empty root.
extension ShellEvaluator {
  /// The operands of a test; `$(command -v PROGRAM)` is allowed among them.
  func operands(_ words: some Sequence<ShellWord>) throws(ShellUnknown) -> [Value] {
    var operands: [Value] = []
    for word in words {
      if let program = Self.commandLookup(word) {
        operands.append(Value(text: nil, program: program))
      } else {
        operands.append(contentsOf: try fields([word]))
      }
    }
    return operands
  }

  /// The program of `"$(command -v PROGRAM)"`, quiet or not.
  private static func commandLookup(_ word: ShellWord) -> String? {
    guard word.parts.count == 1, case .substitution(let nodes, quoted: true) = word.parts[0],
      nodes.count == 1, case .simple(let command) = nodes[0], command.assignments.isEmpty,
      command.words.count == 3, command.words[0].bare == "command", command.words[1].bare == "-v",
      command.redirects.allSatisfy(isQuiet)
    else { return nil }
    return command.words[2].bare
  }

  /// Judges an expression.
  /// - Throws: for anything but the primaries below, joined by `!`, `-a` and `-o`.
  func test(_ operands: [Value], line: Int) throws(ShellUnknown) -> Verdict {
    if operands.isEmpty { return Verdict(truth: .no) }
    var position = 0
    var any: Verdict?
    repeat {
      var all: Verdict?
      repeat {
        let term = try term(operands, &position, line)
        all = all.map { Self.combine($0, term, isAnd: true) } ?? term
      } while take("-a", operands, &position)
      guard let all else { throw ShellUnknown(line: line) }
      any = any.map { Self.combine($0, all, isAnd: false) } ?? all
    } while take("-o", operands, &position)
    guard let any, position == operands.count else { throw ShellUnknown(line: line) }
    return any
  }

  private func take(_ operation: String, _ operands: [Value], _ position: inout Int) -> Bool {
    guard position < operands.count, operands[position].text == operation else { return false }
    position += 1
    return true
  }

  private static func combine(_ left: Verdict, _ right: Verdict, isAnd: Bool) -> Verdict {
    switch (left.truth, right.truth, isAnd) {
    case (.no, _, true), (.yes, _, false): left
    case (.yes, _, true), (.no, _, false): right
    case (_, .no, true), (_, .yes, false): right
    case (_, .yes, true), (_, .no, false): left
    case (.either(let first), .either(let second), _): Verdict(truth: .either(material: first || second))
    }
  }

  private func term(_ operands: [Value], _ position: inout Int, _ line: Int) throws(ShellUnknown) -> Verdict {
    var isNegated = false
    while position + 1 < operands.count, take("!", operands, &position) { isNegated.toggle() }
    guard position < operands.count else { throw ShellUnknown(line: line) }
    let verdict = try primary(operands, &position, line)
    guard isNegated else { return verdict }
    switch verdict.truth {
    case .yes: return Verdict(truth: .no)
    case .no: return .yes
    case .either: return verdict
    }
  }

  private func primary(_ operands: [Value], _ position: inout Int, _ line: Int) throws(ShellUnknown)
    -> Verdict
  {
    let left = operands[position]
    let rest = operands.count - position
    if rest >= 3, let operation = operands[position + 1].text, Self.binary.contains(operation) {
      let right = operands[position + 2]
      position += 3
      return try compare(left, operation, right, line)
    }
    if rest >= 2, let operation = left.text, Self.unary.contains(operation) {
      let operand = operands[position + 1]
      position += 2
      return try judge(operation, operand, line)
    }
    position += 1
    return try judge("-n", left, line)
  }

  private static let binary: Set<String> = ["=", "!=", "-eq", "-ne", "-lt", "-le", "-gt", "-ge"]
  private static let unary: Set<String> = ["-n", "-z", "-e", "-f", "-d", "-x", "-r", "-s", "-L", "-h"]

  private func compare(
    _ left: Value, _ operation: String, _ right: Value, _ line: Int
  ) throws(ShellUnknown) -> Verdict {
    guard let first = left.text, let second = right.text, !left.isPattern, !right.isPattern else {
      throw ShellUnknown(line: line)
    }
    if left.hasRoot || right.hasRoot { return .environment }
    if operation == "=" { return Verdict(truth: first == second ? .yes : .no) }
    if operation == "!=" { return Verdict(truth: first != second ? .yes : .no) }
    guard let first = Int(first), let second = Int(second) else { throw ShellUnknown(line: line) }
    let holds =
      switch operation {
      case "-eq": first == second
      case "-ne": first != second
      case "-lt": first < second
      case "-le": first <= second
      case "-gt": first > second
      default: first >= second
      }
    return Verdict(truth: holds ? .yes : .no)
  }

  private func judge(_ operation: String, _ operand: Value, _ line: Int) throws(ShellUnknown) -> Verdict {
    if let program = operand.program {
      guard ["-n", "-z", "-x"].contains(operation) else { throw ShellUnknown(line: line) }
      return Self.isTool(program) ? .environment : .files
    }
    guard let text = operand.text, !operand.isPattern else { throw ShellUnknown(line: line) }
    if operation == "-n" || operation == "-z" {
      if operand.hasRoot { return .environment }
      return Verdict(truth: text.isEmpty == (operation == "-z") ? .yes : .no)
    }
    guard text.utf8.first == ASCII.slash else { throw ShellUnknown(line: line) }
    return Self.isEnvironment(text) ? .environment : .files
  }

  /// Files that say how a system is run, not what is installed: with any answer the image is the same.
  private static func isEnvironment(_ path: String) -> Bool {
    if path == "/run/systemd/system" || path.hasPrefix("/etc/init.d/") { return true }
    guard let slash = path.utf8.lastIndex(of: ASCII.slash) else { return false }
    let directory = String(path[..<slash])
    return programDirectories.contains(directory) && isTool(String(path[path.utf8.index(after: slash)...]))
  }
}
