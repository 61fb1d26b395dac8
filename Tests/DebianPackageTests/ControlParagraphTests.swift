import Testing

@testable import DebianPackage

@Suite struct ControlParagraphTests {
  private func parse(_ text: String) throws(DebianPackageError) -> [ControlParagraph] {
    try ControlParagraph.parse(Array(text.utf8), file: "control")
  }

  private func failure(_ text: String) -> DebianPackageError? {
    do throws(DebianPackageError) {
      _ = try parse(text)
      return nil
    } catch {
      return error
    }
  }

  @Test func fieldsKeepTheirOrderAndAreFoundInAnyCase() throws {
    let paragraphs = try parse("Package: frr\nVersion:10.3-3\nX-Empty:\n\n\nPackage:  kmod \t\n")
    #expect(paragraphs.count == 2)
    #expect(paragraphs[0].fields.map(\.name) == ["Package", "Version", "X-Empty"])
    #expect(paragraphs[0]["package"] == "frr")
    #expect(paragraphs[0]["VERSION"] == "10.3-3")
    #expect(paragraphs[0]["x-empty"] == "")
    #expect(paragraphs[0]["Versio"] == nil)
    #expect(paragraphs[1]["Package"] == "kmod")
    #expect(paragraphs.map(\.line) == [1, 6])
  }

  @Test func continuationLinesLoseOneBlankAndKeepTheRest() throws {
    let text = "Description: one\n two\n  three\n .\n\tfour  \nConffiles:\n /etc/a 00\n /etc/b 11\n"
    let paragraph = try #require(try parse(text).first)
    #expect(paragraph["Description"] == "one\ntwo\n three\n.\nfour")
    #expect(paragraph["Conffiles"] == "\n/etc/a 00\n/etc/b 11")
  }

  @Test func commentsAreSkippedEvenInsideAField() throws {
    let paragraph = try #require(try parse("# head\nA: 1\n# middle\n 2\n#tail\nB: #3\n").first)
    #expect(paragraph["A"] == "1\n2")
    #expect(paragraph["B"] == "#3")
    #expect(paragraph.line == 2)
  }

  @Test func carriageReturnsAreTolerated() throws {
    let paragraphs = try parse("A: 1\r\n more\r\n\r\nB: 2\r\n")
    #expect(paragraphs.map { $0.fields.map(\.value) } == [["1\nmore"], ["2"]])
  }

  @Test func theLastLineNeedsNoNewline() throws {
    #expect(try parse("A: 1").first?["A"] == "1")
    #expect(try parse("A: 1\n b").first?["A"] == "1\nb")
    #expect(try parse("").isEmpty)
    #expect(try parse("\n \t\n#\n").isEmpty)
  }

  @Test(arguments: [
    ("A: 1\nno colon\n", "control:2:"),
    (" stray\nA: 1\n", "control:1:"),
    ("A: 1\n\nB: 2\na: 1\nb: 3\n", "control:5:"),
    ("A: 1\nÄ: 2\n", "control:2:"),
    ("A B: 2\n", "control:1:"),
    (": 2\n", "control:1:"),
    ("-A: 2\n", "control:1:"),
    ("A: 1\n \t\nB: 2\n", "control:2:"),
    ("A: 1\nB: x\u{0}y\n", "control:2:"),
  ])
  func malformedTextNamesItsLine(_ text: String, _ place: String) throws {
    let error = try #require(failure(text))
    #expect(error.code == .malformedControl)
    #expect(error.description.hasPrefix(place))
  }

  @Test func brokenUTF8IsRefused() {
    #expect {
      try ControlParagraph.parse([0x41, 0x3A, 0x20, 0xC3, 0x0A], file: "Packages")
    } throws: {
      ($0 as? DebianPackageError)?.code == .malformedControl
    }
  }

  @Test func limitsHold() {
    let many = (0...1024).map { "F\($0): x\n" }.joined()
    #expect(failure(many)?.code == .limit)
    #expect(failure(String(repeating: "n", count: 257) + ": x\n")?.code == .limit)
    #expect(failure("A: " + String(repeating: "v", count: (16 << 20) + 1))?.code == .limit)
    let folded = "A:\n" + String(repeating: " " + String(repeating: "v", count: 1 << 20) + "\n", count: 17)
    #expect(failure(folded)?.code == .limit)
  }

  @Test func aSingleParagraphIsExactlyOne() throws {
    #expect(try ControlParagraph.parseSingle(Array("A: 1\n".utf8), file: "control")["A"] == "1")
    for text in ["", "A: 1\n\nB: 2\n"] {
      #expect(throws: DebianPackageError.self) {
        try ControlParagraph.parseSingle(Array(text.utf8), file: "control")
      }
    }
  }

  /// Any prefix of a sound file either parses or is refused; none traps, and none invents a field.
  @Test func everyPrefixIsSafe() throws {
    let text = "Package: frr\nDescription: routing\n suite\n .\n# note\nSize: 12\n\nPackage: kmod\r\n"
    let names = Set(try parse(text).flatMap { $0.fields.map(\.name) })
    for length in 0...text.utf8.count {
      let prefix = Array(text.utf8.prefix(length))
      guard let paragraphs = try? ControlParagraph.parse(prefix, file: "control") else { continue }
      for field in paragraphs.flatMap(\.fields) {
        #expect(names.contains(field.name))
      }
    }
  }
}
