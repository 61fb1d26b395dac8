import Bytes
import TestSupport
import Testing

@testable import UpdateFramework

@Suite struct PathPatternTests {
  private static let patterns = [
    "*", "?", "a*", "*a", "*.tgz", "foo-?.tgz", "a/*", "*/*", "releases/*/x", "a**b", "[abc]", "[!abc]x",
    "[a-c]*",
    "[]]", "[", "a[", "[!]", "ä?", "a/[b]/c", "", "a//b", ".*", "x[-]y", "[c-a]",
  ]
  private static let paths = [
    "", "a", "b", "ab", "ba", "aXb", "x.tgz", "foo-1.tgz", "foo-12.tgz", "a/b", "a/b/c", "releases/1/x",
    "releases/1/2/x",
    "]", "[", "a[", "[!]", "bx", "dx", "äü", "a\u{301}", "a//b", ".hidden", "x-y", "*", "a*",
  ]

  private func matches(_ pattern: String, _ path: String) -> Bool {
    PathPattern(pattern).matches(path.slashSeparated(omittingEmpty: false))
  }

  @Test func wildcardsStayWithinOnePart() {
    #expect(matches("targets/*.tgz", "targets/foo.tgz"))
    #expect(!matches("targets/*.tgz", "targets/foo.txt"))
    #expect(!matches("*.tgz", "targets/foo.tgz"))
    #expect(matches("foo-version-?.tgz", "foo-version-a.tgz"))
    #expect(!matches("foo-version-?.tgz", "foo-version-alpha.tgz"))
    #expect(!matches("README.md", "README.MD"))
  }

  @Test func manyStarsCostLittle() {
    let pattern = String(repeating: "*a", count: 200) + "b"
    #expect(!matches(pattern, String(repeating: "a", count: 5000)))
  }

  @Test(.enabled(if: findTool("python3") != nil, "python3 is not installed"))
  func itAgreesWithFnmatch() throws {
    // Part by part, as python-tuf does.
    let script = """
      import sys, json, fnmatch
      patterns, paths = json.load(sys.stdin)
      def m(t, p):
          t, p = t.split("/"), p.split("/")
          return len(t) == len(p) and all(fnmatch.fnmatchcase(a, b) for a, b in zip(t, p))
      print("".join("1" if m(t, p) else "0" for p in patterns for t in paths))
      """
    let input = "[\(Self.list(Self.patterns)),\(Self.list(Self.paths))]"
    let result = try run([testPython, "-c", script], input: Array(input.utf8))
    let ours = Self.patterns.flatMap { pattern in Self.paths.map { matches(pattern, $0) ? "1" : "0" } }
      .joined()
    #expect(result.text.split(separator: "\n").first.map(String.init) == ours, "\(result.errorText)")
  }

  private static func list(_ strings: [String]) -> String {
    "[" + strings.map { "\"\($0)\"" }.joined(separator: ",") + "]"
  }
}
