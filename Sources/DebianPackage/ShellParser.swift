/// Parses a script by the grammar of POSIX.1-2017, Shell Command Language 2.10; it never runs anything.
struct ShellParser {
  var lexer: ShellLexer
  private var pending: ShellLexer.Token?
  /// The line of the token under way.
  private var line: Int { lexer.line }

  private static let reserved: Set<String> = [
    "if", "then", "elif", "else", "fi", "case", "esac", "for", "while", "until", "do", "done", "in", "{", "}",
    "!",
  ]
  private static let redirections: Set<String> = [">", ">>", "<", ">&", "<&", "<>", ">|"]

  init(_ lexer: ShellLexer) {
    self.lexer = lexer
  }

  /// A whole script.
  static func parse(_ source: [UInt8]) throws(ShellUnknown) -> [ShellNode] {
    var parser = ShellParser(ShellLexer(source))
    return try parser.list(until: [])
  }

  /// Commands up to one of the terminators, which is consumed; with none, up to the end of the script.
  /// - Parameter mayBeEmpty: the grammar wants at least one command, except in a `case`, in `$()` and at the top.
  mutating func list(until terminators: Set<String>, mayBeEmpty: Bool = false) throws(ShellUnknown)
    -> [ShellNode]
  {
    try list(until: terminators, mayBeEmpty: mayBeEmpty).nodes
  }

  private mutating func list(
    until terminators: Set<String>, mayBeEmpty: Bool = false
  ) throws(ShellUnknown) -> (nodes: [ShellNode], terminator: String) {
    lexer.depth += 1
    defer { lexer.depth -= 1 }
    guard lexer.depth < ShellLexer.maximumDepth else { throw ShellUnknown(line: line) }
    var nodes: [ShellNode] = []
    while true {
      try skipNewlines()
      if let terminator = try takeTerminator(terminators) {
        guard mayBeEmpty || !nodes.isEmpty else { throw ShellUnknown(line: line) }
        return (nodes, terminator)
      }
      if case .end = try peek() {
        guard terminators.isEmpty else { throw ShellUnknown(line: line) }
        return (nodes, "")
      }
      let start = line
      var node = try andOr()
      switch try peek() {
      case .operation("&", _):
        advance()
        node = .opaque(line: start)
      case .operation(";", _): advance()
      case .newline, .end: break
      case .operation(let text, _) where terminators.contains(text): break
      default: throw ShellUnknown(line: line)
      }
      nodes.append(node)
    }
  }

  private mutating func takeTerminator(_ terminators: Set<String>) throws(ShellUnknown) -> String? {
    switch try peek() {
    case .operation(let text, _) where terminators.contains(text):
      advance()
      return text
    case .word(let word):
      guard let text = word.bare, terminators.contains(text) else { return nil }
      advance()
      return text
    default:
      return nil
    }
  }

  private mutating func andOr() throws(ShellUnknown) -> ShellNode {
    var node = try pipeline()
    var length = 0
    while case .operation(let text, _) = try peek(), text == "&&" || text == "||" {
      advance()
      // The chain becomes a nest, and whoever walks it needs a stack as deep.
      length += 1
      guard length < ShellLexer.maximumDepth else { throw ShellUnknown(line: line) }
      try skipNewlines()
      let right = try pipeline()
      node = text == "&&" ? .and(node, right) : .or(node, right)
    }
    return node
  }

  private mutating func pipeline() throws(ShellUnknown) -> ShellNode {
    var isNegated = false
    if case .word(let word) = try peek(), word.bare == "!" {
      advance()
      isNegated = true
    }
    let start = try lineOfNext()
    var node = try command()
    while case .operation("|", _) = try peek() {
      advance()
      try skipNewlines()
      _ = try command()
      node = .opaque(line: start)
    }
    return isNegated ? .not(node) : node
  }

  private mutating func command() throws(ShellUnknown) -> ShellNode {
    switch try peek() {
    case .operation("(", let start):
      advance()
      _ = try list(until: [")"]) as [ShellNode]
      try skipRedirects()
      return .opaque(line: start)
    case .word(let word):
      guard let text = word.bare, Self.reserved.contains(text) else { return try simple(word.line) }
      advance()
      let node = try compound(text, word.line)
      return try skipRedirects() ? .opaque(line: word.line) : node
    case .operation(_, let start): return try simple(start)
    case .descriptor: return try simple(line)
    default: throw ShellUnknown(line: line)
    }
  }

  private mutating func compound(_ keyword: String, _ start: Int) throws(ShellUnknown) -> ShellNode {
    switch keyword {
    case "if": return try condition()
    case "case": return try choice()
    case "{": return .group(try list(until: ["}"]))
    case "while", "until":
      _ = try list(until: ["do"]) as [ShellNode]
      _ = try list(until: ["done"]) as [ShellNode]
      return .opaque(line: start)
    case "for":
      _ = try takeWord()
      try skipNewlines()
      if case .word(let word) = try peek(), word.bare == "in" {
        advance()
        while case .word = try peek() { advance() }
      }
      if case .operation(";", _) = try peek() { advance() }
      try skipNewlines()
      guard try takeWord().bare == "do" else { throw ShellUnknown(line: line) }
      _ = try list(until: ["done"]) as [ShellNode]
      return .opaque(line: start)
    default: throw ShellUnknown(line: start)
    }
  }

  private mutating func condition() throws(ShellUnknown) -> ShellNode {
    var clauses: [(test: [ShellNode], body: [ShellNode])] = []
    while true {
      let test: [ShellNode] = try list(until: ["then"])
      let body: (nodes: [ShellNode], terminator: String) = try list(until: ["elif", "else", "fi"])
      clauses.append((test, body.nodes))
      switch body.terminator {
      case "elif": continue
      case "else": return .condition(clauses: clauses, otherwise: try list(until: ["fi"]))
      default: return .condition(clauses: clauses, otherwise: [])
      }
    }
  }

  private mutating func choice() throws(ShellUnknown) -> ShellNode {
    let subject = try takeWord()
    try skipNewlines()
    guard try takeWord().bare == "in" else { throw ShellUnknown(line: line) }
    var items: [(patterns: [ShellWord], body: [ShellNode])] = []
    while true {
      try skipNewlines()
      var isOpened = false
      if case .operation("(", _) = try peek() {
        advance()
        isOpened = true
      }
      let first = try takeWord()
      if first.bare == "esac", !isOpened { return .choice(subject: subject, items: items) }
      guard first.bare != "esac" else { throw ShellUnknown(line: first.line) }
      var patterns = [first]
      while true {
        guard case .operation(let text, _) = try peek(), text == "|" || text == ")" else {
          throw ShellUnknown(line: line)
        }
        advance()
        if text == ")" { break }
        patterns.append(try takeWord())
      }
      let body: (nodes: [ShellNode], terminator: String) = try list(until: [";;", "esac"], mayBeEmpty: true)
      items.append((patterns, body.nodes))
      if body.terminator == "esac" { return .choice(subject: subject, items: items) }
    }
  }

  private mutating func simple(_ start: Int) throws(ShellUnknown) -> ShellNode {
    var command = ShellSimple(line: start)
    while true {
      if let redirect = try takeRedirect() {
        command.redirects.append(redirect)
        continue
      }
      guard case .word(let word) = try peek() else { break }
      advance()
      if command.words.isEmpty, let assignment = Self.assignment(word) {
        command.assignments.append(assignment)
        continue
      }
      command.words.append(word)
      if case .operation("(", _) = try peek() {
        guard command.words.count == 1 else { throw ShellUnknown(line: line) }
        return try function(start)
      }
    }
    guard !(command.words.isEmpty && command.assignments.isEmpty && command.redirects.isEmpty) else {
      throw ShellUnknown(line: line)
    }
    return .simple(command)
  }

  /// `name() compound`: its end is found, its body is nobody's concern.
  private mutating func function(_ start: Int) throws(ShellUnknown) -> ShellNode {
    advance()
    guard case .operation(")", _) = try peek() else { throw ShellUnknown(line: line) }
    advance()
    try skipNewlines()
    // Only a compound command: a chain of headers without bodies would nest without end.
    switch try peek() {
    case .operation("(", _): break
    case .word(let word) where word.bare.map(Self.reserved.contains) ?? false: break
    default: throw ShellUnknown(line: line)
    }
    _ = try command()
    return .opaque(line: start)
  }

  /// `NAME=value` with an unquoted name.
  private static func assignment(_ word: ShellWord) -> (name: String, value: ShellWord)? {
    guard case .literal(let text, quoted: false)? = word.parts.first,
      let equals = text.utf8.firstIndex(of: UInt8(ascii: "="))
    else { return nil }
    let name = text[..<equals]
    guard let first = name.utf8.first, !ASCII.isDigit(first),
      name.utf8.allSatisfy({ ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == UInt8(ascii: "_") })
    else { return nil }
    let rest = String(text[text.utf8.index(after: equals)...])
    let head: [ShellPart] = rest.isEmpty ? [] : [.literal(rest, quoted: false)]
    return (String(name), ShellWord(parts: head + word.parts.dropFirst(), line: word.line))
  }

  private mutating func takeRedirect() throws(ShellUnknown) -> ShellRedirect? {
    var descriptor: String?
    if case .descriptor(let text) = try peek() {
      advance()
      descriptor = text
    }
    guard case .operation(let operation, _) = try peek(), Self.redirections.contains(operation) else {
      guard descriptor == nil else { throw ShellUnknown(line: line) }
      return nil
    }
    advance()
    // “>&2” reads as an operator and a word; “2>&1 |” leaves the digits before an operator alone.
    if case .descriptor = try peek() { throw ShellUnknown(line: line) }
    return ShellRedirect(descriptor: descriptor, operation: operation, target: try takeWord())
  }

  /// Passes over redirections of a compound command; whether there were any.
  @discardableResult
  private mutating func skipRedirects() throws(ShellUnknown) -> Bool {
    var found = false
    while try takeRedirect() != nil { found = true }
    return found
  }

  private mutating func peek() throws(ShellUnknown) -> ShellLexer.Token {
    if let pending { return pending }
    let token = try lexer.next()
    pending = token
    return token
  }

  private mutating func advance() { pending = nil }

  private mutating func lineOfNext() throws(ShellUnknown) -> Int {
    switch try peek() {
    case .word(let word): word.line
    case .operation(_, let line): line
    default: line
    }
  }

  private mutating func takeWord() throws(ShellUnknown) -> ShellWord {
    guard case .word(let word) = try peek() else { throw ShellUnknown(line: line) }
    advance()
    return word
  }

  private mutating func skipNewlines() throws(ShellUnknown) {
    while case .newline = try peek() { advance() }
  }
}
