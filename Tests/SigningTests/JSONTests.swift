import Signing
import Testing

@Suite struct JSONTests {
  func parse(_ text: String) throws -> JSONValue {
    try JSONParser.parse(Array(text.utf8), maximumSize: 10_000)
  }

  @Test func readsWhatTheRFCAllows() throws {
    let value = try parse(
      #" { "a" : [ 1 , -2, 0, 1.50, -1e+3, true, false, null ] ,"b":{}, "c":[], "#
        + #""\u0064":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é" } "#
    )
    #expect(
      value["a"]?.elements
        == [
          .integer(1), .integer(-2), .integer(0), .number("1.50"), .number("-1e+3"), .bool(true),
          .bool(false), .null,
        ])
    #expect(value["b"]?.members == [])
    #expect(value["c"]?.elements == [])
    #expect(value["d"]?.text == "\"\\/\u{8}\u{c}\n\r\té😀é")
    #expect(value["e"] == nil)
    #expect(try parse("9223372036854775807").integer == .max)
    #expect(try parse("9223372036854775808") == .number("9223372036854775808"))
  }

  @Test(arguments: [
    "", " ", "{", "[", "\"", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "[1,]", "[1 2]",
    "{1:2}",
    "{a:1}", "01", "-", "-01", "1.", ".5", "1e", "1e+", "+1", "tru", "nul", "TRUE", "NaN", "Infinity", "1 2",
    "[]]",
    "\"\t\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"",
    "\"\\ud800x\"", "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "{\"x\":{\"a\":1,\"a\":1}}", "'a'",
    "// x\n1",
    "\u{feff}1", "[1,2", "\"\\", "\"\\u",
  ])
  func refusesEverythingElse(text: String) {
    #expect(throws: JSONError.self) { try parse(text) }
  }

  @Test func refusesBytesThatAreNoUTF8() {
    for bytes: [UInt8] in [
      [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82],
    ] {
      #expect(throws: JSONError.self) { try JSONParser.parse([0x22] + bytes + [0x22], maximumSize: 100) }
    }
  }

  @Test func boundsSizeAndDepth() throws {
    #expect(throws: JSONError.self) { try JSONParser.parse(Array("[1]".utf8), maximumSize: 2) }
    #expect(throws: JSONError.self) { try parse(String(repeating: "[", count: 5000)) }
    let deep = String(repeating: "[", count: 31) + String(repeating: "]", count: 31)
    _ = try parse(deep)
    #expect(throws: JSONError.self) { try parse("[[\(deep)]]") }
  }

  @Test func saysWhere() throws {
    do {
      _ = try parse(#"{"a":1,"a":2}"#)
      Issue.record("a duplicate name was accepted")
    } catch let error as JSONError {
      #expect(error == JSONError(offset: 7, problem: "the name 'a' comes twice"))
      #expect(error.description == "the name 'a' comes twice at byte 7")
    }
  }

  @Test func canonicalFormIsThatOfOLPC() throws {
    // Code points order, where UTF-16 would put the emoji first; nothing but quote and backslash is escaped.
    let value = try parse(#"{"\uffee":1,"😀":2,"b":[true,null,"\n\"\\/"],"a":{"z":-1,"y":0}}"#)
    #expect(
      value.canonical == "{\"a\":{\"y\":0,\"z\":-1},\"b\":[true,null,\"\n\\\"\\\\/\"],\"\u{ffee}\":1,\"😀\":2}"
    )
  }

  @Test func encodedFormIsReadBack() throws {
    let value = JSONValue.object([
      JSONMember("z", .string("\u{0}\u{1f}\n\"\\ü")),
      JSONMember("a", .array([.bool(false), .number("1.0")])),
    ])
    #expect(value.encoded == #"{"z":"\u0000\u001f\u000a\"\\ü","a":[false,1.0]}"#)
    #expect(try parse(value.encoded) == value)
  }

  @Test func namesThatOnlyLookAlikeAreTwo() throws {
    // One é as a code point, one with a combining accent: Swift's String calls them equal, bytes do not.
    #expect(try parse("{\"\u{e9}\":1,\"e\u{301}\":2}").members?.count == 2)
  }

  @Test func namesRepeatInLargeObjectsToo() throws {
    for count in [1, 15, 16, 17, 40] {
      let members = (0..<count).map { "\"m\($0)\":0" }
      #expect(try parse("{\(members.joined(separator: ","))}").members?.count == count)
      for member in members {
        #expect(throws: JSONError.self) { try parse("{\((members + [member]).joined(separator: ","))}") }
      }
    }
  }

  @Test func stringsWithAndWithoutEscapesAreTheSame() throws {
    #expect(
      try parse(#"["grüße","gr\u00fc\u00dfe","","\"",""]"#)
        == .array(["grüße", "grüße", "", "\"", ""].map { .string($0) }))
    for text in ["\"abc", "\"a\u{1}\"", "\"a\nb\"", "\"\\", "\"a\\\""] {
      #expect(throws: JSONError.self) { try parse(text) }
    }
    #expect(throws: JSONError.self) {
      try JSONParser.parse([0x22, 0x61, 0xff, 0x22], maximumSize: 100)
    }
  }
}
