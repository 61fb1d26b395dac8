import Testing

@testable import NativeActions

@Suite struct TextLinesTests {
  private func lines(_ bytes: [UInt8]) throws -> [String] {
    try TextLines(bytes, file: "f").lines.map(\.bytes.text)
  }

  @Test(arguments: [
    ("", []), ("a", ["a"]), ("a\n", ["a"]), ("a\n\nb", ["a", "", "b"]), ("\n", [""]),
    ("a\r\nb", ["a\r", "b"]),
  ])
  func splitsAtLineFeeds(_ text: String, _ expected: [String]) throws {
    #expect(try lines([UInt8](text.utf8)) == expected)
  }

  @Test func numbersLinesFromOne() throws {
    #expect(try TextLines([0x0A, 0x0A, 0x61], file: "f").lines.map(\.number) == [1, 2, 3])
  }

  private func failure(_ bytes: [UInt8]) -> NativeActionError? {
    do throws(NativeActionError) {
      _ = try TextLines(bytes, file: "f")
      return nil
    } catch {
      return error
    }
  }

  @Test func refusesNulAndInvalidText() throws {
    let nul = try #require(failure([0x61, 0x0A, 0x00]))
    #expect(nul.code == .malformed)
    #expect(nul.origin == "f:2")
    let invalid = try #require(failure([0x61, 0x0A, 0x62, 0x0A, 0xC3, 0x28]))
    #expect(invalid.code == .malformed)
    #expect(invalid.origin == "f:3")
    // A surrogate in UTF-8, an overlong slash, a scalar beyond the last one.
    for bytes: [UInt8] in [[0xED, 0xA0, 0x80], [0xC0, 0xAF], [0xF4, 0x90, 0x80, 0x80]] {
      #expect(failure(bytes)?.code == .malformed)
    }
  }

  @Test func limitsLinesAndFiles() throws {
    let longest = [UInt8](repeating: 0x61, count: TextLines.longestLine)
    #expect(failure(longest) == nil)
    let longer = try #require(failure([0x0A] + longest + [0x61]))
    #expect(longer.code == .limitExceeded)
    #expect(longer.origin == "f:2")
    #expect(failure([UInt8](repeating: 0x0A, count: TextLines.largestFile + 1))?.code == .limitExceeded)
  }

  @Test func trimsAndSplitsAtBlanksOnly() {
    let slice = ArraySlice([UInt8](" \t a  b\u{a0}c\r".utf8))
    #expect(slice.trimmed.text == "a  b\u{a0}c")
    #expect(slice.words.map(\.text) == ["a", "b\u{a0}c"])
    #expect(ArraySlice<UInt8>([0x20, 0x20]).trimmed.isEmpty)
  }

  @Test func ordersNamesByBytes() {
    // In Unicode's canonical order, e with a combining accent equals the single letter.
    let names = ["\u{e9}", "e\u{301}", "f", "Z", "a"]
    #expect(
      names.sortedBytewise().map { Array($0.utf8) } == [
        [0x5A], [0x61], [0x65, 0xCC, 0x81], [0x66], [0xC3, 0xA9],
      ])
  }

  @Test func errorsShowNoControlCharacters() {
    let error = NativeActionError(
      .malformed, at: "a\u{1b}[2Jb", "name \u{202e}txt\n\u{85}" + String(repeating: "x", count: 9000))
    #expect(error.origin == "a\\u{1b}[2Jb")
    #expect(error.message.hasPrefix("name \\u{202e}txt\\u{a}\\u{85}xxx"))
    #expect(error.description.utf8.count < 5000)
  }
}
