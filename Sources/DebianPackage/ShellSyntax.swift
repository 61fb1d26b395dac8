/// A part of a shell word (POSIX.1-2017, Shell Command Language 2.2 and 2.6).
indirect enum ShellPart {
  /// Text. Quoted text is never split, globbed or taken for a reserved word.
  case literal(String, quoted: Bool)
  /// `$name`, `${name}` or `${name OPERATOR word}`.
  case parameter(String, operation: String?, word: [ShellPart], quoted: Bool)
  /// `$(…)`, parsed.
  case substitution([ShellNode], quoted: Bool)
}

/// A word and the line on which it begins, counted from 1.
struct ShellWord {
  let parts: [ShellPart]
  let line: Int

  /// The text of a word without quotes and expansions: what a reserved word or an operand of syntax is.
  var bare: String? {
    guard parts.count == 1, case .literal(let text, quoted: false) = parts[0] else { return nil }
    return text
  }
}

/// A redirection: what is written before, between and after.
struct ShellRedirect {
  let descriptor: String?
  let operation: String
  let target: ShellWord
}

/// `NAME=word … command word … redirections`.
struct ShellSimple {
  var assignments: [(name: String, value: ShellWord)] = []
  var words: [ShellWord] = []
  var redirects: [ShellRedirect] = []
  let line: Int
}

/// One command. What the classifier never accepts is parsed, so that its end is found, and kept as `opaque`.
indirect enum ShellNode {
  case simple(ShellSimple)
  case condition(clauses: [(test: [ShellNode], body: [ShellNode])], otherwise: [ShellNode])
  case choice(subject: ShellWord, items: [(patterns: [ShellWord], body: [ShellNode])])
  case and(ShellNode, ShellNode)
  case or(ShellNode, ShellNode)
  case not(ShellNode)
  case group([ShellNode])
  /// A pipe, a loop, a function, a subshell, a command in the background or a redirected compound command.
  case opaque(line: Int)
}

/// The first place where a script stops being one that is understood.
struct ShellUnknown: Error {
  let line: Int
}
