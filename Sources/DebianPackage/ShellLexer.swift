/// Cuts a script into tokens. It refuses, wherever they stand, the constructs on which shells differ or which need
/// an interpreter to find their end: here-documents, backquotes, arithmetic, `$'…'`, process substitution.
struct ShellLexer {
  enum Token {
    case word(ShellWord)
    case descriptor(String)
    case operation(String, line: Int)
    case newline
    case end
  }

  /// Deeper nesting than any script of a person's own.
  static let maximumDepth = 40

  let source: [UInt8]
  var position: Int
  var line: Int
  /// How many lists and expansions lie around the current position.
  var depth: Int

  init(_ source: [UInt8], position: Int = 0, line: Int = 1, depth: Int = 0) {
    self.source = source
    self.position = position
    self.line = line
    self.depth = depth
  }

  private static let operations = [
    "&&", "||", ";;", ">>", ">&", "<&", "<>", ">|", ";", "&", "|", "(", ")", "<", ">",
  ]
  private static let metacharacters = Set(" \t\n;&|()<>".utf8)

  func peek(_ offset: Int = 0) -> UInt8? {
    let index = position + offset
    return index < source.count ? source[index] : nil
  }

  mutating func next() throws(ShellUnknown) -> Token {
    skipBlanksAndComments()
    guard let byte = peek() else { return .end }
    if byte == ASCII.newline {
      position += 1
      line += 1
      return .newline
    }
    if byte == UInt8(ascii: "<"), peek(1) == UInt8(ascii: "<") { throw ShellUnknown(line: line) }
    for operation in Self.operations where source[position...].starts(with: operation.utf8) {
      position += operation.utf8.count
      return .operation(operation, line: line)
    }
    let start = line
    let parts = try parts(.word)
    let word = ShellWord(parts: parts, line: start)
    if let text = word.bare, text.utf8.allSatisfy(ASCII.isDigit),
      peek() == UInt8(ascii: "<") || peek() == UInt8(ascii: ">")
    {
      return .descriptor(text)
    }
    return .word(word)
  }

  private mutating func skipBlanksAndComments() {
    while let byte = peek() {
      if ASCII.isBlank(byte) {
        position += 1
      } else if byte == UInt8(ascii: "\\"), peek(1) == ASCII.newline {
        position += 2
        line += 1
      } else if byte == ASCII.numberSign {
        while let byte = peek(), byte != ASCII.newline { position += 1 }
      } else {
        return
      }
    }
  }

  /// What ends a run of parts.
  private enum Mode {
    case word
    case doubleQuotes
    /// The word of a `${name:-word}`; `quoted` if double quotes are around it.
    case braces(quoted: Bool)

    var isQuoted: Bool {
      switch self {
      case .word: false
      case .doubleQuotes: true
      case .braces(let quoted): quoted
      }
    }
  }

  private mutating func parts(_ mode: Mode, nesting: Int = 0) throws(ShellUnknown) -> [ShellPart] {
    guard nesting + depth < Self.maximumDepth else { throw ShellUnknown(line: line) }
    var parts: [ShellPart] = []
    var text: [UInt8] = []
    func flush() {
      guard !text.isEmpty else { return }
      parts.append(.literal(String(decoding: text, as: UTF8.self), quoted: mode.isQuoted))
      text = []
    }
    while let byte = peek() {
      switch (byte, mode) {
      case (_, .word) where Self.metacharacters.contains(byte):
        flush()
        return parts
      case (UInt8(ascii: "\""), .doubleQuotes), (UInt8(ascii: "}"), .braces):
        flush()
        position += 1
        return parts
      case (UInt8(ascii: "`"), _):
        throw ShellUnknown(line: line)
      case (UInt8(ascii: "\\"), _):
        flush()
        if let part = try escaped(mode) { parts.append(part) }
      case (UInt8(ascii: "$"), _):
        flush()
        parts.append(try expansion(mode, nesting))
      case (UInt8(ascii: "'"), .doubleQuotes):
        take(&text)
      // Shells disagree about quotes in the braces of a quoted expansion.
      case (UInt8(ascii: "'"), .braces(quoted: true)), (UInt8(ascii: "\""), .braces(quoted: true)):
        throw ShellUnknown(line: line)
      case (UInt8(ascii: "'"), _):
        flush()
        parts.append(try singleQuoted())
      case (UInt8(ascii: "\""), _):
        flush()
        position += 1
        let inner = try self.parts(.doubleQuotes, nesting: nesting + 1)
        // An empty string is still a word.
        parts.append(contentsOf: inner.isEmpty ? [.literal("", quoted: true)] : inner)
      default:
        take(&text)
      }
    }
    guard case .word = mode else { throw ShellUnknown(line: line) }
    flush()
    return parts
  }

  private mutating func take(_ text: inout [UInt8]) {
    text.append(source[position])
    if source[position] == ASCII.newline { line += 1 }
    position += 1
  }

  /// A backslash and what follows; `nil` for a line continuation.
  private mutating func escaped(_ mode: Mode) throws(ShellUnknown) -> ShellPart? {
    guard let next = peek(1) else { throw ShellUnknown(line: line) }
    position += 2
    if next == ASCII.newline {
      line += 1
      return nil
    }
    // Between double quotes a backslash is only special before these.
    if mode.isQuoted, !"$`\"\\".utf8.contains(next) {
      // Shells disagree about backslashes in the braces of a quoted expansion.
      if case .braces = mode { throw ShellUnknown(line: line) }
      position -= 1
      return .literal("\\", quoted: true)
    }
    // Back to the character itself, which may be the first of several bytes.
    var bytes = [next]
    while let byte = peek(), byte & 0xC0 == 0x80 {
      bytes.append(byte)
      position += 1
    }
    return .literal(String(decoding: bytes, as: UTF8.self), quoted: true)
  }

  private mutating func singleQuoted() throws(ShellUnknown) -> ShellPart {
    position += 1
    var text: [UInt8] = []
    while let byte = peek() {
      if byte == UInt8(ascii: "'") {
        position += 1
        return .literal(String(decoding: text, as: UTF8.self), quoted: true)
      }
      take(&text)
    }
    throw ShellUnknown(line: line)
  }

  private mutating func expansion(_ mode: Mode, _ nesting: Int) throws(ShellUnknown) -> ShellPart {
    let quoted = mode.isQuoted
    position += 1
    guard let byte = peek() else { throw ShellUnknown(line: line) }
    switch byte {
    case UInt8(ascii: "{"):
      position += 1
      let name = try parameterName()
      var operation: [UInt8] = []
      while let byte = peek(), ":-=+?#%".utf8.contains(byte), operation.count < 2 {
        operation.append(byte)
        position += 1
      }
      let word = try parts(.braces(quoted: quoted), nesting: nesting + 1)
      if operation.isEmpty {
        guard word.isEmpty else { throw ShellUnknown(line: line) }
        return .parameter(name, operation: nil, word: [], quoted: quoted)
      }
      return .parameter(
        name, operation: String(decoding: operation, as: UTF8.self), word: word, quoted: quoted)
    case UInt8(ascii: "("):
      guard peek(1) != UInt8(ascii: "(") else { throw ShellUnknown(line: line) }
      return .substitution(try commands(nesting), quoted: quoted)
    case UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "["):
      guard quoted, byte != UInt8(ascii: "[") else { throw ShellUnknown(line: line) }
      return .literal("$", quoted: true)
    default:
      guard Self.beginsName(byte) || ASCII.isDigit(byte) || "@*#?$!-".utf8.contains(byte) else {
        return .literal("$", quoted: quoted)
      }
      return .parameter(try parameterName(single: true), operation: nil, word: [], quoted: quoted)
    }
  }

  /// The commands between `$(` and `)`.
  private mutating func commands(_ nesting: Int) throws(ShellUnknown) -> [ShellNode] {
    var inner = ShellParser(
      ShellLexer(source, position: position + 1, line: line, depth: depth + nesting + 1))
    let nodes = try inner.list(until: [")"], mayBeEmpty: true)
    (position, line) = (inner.lexer.position, inner.lexer.line)
    return nodes
  }

  private static func beginsName(_ byte: UInt8) -> Bool { ASCII.isLetter(byte) || byte == UInt8(ascii: "_") }

  /// - Parameter single: without braces only one digit belongs to a positional parameter.
  private mutating func parameterName(single: Bool = false) throws(ShellUnknown) -> String {
    guard let first = peek() else { throw ShellUnknown(line: line) }
    var name = [first]
    position += 1
    if Self.beginsName(first) {
      while let byte = peek(), Self.beginsName(byte) || ASCII.isDigit(byte) {
        name.append(byte)
        position += 1
      }
    } else if ASCII.isDigit(first) {
      while !single, let byte = peek(), ASCII.isDigit(byte) {
        name.append(byte)
        position += 1
      }
    } else if !"@*?$!-".utf8.contains(first), !(single && first == ASCII.numberSign) {
      // ${#name} among others: nothing that is judged.
      throw ShellUnknown(line: line)
    }
    return String(decoding: name, as: UTF8.self)
  }
}
