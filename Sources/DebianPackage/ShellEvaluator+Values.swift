extension ShellEvaluator {
  /// Characters with which an unquoted value stays one field and matches no file names.
  private static func isPlain(_ text: String) -> Bool {
    text.utf8.allSatisfy {
      ASCII.isLetter($0) || ASCII.isDigit($0) || "._-+:/@%=,~".utf8.contains($0)
    }
  }

  /// A word as one string, where the shell neither splits nor expands file names.
  /// - Throws: if it runs a command, assigns, or may end the script.
  func value(_ word: ShellWord) throws(ShellUnknown) -> Value {
    try value(word.parts, line: word.line)
  }

  private func value(_ parts: [ShellPart], line: Int) throws(ShellUnknown) -> Value {
    var text: String? = ""
    var value = Value(text: "")
    for part in parts {
      switch part {
      case .literal(let literal, let quoted):
        if !quoted { try checkUnquoted(literal, after: text ?? "/", line: line, &value) }
        text = text.map { $0 + literal }
      case .parameter(let name, let operation, let word, let quoted):
        let inner = try parameter(name, operation, word, line: line)
        value.hasRoot = value.hasRoot || inner.hasRoot
        let isWhole = quoted || isPlainValue(inner)
        text = isWhole ? text.flatMap { head in inner.text.map { head + $0 } } : nil
      case .substitution:
        throw ShellUnknown(line: line)
      }
    }
    value.text = text
    return value
  }

  private func isPlainValue(_ value: Value) -> Bool {
    value.text.map(Self.isPlain) ?? false
  }

  /// Home directories and braces are expanded by some shell or other.
  private func checkUnquoted(
    _ literal: String, after head: String, line: Int, _ value: inout Value
  ) throws(ShellUnknown) {
    var previous = head.utf8.last
    for byte in literal.utf8 {
      if byte == ASCII.tilde, previous == nil || previous == ASCII.colon || previous == UInt8(ascii: "=") {
        throw ShellUnknown(line: line)
      }
      if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "}") { throw ShellUnknown(line: line) }
      if "*?[".utf8.contains(byte) { value.isPattern = true }
      previous = byte
    }
  }

  private func parameter(
    _ name: String, _ operation: String?, _ word: [ShellPart], line: Int
  ) throws(ShellUnknown) -> Value {
    let known = state.variables[name]
    guard let operation else { return known ?? Value(text: nil) }
    // “=” assigns and “?” may end the script.
    guard !operation.contains("="), !operation.contains("?") else { throw ShellUnknown(line: line) }
    let alternative = try value(word, line: line)
    guard let known, let text = known.text else { return Value(text: nil) }
    switch operation {
    case "-": return known
    case ":-": return text.isEmpty ? merged(alternative, known) : known
    case "+": return merged(alternative, known)
    case ":+": return text.isEmpty ? known : merged(alternative, known)
    default: return Value(text: nil)
    }
  }

  private func merged(_ value: Value, _ other: Value) -> Value {
    var value = value
    value.hasRoot = value.hasRoot || other.hasRoot
    return value
  }

  /// The fields of a command's words; what is not quoted and expands to nothing leaves none.
  func fields(_ words: [ShellWord]) throws(ShellUnknown) -> [Value] {
    var fields: [Value] = []
    for word in words {
      let value = try value(word)
      let hasQuotes = word.parts.contains { part in
        switch part {
        case .literal: true
        case .parameter(_, _, _, let quoted), .substitution(_, let quoted): quoted
        }
      }
      if value.text == "", !hasQuotes { continue }
      fields.append(value)
    }
    return fields
  }
}
