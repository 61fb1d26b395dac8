import Foundation
import Testing

@testable import Manifest

@Suite struct ManifestErrorTests {
  private func problem(_ file: String, _ line: Int, _ column: Int, _ message: String) -> ManifestError.Problem
  {
    .init(.badValue, at: SourceLocation(file: file, line: line, column: column), message)
  }

  @Test func problemsAreSortedByPlaceAndToldOnce() {
    let error = ManifestError([
      problem("b", 1, 1, "m"), problem("a", 10, 1, "m"), problem("a", 9, 2, "m"), problem("a", 9, 1, "z"),
      problem("a", 9, 1, "m"), problem("b", 1, 1, "m"),
    ])
    #expect(error.description == "a:9:1: m\na:9:1: z\na:9:2: m\na:10:1: m\nb:1:1: m")
    #expect(error.codes.count == 5)
  }

  @Test func theSuggestionFollowsASemicolon() {
    let location = SourceLocation(file: "f")
    let error = ManifestError(.init(.conflict, at: location, "two of them", suggestion: "keep one"))
    #expect(error.description == "f:1:1: two of them; keep one")
  }

  @Test func codesKeepTheirNames() {
    // Programs read these names in what --json prints: renaming one is a change of the interface.
    #expect(
      ManifestError.Code.allCases.map(\.rawValue) == [
        "syntax", "encoding", "tooLarge", "tooManyNodes", "tooDeep", "anchor", "tag", "duplicateKey",
        "mergeKey", "documentCount", "unknownKey", "missingKey", "wrongType", "badValue", "notFound",
        "unreadable", "cycle", "conflict",
      ])
  }

  @Test func locatedValuesShowTheirMembers() {
    let origin = Origin(kind: .component, name: "base")
    let located = Located(GroupEntry(name: "g", gid: 5), origin: origin, location: SourceLocation(file: "f"))
    #expect(located.gid == 5)
    let name = located.map(\.name)
    #expect(name.value == "g")
    #expect(name.origin.description == "component base")
    #expect(name.location == located.location)
  }

  @Test func jsonTextIsReadBackByAnotherReader() throws {
    let text = "\u{1}\u{1F}\t\r\n\"\\/ä😀\u{7F}"
    let value = JSONText.object([
      ("z", .string(text)), ("a", .array([.integer(-5), .boolean(true), .null, .array([]), .object([])])),
    ])
    let data = Data(value.rendered().utf8)
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(object["z"] as? String == text)
    #expect((object["a"] as? [Any])?.count == 5)
    // Members keep their order.
    #expect(value.rendered().hasPrefix("{\n  \"z\": "))
  }

  @Test func aReplacementIsTheSameWhereverItWasDeclared() {
    func replacement(_ line: Int, _ name: String) -> ScriptReplacement {
      var result = ScriptReplacement()
      let origin = Origin(kind: .component, name: "c\(line)")
      let location = SourceLocation(file: "f", line: line)
      result.groups = [Located(GroupEntry(name: name), origin: origin, location: location)]
      return result
    }
    #expect(replacement(1, "g").hasSameContent(as: replacement(2, "g")))
    #expect(!replacement(1, "g").hasSameContent(as: replacement(1, "h")))
    #expect(!replacement(1, "g").hasSameContent(as: ScriptReplacement()))
    #expect(ScriptReplacement().isEmpty && !replacement(1, "g").isEmpty)
  }
}
