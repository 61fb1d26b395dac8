/// How much of a maintainer script is understood, and therefore what happens to it: none is ever executed.
package enum ScriptClass: String, Sendable, CaseIterable {
  /// Structure only: nothing would have happened.
  case inert
  /// Every reachable command is one whose effect the builder brings about itself, or has no place in an image.
  case known
  /// Something reachable is not understood: a person must review the script.
  case unknown
  /// The script belongs to removal, upgrade or configuration dialogs, which an immutable image never sees.
  case notRun
}

/// The judgement of one script.
package struct ScriptClassification: Sendable {
  package let `class`: ScriptClass
  /// What the builder has to do, in the script's order, each once; empty unless the class is `known`.
  package let actions: [ScriptAction]
  /// The first statement that is not understood; its line, from 1, and that line's text without blanks around it,
  /// cut after 200 characters. `nil` unless the class is `unknown`.
  package let firstUnknown: (line: Int, text: String)?
}

/// Judges maintainer scripts by reading them.
///
/// A package that is installed into an empty root has its preinst called with `install` and its postinst with
/// `configure` and an empty version (deb-preinst(5), deb-postinst(5)). What those arguments rule out is dead and
/// skipped; everything else must be recognised, statement by statement. In doubt, a script is unknown.
package enum ScriptClassifier {
  private static let maximumSize = 1 << 20
  private static let shells: Set<String> = [
    "/bin/sh", "/usr/bin/sh", "/bin/dash", "/usr/bin/dash", "/bin/bash", "/usr/bin/bash",
  ]

  /// Judges one script; it never fails, since what cannot be read is unknown.
  package static func classify(_ script: [UInt8], name: ScriptName) -> ScriptClassification {
    let argument: String
    switch name {
    case .preinst: argument = "install"
    case .postinst: argument = "configure"
    case .prerm, .postrm, .config:
      return ScriptClassification(class: .notRun, actions: [], firstUnknown: nil)
    }
    do throws(ShellUnknown) {
      guard script.count <= maximumSize, isPlainText(script), hasShell(script) else {
        throw ShellUnknown(line: 1)
      }
      let nodes = try ShellParser.parse(script)
      var evaluator = ShellEvaluator(argument: argument)
      try evaluator.run(nodes)
      return ScriptClassification(
        class: evaluator.sawCommand ? .known : .inert, actions: evaluator.actions, firstUnknown: nil)
    } catch {
      return ScriptClassification(
        class: .unknown, actions: [], firstUnknown: (error.line, text(of: script, line: error.line)))
    }
  }

  /// UTF-8 without NUL, carriage return or other control characters that a shell and a reader see differently.
  private static func isPlainText(_ script: [UInt8]) -> Bool {
    let controls = script.contains {
      ($0 < ASCII.space && $0 != ASCII.tab && $0 != ASCII.newline) || $0 == 0x7F
    }
    return !controls && String(validating: script, as: UTF8.self) != nil
  }

  /// `#!`, a shell of the sort that is understood, and at most `-e` or `-eu`.
  private static func hasShell(_ script: [UInt8]) -> Bool {
    guard script.starts(with: "#!".utf8) else { return false }
    let first = String(decoding: script.dropFirst(2).prefix { $0 != ASCII.newline }, as: UTF8.self)
    let words = first.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
    guard let shell = words.first, shells.contains(shell) else { return false }
    return words.count == 1 || (words.count == 2 && ["-e", "-eu", "-u"].contains(words[1]))
  }

  private static func text(of script: [UInt8], line: Int) -> String {
    let lines = script.split(separator: ASCII.newline, maxSplits: line, omittingEmptySubsequences: false)
    guard lines.indices.contains(line - 1) else { return "" }
    let text = String(decoding: lines[line - 1].prefix(4096), as: UTF8.self)
    let kept = text.drop(while: \.isWhitespace).prefix(200)
    guard let end = kept.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(kept[...end])
  }
}
