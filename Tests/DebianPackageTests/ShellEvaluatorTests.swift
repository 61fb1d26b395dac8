import TestSupport
import Testing

@testable import DebianPackage

/// Values, fields and tests, each against what dash makes of the same words.
@Suite(.enabled(if: Tool.exists("dash"), "needs dash")) struct ShellEvaluatorTests {
  /// `depmod VERSION` accepts one plain word that begins with a digit: a probe for what a word expands to.
  private func isExactly(_ word: String, setup: String = "") -> Bool {
    ScriptClassifierTests.classify("\(setup)\n[ \(word) = 6.1 ] && depmod 1").actions == [.depmod]
  }

  @Test(arguments: [
    "6.1", "'6.1'", "\"6.1\"", "6\".1\"", "6\\.1", "\"6\"'.1'", "6.${2}1", "\"6.$2\"1", "${2:-6.1}",
    "\"${2:-6.1}\"",
    "${2-}6.1", "${1:+6.1}", "${1+6.1}", "6.1\"\"", "6.1\"${2:+x}\"", "${2:-${2:-6.1}}", "\"${2:-\"6.1\"}\"",
    "${2:-'6.1'}",
  ])
  func wordsThatAreSixOne(_ word: String) throws {
    let printed = try Tool.must("dash", ["-c", "printf %s \(word)", "dash", "configure", ""])
    // Quotes in the braces of a quoted expansion are the one case that is left alone.
    let isLeftAlone = word == "\"${2:-\"6.1\"}\""
    #expect(String(decoding: printed, as: UTF8.self) == "6.1")
    #expect(isExactly(word) != isLeftAlone)
  }

  @Test func variablesAreFollowedWhereTheyAreCertain() {
    #expect(isExactly("\"$v\"", setup: "v=6.1"))
    #expect(isExactly("$v", setup: "v=6\nv=$v.1"))
    #expect(isExactly("\"$v\"", setup: "if [ -n \"$2\" ]; then v=1; else v=6.1; fi"))
    #expect(isExactly("\"$v\"", setup: "case $1 in configure) v=6.1;; *) v=x;; esac"))
    #expect(isExactly("\"$v\"", setup: "if [ -d /run/systemd/system ]; then v=6.1; else v=6.1; fi"))
    #expect(!isExactly("\"$v\"", setup: "if [ -d /run/systemd/system ]; then v=6.1; fi"))
    #expect(!isExactly("\"$v\"", setup: "v=6.1\n[ -d /run/systemd/system ] && v=2 || true"))
    #expect(!isExactly("\"$v\"", setup: "v=$HOME"))
    #expect(!isExactly("$v", setup: "v='6.1 = 6.1 -a 6.1'"))
    #expect(!isExactly("$v", setup: "v='*'"))
    #expect(!isExactly("\"$v\"", setup: ""))
  }

  /// Expressions without files: `test` itself is asked.
  @Test(arguments: [
    "", "x", "''", "! x", "! ''", "! ! x", "-n x", "-n ''", "-z ''", "-z x", "-n", "-z", "!", "a = a",
    "a = b",
    "a != b", "'' = ''", "1 -eq 01", "1 -lt 2", "2 -le 1", "3 -gt 2", "1 -ge 2", "1 -ne 1", "x -a y",
    "x -a ''",
    "'' -o y", "'' -o ''", "a = a -a b = b", "a = a -a b = c", "a = b -o b = b", "a = b -o b = c", "! a = b",
    "! a = a", "a = a -a ! b = c", "-n x -a -z ''", "-n '' -o -z ''", "'' -a x -o y", "y -o x -a ''",
    "-n = -n",
    "-z = x", "-f = -f", "-n -a", "\"$1\" = configure", "\"$2\" = ''", "\"x$2\" = x",
    "-n \"$1\" -a -z \"$2\"",
    "$2 = x", "x = $2", "-n $2", "-z $2",
  ])
  func expressions(_ expression: String) throws {
    let status = try Tool.run("dash", ["-c", "[ \(expression) ]", "dash", "configure", ""]).status
    let yes = ScriptClassifierTests.classify("if [ \(expression) ]; then ldconfig; fi")
    switch (yes.class, status) {
    // Leaving an expression alone is allowed; judging it differently is not.
    case (.unknown, _): #expect(Self.leftAlone.contains(expression) || status > 1)
    case (_, 0): #expect(yes.actions == [.ldconfig])
    default: #expect(yes.class == .inert)
    }
    let no = ScriptClassifierTests.classify("if ! [ \(expression) ]; then ldconfig; fi")
    #expect((no.class == .unknown) == (yes.class == .unknown))
    if yes.class != .unknown { #expect(no.actions.isEmpty == (status == 0)) }
  }

  private static let leftAlone: Set<String> = ["$2 = x", "x = $2"]

  @Test(arguments: [
    "a == a", "a '<' b", "a -nt b", "a -ef b", "-t 1", "-u /x", "-v x", "( a )", "a b", "a b c", "a = ",
    "a -eq b",
    "-f relative", "-f $HOME", "-n $HOME", "a = $HOME", "-f /etc/*", "a = *", "x -a", "x y -a z",
  ])
  func expressionsThatAreLeftAlone(_ expression: String) {
    for script in ["if [ \(expression) ]; then :; fi", "if test \(expression); then :; fi"] {
      #expect(ScriptClassifierTests.classify(script).class == .unknown, "\(script)")
    }
  }

  /// Both branches count where files or the system decide, and only there.
  @Test(arguments: [
    "[ -d /run/systemd/system ]", "[ -x /etc/init.d/x ]", "[ -x \"$(command -v ldconfig)\" ]",
    "[ -z \"$DPKG_ROOT\" ]",
    "[ \"$DPKG_ROOT\" = x ]", "command -v ldconfig >/dev/null",
    "deb-systemd-helper --quiet was-enabled a.service",
    "[ -n \"${DPKG_ROOT:-}\" ]", "[ -e /run/systemd/system -a -n x ]", "[ -x /sbin/ldconfig ]",
  ])
  func conditionsOfTheEnvironment(_ condition: String) {
    let both = ScriptClassifierTests.classify("if \(condition); then ldconfig; else depmod 1; fi")
    #expect(both.actions == [.ldconfig, .depmod])
    let foreign = ScriptClassifierTests.classify("if \(condition); then :; else foreign; fi")
    #expect(foreign.firstUnknown?.line == 2)
  }

  @Test(arguments: [
    "[ -f /etc/x ]", "[ -x /usr/bin/foreign ]", "[ -x \"$(command -v foreign)\" ]", "command -v foreign",
  ])
  func conditionsOfFiles(_ condition: String) {
    func isUnderstood(_ body: String) -> Bool { ScriptClassifierTests.classify(body).class != .unknown }
    #expect(isUnderstood("if \(condition); then true; fi; ldconfig"))
    #expect(isUnderstood("if \(condition); then invoke-rc.d x start; fi"))
    #expect(!isUnderstood("if \(condition); then ldconfig; fi"))
    #expect(!isUnderstood("if \(condition); then :; else ldconfig; fi"))
    #expect(!isUnderstood("\(condition) || exit 0; ldconfig"))
    #expect(!isUnderstood("if \(condition); then if [ -z \"$DPKG_ROOT\" ]; then exit 0; fi; fi; ldconfig"))
  }
}
