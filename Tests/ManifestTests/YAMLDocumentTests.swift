import Manifest
import Testing

private func parse(_ text: String) throws -> YAMLNode {
  try YAMLDocument.parse(Array(text.utf8), file: "f")
}

private func refusal(_ bytes: [UInt8]) -> [String] {
  do {
    _ = try YAMLDocument.parse(bytes, file: "f")
    return []
  } catch {
    return error.problems.map { "\($0.code) \($0.location)" }
  }
}

private func refusal(_ text: String) -> [String] { refusal(Array(text.utf8)) }

@Suite struct YAMLDocumentTests {
  @Test func nodesKnowTheirPlaces() throws {
    let root = try parse("a: 1\nb:\n  - x\n  - {c: \"y\"}\n")
    #expect(root.location == SourceLocation(file: "f", line: 1, column: 1))
    #expect(root.entry("a")?.value.location == SourceLocation(file: "f", line: 1, column: 4))
    let list = try #require(root.entry("b"))
    #expect(list.keyLocation == SourceLocation(file: "f", line: 2, column: 1))
    guard case .sequence(let items) = list.value.content else {
      Issue.record("b is a sequence")
      return
    }
    #expect(items.map(\.location.line) == [3, 4])
    #expect(items.map(\.location.column) == [5, 5])
    #expect(items.last?.entry("c")?.value.location == SourceLocation(file: "f", line: 4, column: 9))
    #expect(items.last?.entry("c")?.value.text == "y")
  }

  @Test func columnsCountCodePointsAndCRLFIsOneBreak() throws {
    let root = try parse("\"ä€😀\": x\r\nb: y\r\n")
    #expect(root.entry("ä€😀")?.value.location == SourceLocation(file: "f", line: 1, column: 8))
    #expect(root.entry("b")?.value.location == SourceLocation(file: "f", line: 2, column: 4))
  }

  @Test func aByteOrderMarkIsNoColumn() throws {
    let root = try parse("\u{FEFF}a: 1\n")
    #expect(root.entry("a")?.value.location == SourceLocation(file: "f", line: 1, column: 4))
  }

  @Test(arguments: [
    ("true", YAMLScalar.Kind.boolean), ("False", .boolean), ("yes", .string), ("no", .string),
    ("on", .string), ("off", .string), ("y", .string), ("~", .null), ("", .null), ("null", .null),
    ("0644", .integer), ("-12", .integer), ("+3", .integer), ("0o17", .integer), ("0xfF", .integer),
    ("0o8", .string), ("0x", .string), ("+", .string), ("1_000", .string), ("190:20:30", .string),
    ("1.5", .float), (".5", .float), ("1.", .float), ("1e3", .float), ("-1.5E-3", .float), (".inf", .float),
    ("-.INF", .float), (".nan", .float), (".", .string), ("1e", .string), ("1.2.0", .string),
    ("2001-01-01", .string), ("\"5\"", .string), ("'true'", .string), ("!!str 5", .string),
    ("!!int 5", .integer), ("!!bool true", .boolean),
  ])
  func scalarsHaveTheTypesOfTheCoreSchema(text: String, kind: YAMLScalar.Kind) throws {
    let root = try parse("k: \(text)\n")
    guard case .scalar(let scalar)? = root.entry("k")?.value.content else {
      Issue.record("a scalar")
      return
    }
    #expect(scalar.kind == kind)
  }

  @Test(arguments: [
    ("a: &x 1\nb: *x\n", ["anchor f:1:4", "anchor f:2:4"]),
    ("a: {x: &b [1]}\n", ["anchor f:1:8"]),
    ("&k a: 1\n", ["anchor f:1:1"]),
    ("a: 1\nb: 2\na: 3\n", ["duplicateKey f:3:1"]),
    ("a:\n  b: 1\n  \"b\": 2\n", ["duplicateKey f:3:3"]),
    ("a:\n  <<: {b: 1}\n", ["mergeKey f:2:3"]),
    ("a: !!binary aGk=\n", ["tag f:1:4"]),
    ("a: !x {b: 1}\n", ["tag f:1:4"]),
    ("a: !!map {b: 1}\n", ["tag f:1:4"]),
    ("a: ! b\n", ["tag f:1:4"]),
    ("a: !!int b\n", ["badValue f:1:4"]),
    ("a: !!bool yes\n", ["badValue f:1:4"]),
    ("a: 1\n---\nb: 2\n", ["documentCount f:2:1"]),
    ("", ["documentCount f:1:1"]),
    ("# nothing\n", ["documentCount f:1:1"]),
    ("? [a]\n: b\n", ["wrongType f:1:3"]),
    ("a: [1\n", ["syntax f:2:1"]),
    ("a: 1\n\tb: 2\n", ["syntax f:2:1"]),
    ("a: \"x\n", ["syntax f:2:1"]),
    ("a: \"\\q\"\n", ["syntax f:1:5"]),
    ("a: b: c\n", ["syntax f:1:5"]),
    ("a: \u{0}\n", ["encoding f:1:4"]),
    ("a: 1\nb: \u{7}\n", ["encoding f:2:4"]),
    ("%YAML 3.0\n---\na: 1\n", ["syntax f:1:1"]),
  ])
  func refusesWithThePlace(text: String, expected: [String]) {
    #expect(refusal(text) == expected)
  }

  @Test func aQuotedMergeKeyIsAKey() throws {
    #expect(try parse("\"<<\": 1\n").entry("<<") != nil)
  }

  @Test func keysThatDifferInNormalizationOnlyAreTwoKeys() {
    #expect(refusal("\"\u{E9}\": 1\n\"e\u{301}\": 2\n") == [])
  }

  @Test func aTabGetsAHint() throws {
    let error = #expect(throws: ManifestError.self) { try parse("a:\n\tb: 1\n") }
    #expect(error?.description.hasSuffix("; indent with spaces instead of the tab") == true)
  }

  @Test(
    arguments: [
      ([0x61, 0x3A, 0x20, 0xFF, 0x0A], "encoding f:1:4"),
      ([0x61, 0x3A, 0x0A, 0xC3, 0xA4, 0xC3], "encoding f:2:2"),
      // The UTF-16 byte order marks, which libyaml would follow if it were let.
      ([0xFF, 0xFE, 0x61, 0x00], "encoding f:1:1"),
      ([0xFE, 0xFF, 0x00, 0x61], "encoding f:1:1"),
      // An encoded surrogate, and an overlong slash.
      ([0x61, 0x3A, 0x20, 0xED, 0xA0, 0x80], "encoding f:1:4"),
      ([0x61, 0x3A, 0x20, 0xC0, 0xAF], "encoding f:1:4"),
    ] as [([UInt8], String)])
  func refusesWhatIsNoUTF8(bytes: [UInt8], expected: String) {
    #expect(refusal(bytes) == [expected])
  }
}
