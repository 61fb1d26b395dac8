import Testing

@testable import NativeActions

@Suite struct WordScannerTests {
  private func words(_ text: String, _ escapes: WordScanner.Escapes) throws -> [String] {
    var scanner = WordScanner(ArraySlice([UInt8](text.utf8)), escapes: escapes)
    var words: [String] = []
    while let word = try scanner.next() { words.append(String(decoding: word, as: UTF8.self)) }
    return words
  }

  @Test(arguments: [
    ("a b\tc", ["a", "b", "c"]), ("  a  ", ["a"]), ("\"a b\" 'c d'", ["a b", "c d"]),
    ("a\"b c\"d", ["ab cd"]),
    ("\"\" x", ["", "x"]), ("\"it's\"", ["it's"]), ("a\\ b", ["a b"]), ("", []),
  ])
  func literalEscapes(_ text: String, _ expected: [String]) throws {
    #expect(try words(text, .literal) == expected)
  }

  @Test(arguments: [
    ("a\\x20b", ["a b"]), ("\\u00e9", ["\u{e9}"]), ("\\U0001f600", ["\u{1f600}"]), ("\\057x", ["/x"]),
    ("a\\sb", ["a b"]),
    ("\"\\n\"", ["\n"]), ("\\\\", ["\\"]),
  ])
  func escapesInTheMannerOfC(_ text: String, _ expected: [String]) throws {
    #expect(try words(text, .c) == expected)
  }

  @Test(arguments: [
    "\"open", "'open", "x\\", "\\x4", "\\x00", "\\000", "\\q", "\\ud800", "\\U00110000", "\\x+1", "\\08",
  ])
  func refusesBadEscapesAndQuotes(_ text: String) {
    #expect(throws: WordScanner.Failure.self) { try words(text, .c) }
  }

  @Test func leavesTheRestForAnArgument() throws {
    var scanner = WordScanner(ArraySlice([UInt8]("w  /path   the  rest ".utf8)), escapes: .c)
    _ = try scanner.next()
    _ = try scanner.next()
    #expect(scanner.rest.elementsEqual("the  rest ".utf8))
  }

  @Test func specifiersKnowOnlyWhatABuildKnows() throws {
    let specifiers = Specifiers(osRelease: ["ID": "netimg", "VERSION_ID": "7"], architecture: "x86-64")
    func expand(_ text: String, _ specifiers: Specifiers) -> String? {
      (try? specifiers.expand([UInt8](text.utf8)).get()).map { String(decoding: $0, as: UTF8.self) }
    }
    #expect(expand("%o-%w-%a-%W%%%t", specifiers) == "netimg-7-x86-64-%/run")
    #expect(expand("%S/%u", .build) == "/var/lib/root")
    for text in ["%m", "%b", "%H", "%v", "%", "%o"] { #expect(expand(text, .build) == nil) }
  }
}
