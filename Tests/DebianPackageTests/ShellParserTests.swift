import Foundation
import TestSupport
import Testing

@testable import DebianPackage

/// Where commands begin and end: the recogniser may skip a dead branch only if it finds the end that a shell finds.
@Suite struct ShellParserTests {
  /// The tree as text: words with `'quoted'`, `$name` and `$(…)` parts, statements with `;` between.
  private func show(_ text: String) -> String? {
    do throws(ShellUnknown) {
      return show(try ShellParser.parse(Array(text.utf8)))
    } catch {
      return nil
    }
  }

  private func show(_ nodes: [ShellNode]) -> String {
    nodes.map(show).joined(separator: "; ")
  }

  private func show(_ node: ShellNode) -> String {
    switch node {
    case .simple(let command):
      let assignments = command.assignments.map { "\($0.name):=\(show($0.value))" }
      let redirects = command.redirects.map { "\($0.descriptor ?? "")\($0.operation)\(show($0.target))" }
      return (assignments + command.words.map(show) + redirects).joined(separator: " ")
    case .condition(let clauses, let otherwise):
      let shown = clauses.map { "(\(show($0.test)) => \(show($0.body)))" }.joined()
      return "if\(shown)(\(show(otherwise)))"
    case .choice(let subject, let items):
      let shown = items.map { "(\($0.patterns.map(show).joined(separator: "|")) => \(show($0.body)))" }
      return "case \(show(subject))\(shown.joined())"
    case .and(let left, let right): return "(\(show(left)) && \(show(right)))"
    case .or(let left, let right): return "(\(show(left)) || \(show(right)))"
    case .not(let inner): return "!\(show(inner))"
    case .group(let nodes): return "{\(show(nodes))}"
    case .opaque: return "?"
    }
  }

  private func show(_ word: ShellWord) -> String {
    word.parts.map(show).joined()
  }

  private func show(_ part: ShellPart) -> String {
    switch part {
    case .literal(let text, let quoted): return quoted ? "'\(text)'" : text
    case .parameter(let name, let operation, let word, let quoted):
      let inner = operation.map { "{\(name)\($0)\(word.map(show).joined())}" } ?? name
      return (quoted ? "\"" : "") + "$" + inner + (quoted ? "\"" : "")
    case .substitution(let nodes, let quoted):
      return (quoted ? "\"" : "") + "$(\(show(nodes)))" + (quoted ? "\"" : "")
    }
  }

  @Test(
    arguments: [
      ("a b\tc", "a b c"),
      ("a 'b c' \"d e\"", "a 'b c' 'd e'"),
      ("a\\ b", "a' 'b"),
      ("a \\\n b", "a b"),
      ("a\\\nb", "ab"),
      ("a ''", "a ''"),
      ("a \"\"x", "a ''x"),
      ("a '\\' \"\\\\ \\x \\$y \\\"\"", "a '\\' '\\'' ''\\''x ''$''y ''\"'"),
      ("a #b\nc#d", "a; c#d"),
      ("a '#b' \\#c", "a '#b' '#'c"),
      ("a;b\n\n;c", nil),
      ("a;b;\n\nc", "a; b; c"),
      ("$a ${b} \"$c\" \"${d}\"", "$a $b \"$c\" \"$d\""),
      ("$1$2 $10 ${10}", "$1$2 $10 $10"),
      ("$@ \"$@\" $* $# $? $$ $! $-", "$@ \"$@\" $* $# $? $$ $! $-"),
      ("a $ $% \"$\" \"$'\"", "a $ $% '$' '$''''"),
      ("${a:-b c} ${a:+\"$b\"} ${a%'x}'}", "${a:-b c} ${a:+\"$b\"} ${a%'x}'}"),
      ("\"${a:-b\\}c}\"", nil),
      ("\"$(b \"c d\")\"", "\"$(b 'c d')\""),
      ("$(a; (b) )", "$(a; ?)"),
      ("$(a # ) still\n)", "$(a)"),
      ("$(case x in y) z;; esac)", "$(case x(y => z))"),
      ("x=1 y='a b'c z= cmd d=e", "x:=1 y:='a b'c z:= cmd d=e"),
      ("'x'=1", "'x'=1"),
      ("1x=1", "1x=1"),
      ("a >b 2>>c 2>&1 <d >|e", "a >b 2>>c 2>&1 <d >|e"),
      ("a 2 >b", "a 2 >b"),
      ("a2>b", "a2 >b"),
      (">b a", "a >b"),
      ("a && b || c", "((a && b) || c)"),
      ("a &&\n\n b", "(a && b)"),
      ("! a && b", "(!a && b)"),
      ("a | b", "?"),
      ("! a | b && c", "(!? && c)"),
      ("a & b", "?; b"),
      ("(a; b)", "?"),
      ("{ a; b\n}", "{a; b}"),
      ("{ a; } >x", "?"),
      ("{a", "{a"),
      ("a }", "a }"),
      ("if a; then b; fi", "if(a => b)()"),
      ("if a\nthen b\nelif c; d\nthen e\nelse f; fi", "if(a => b)(c; d => e)(f)"),
      ("if a; then if b; then c; fi; fi", "if(a => if(b => c)())()"),
      ("if a; then :; fi 2>/dev/null", "?"),
      ("echo if then fi", "echo if then fi"),
      ("case $1 in\na|b) c;;\n(d) e;; *) esac", "case $1(a|b => c)(d => e)(* => )"),
      ("case x in esac", "case x"),
      ("case x in 'a') b\nesac", "case x('a' => b)"),
      ("case x\nin\n\na)\n;;\nesac", "case x(a => )"),
      ("for a in b c; do d; done", "?"),
      ("for a; do b; done", "?"),
      ("for a\ndo b\ndone >x", "?"),
      ("while a; do b; done", "?"),
      ("until a\ndo b; done", "?"),
      ("f() { a; }", "?"),
      ("f ( )\n\n{ a; }; b", "?; b"),
    ] as [(String, String?)])
  func trees(_ text: String, _ expected: String?) {
    #expect(show(text) == expected)
  }

  @Test(arguments: [
    "a `b`", "a <<X\nX", "a <<-X\nX", "a <<<x", "a $((1))", "a \"$((1))\"", "a $'b'", "a $\"b\"", "a $[1]",
    "${#a}",
    "${a/b/c}", "${!a}", "${a", "\"a", "'a", "$(a", "a)", "(a", "{ a;", "{ }", "( )", "if a; then fi",
    "if a; then b; else fi", "for a in b; do done", "if a; then b", "if a; fi", "then",
    "do", "done",
    "esac", "fi", "}", "in", "else", "a;;", ";", ";a", "&", "| a", "a |", "a &&", "&& a", "a >", "a > > b",
    "2>",
    "case a in b) c", "case a b) c;; esac", "case a in ( esac", "case a in b c;; esac",
    "case a in b|) c;; esac", "for",
    "for a in b; c; done",
    "f() a", "f() f() { a; }", "a b() { c; }", "a=(b)", "function f { a; }", "select a in b; do c; done",
    "a <(b)",
    "! ! ! (", "$", "a \\",
  ])
  func whatIsNotParsed(_ text: String) {
    #expect(show(text) == nil)
  }

  @Test func linesAreThoseOfTheFile() throws {
    let text = "a\n\\\nb\n'c\nd' $(e\nf)\n\ng \\\n h\ni"
    let nodes = try ShellParser.parse(Array(text.utf8))
    #expect(nodes.map(ShellEvaluator.line) == [1, 3, 4, 8, 10])
  }

  /// Words thrown together at random: what is parsed here must be a script to a shell as well.
  @Test(.enabled(if: Tool.exists("dash"), "needs dash"))
  func nothingIsParsedThatAShellRefuses() async throws {
    let tokens = [
      "if", "then", "else", "elif", "fi", "case", "esac", "in", "for", "do", "done", "while", "{", "}", "(",
      ")", "!",
      ";", ";;", "&&", "||", "|", "&", "\n", "a", "b", "'c'", "\"d\"", "$e", "$(", "x=1", ">", "2>", "#", "*",
      "\\\n",
      "\"", "'", "${f:-", "if a; then", "case x in", "a)", "; fi", ";; esac", "{ a; }", "f()",
    ]
    try await withScratchDirectory { directory in
      var generator = SplitMix64(state: 7)
      var driver = ""
      var accepted = 0
      for index in 0..<150_000 {
        let count = Int.random(in: 1...9, using: &generator)
        let text = (0..<count).map { _ in tokens.randomElement(using: &generator) ?? "a" }.joined(
          separator: " ")
        guard show(text) != nil else { continue }
        accepted += 1
        guard accepted <= 4000 else { break }
        try Data(text.utf8).write(to: directory.appendingPathComponent("\(index)"))
        driver += "dash -n \(index) 2>/dev/null || echo \(index)\n"
      }
      #expect(accepted > 500)
      let refused = try Tool.must("dash", [], input: Array(driver.utf8), in: directory)
      for name in String(decoding: refused, as: UTF8.self).split(separator: "\n") {
        let text = try String(contentsOf: directory.appendingPathComponent(String(name)), encoding: .utf8)
        Issue.record("parsed as \(show(text) ?? "nothing"): \(text)")
      }
    }
  }
}
