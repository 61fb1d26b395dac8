import Manifest
import Testing

private func codes(_ text: String) -> [ManifestError.Code] {
  do {
    _ = try YAMLDocument.parse(Array(text.utf8), file: "f")
    return []
  } catch {
    return error.codes
  }
}

@Suite struct YAMLLimitTests {
  @Test func refusesTenMegabytes() {
    #expect(codes(String(repeating: "a", count: 10 << 20)) == [.tooLarge])
  }

  @Test func takesExactlyTheLargestFile() {
    let head = "a: "
    #expect(codes(head + String(repeating: "x", count: YAMLDocument.maximumSize - head.utf8.count)) == [])
    let more = head + String(repeating: "x", count: YAMLDocument.maximumSize - head.utf8.count + 1)
    #expect(codes(more) == [.tooLarge])
  }

  @Test func refusesTooManyNodes() {
    // The sequence itself is a node too.
    let most = YAMLDocument.maximumNodes - 1
    #expect(codes("[" + String(repeating: "1,", count: most) + "]") == [])
    #expect(codes("[" + String(repeating: "1,", count: most + 1) + "]") == [.tooManyNodes])
  }

  @Test func refusesDeepNestingOfEveryForm() {
    let depth = YAMLDocument.maximumDepth
    func nested(_ open: String, _ close: String, _ count: Int) -> String {
      String(repeating: open, count: count) + "1" + String(repeating: close, count: count)
    }
    #expect(codes(nested("[", "]", depth)) == [])
    #expect(codes(nested("[", "]", depth + 1)) == [.tooDeep])
    #expect(codes(nested("{a: ", "}", depth + 1)) == [.tooDeep])
    #expect(codes(nested("- ", "", depth)) == [])
    #expect(codes(nested("- ", "", depth + 1)) == [.tooDeep])
    #expect(codes(nested("? ", "", depth + 1)) == [.tooDeep])
  }

  @Test(arguments: ["[", "{a: ", "- ", "? ", "[{", "&a [", "!!str ", "a: ", "\"", "'", "%", "*"])
  func aMegabyteOfOpeningsIsRefused(unit: String) {
    let text = String(repeating: unit, count: (YAMLDocument.maximumSize - 1) / unit.utf8.count)
    #expect(!codes(text).isEmpty)
  }

  @Test func anAliasBombIsRefusedAndNotExpanded() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for level in 1...20 {
      let aliases = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(aliases)]\n"
    }
    let codes = codes(text)
    #expect(Set(codes) == [.anchor])
    #expect(codes.count <= 100)
  }

  @Test func aFileOfMistakesHasAReportOfBoundedLength() {
    #expect(codes(String(repeating: "a: 1\n", count: 50_000)).count == 100)
  }
}
