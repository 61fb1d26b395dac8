import Testing

@testable import Manifest

@Suite struct BooleanTests {
  private func decode(_ text: String) throws -> (value: Bool?, problems: [String]) {
    let node = try YAMLDocument.parse(Array(text.utf8), file: "f")
    var context = DecodingContext(file: "f", origin: Origin(kind: .image, name: "a"), tree: nil)
    context.key = "flag"
    let value = ValueType<Bool>.boolean.decode(node, &context)
    return (value, context.problems.map(\.description))
  }

  @Test(arguments: [("true", true), ("True", true), ("FALSE", false), ("false", false)])
  func readsTheCoreSchemasWords(text: String, expected: Bool) throws {
    #expect(try decode(text).value == expected)
  }

  @Test(arguments: [("yes", "true"), ("On", "true"), ("no", "false"), ("off", "false"), ("\"true\"", "true")])
  func suggestsTheRightWord(text: String, suggested: String) throws {
    let result = try decode(text)
    #expect(result.value == nil)
    #expect(result.problems.count == 1)
    #expect(result.problems.first?.hasSuffix("write \(suggested) without quotes") == true)
  }

  @Test(arguments: ["1", "[true]", "maybe", "~"])
  func refusesTheRest(text: String) throws {
    let result = try decode(text)
    #expect(result.value == nil)
    #expect(result.problems.first?.hasPrefix("f:1:1: flag takes true or false, not ") == true)
  }
}
