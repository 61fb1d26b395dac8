import Bytes
import FoundationEssentials
import Signing
import TestSupport
import Testing

@testable import UpdateFramework

/// What is read as metadata, and what is not.
@Suite struct MetadataTests {
  private let limit = 1 << 24

  private func code<Content: RoleContent>(_ text: String, _ type: Content.Type, limit: Int = 1 << 24)
    -> UpdateError.Code?
  {
    do {
      _ = try Metadata<Content>(Array(text.utf8), role: "test", limit: limit)
      return nil
    } catch {
      return error.code
    }
  }

  private static let timestamp = """
    {"signatures":[],"signed":{"_type":"timestamp","expires":"2030-01-01T00:00:00Z","meta":{"snapshot.json":\
    {"version":1}},"spec_version":"1.0.0","version":1}}
    """

  private func changed(_ old: String, _ new: String) -> UpdateError.Code? {
    #expect(Self.timestamp.contains(old))
    return code(Self.timestamp.replacing(old, with: new), TimestampRole.self)
  }

  @Test func aTimestampIsRead() throws {
    #expect(code(Self.timestamp, TimestampRole.self) == nil)
    #expect(code(Self.timestamp, SnapshotRole.self) == .wrongType)
    #expect(code(Self.timestamp, TimestampRole.self, limit: 10) == .tooLarge)
  }

  @Test func whatIsMissingOrOfTheWrongKindIsNamed() throws {
    #expect(changed(#""version":1}}"#, #""version":0}}"#) == .malformed)
    #expect(changed(#""version":1}},"#, #""version":"1"}},"#) == .malformed)
    #expect(changed(#""_type":"timestamp","#, "") == .malformed)
    #expect(changed(#""signatures":[],"#, "") == .malformed)
    #expect(changed(#""signatures":[]"#, #""signatures":{}"#) == .malformed)
    #expect(changed(#"{"version":1}"#, "[]") == .malformed)
    #expect(changed("2030-01-01T00:00:00Z", "2030-01-01") == .malformed)
    for version in ["2.0.0", "1", "1.x", "", "1.0.0.0", "0.9"] {
      #expect(
        changed(#""spec_version":"1.0.0""#, #""spec_version":"\#(version)""#)
          == (version == "" ? .unsupported : .unsupported))
    }
    #expect(changed(#""spec_version":"1.0.0""#, #""spec_version":"1.99""#) == nil)
  }

  @Test func numbersThatOthersWouldReadDifferentlyAreRefused() throws {
    for number in ["1.0", "1e3", "18446744073709551616", "-0", "9223372036854775808", "1E+2"] {
      #expect(changed(#""version":1}}"#, #""version":1,"x":\#(number)}}"#) == .malformed)
    }
    #expect(changed(#""version":1}}"#, #""version":1,"x":9223372036854775807}}"#) == nil)
    // What is counted with stays where it can be.
    #expect(changed(#""version":1}}"#, #""version":9007199254740991}}"#) == nil)
    for number in ["9007199254740992", "9223372036854775807"] {
      #expect(changed(#""version":1}}"#, #""version":\#(number)}}"#) == .malformed)
    }
  }

  @Test func twoMeaningsInOneFileAreRefused() throws {
    #expect(changed(#""version":1}}"#, #""version":1,"version":2}}"#) == .malformed)
    #expect(
      changed(#""signatures":[]"#, #""signatures":[{"keyid":"a","sig":""},{"keyid":"a","sig":""}]"#)
        == .malformed)
    #expect(
      changed(#""signatures":[]"#, #""signatures":[{"keyid":"a","sig":"zz"},{"keyid":"b","sig":""}]"#) == nil)
  }

  @Test func deepNestingIsRefusedWithoutATrap() throws {
    for depth in [31, 1000, 400_000] {
      let nested = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
      #expect(changed(#""version":1}}"#, #""version":1,"x":\#(nested)}}"#) == .malformed)
    }
    #expect(changed(#""version":1}}"#, #""version":1,"x":[[[[1]]]]}}"#) == nil)
  }

  @Test func aMillionMembersAreReadOrRefusedButNotForgotten() throws {
    let members = (0..<50_000).map { "\"m\($0)\":{}" }.joined(separator: ",")
    #expect(changed(#""version":1}}"#, #""version":1,\#(members)}}"#) == nil)
  }

  @Test func errorsCannotWriteToTheTerminal() throws {
    let role = "evil\u{1b}[2J\u{202e}\n"
    let text = "\(UpdateError(.malformed, role: role, "x"))"
    #expect(text == #"evil\u{1b}[2J\u{202e}\u{a}: x"#)
    #expect(
      "\(UpdateError(.malformed, role: String(repeating: "r", count: 500), version: 3, "x"))".count < 150)
  }

  @Test func everyRoleSurvivesWritingAndReading() throws {
    var repository = try TestRepository()
    try repository.delegate("a", .paths(["a/*", "b"]), isTerminating: true)
    try repository.delegate("b", from: "a", .hashPrefixes(["00", "ff"]))
    repository.add("a/x", "content", to: "a")
    repository.targets["a"]?.targets["a/x"]?.custom = .object([
      .init("k", .array([.null, .bool(true), .string("é\"\\")]))
    ])
    repository.targets["a"]?.header.unknown = [.init("x-unknown", .object([.init("deep", .integer(-1))]))]
    try repository.publishAll()
    repository.root.roles["root"]?.people = ["k": "ada"]
    repository.root.roles["root"]?.lifetime = 3600
    #expect(try RootRole(json: repository.root.json) == repository.root)
    #expect(try TimestampRole(json: repository.timestamp.json) == repository.timestamp)
    #expect(try SnapshotRole(json: repository.snapshot.json) == repository.snapshot)
    for role in repository.targets.values { #expect(try TargetsRole(json: role.json) == role) }
    let metadata = try repository.signed(repository.root, by: try #require(repository.signers["root"]))
    let again = try Metadata<RootRole>(metadata.bytes, role: "root", limit: limit)
    #expect(again.signed == metadata.signed && again.signatures == metadata.signatures)
    #expect(again.signedBytes == metadata.signedBytes && again.bytes == metadata.bytes)
  }

  @Test func bytesOfOthersAreKeptAsTheyAre() throws {
    let spaced = Self.timestamp.replacing(",", with: " , \n")
    var metadata = try Metadata<TimestampRole>(Array(spaced.utf8), role: "timestamp", limit: limit)
    #expect(metadata.bytes == Array(spaced.utf8))
    let plain = try Metadata<TimestampRole>(Array(Self.timestamp.utf8), role: "t", limit: limit)
    #expect(metadata.signedBytes == plain.signedBytes)
    metadata.add(MetadataSignature(keyID: "a", text: "00"))
    #expect(metadata.bytes != Array(spaced.utf8))
  }
}

@Suite struct UpdateTimeTests {
  @Test(arguments: [
    ("1970-01-01T00:00:00Z", 0), ("2030-01-01T00:00:00Z", 1_893_456_000),
    ("2000-02-29T23:59:59Z", 951_868_799),
    ("0001-01-01T00:00:00Z", -62_135_596_800), ("9999-12-31T23:59:59Z", 253_402_300_799),
    ("1969-12-31T23:59:59Z", -1), ("1900-03-01T00:00:00Z", -2_203_891_200),
  ]) func timesAreReadAndWritten(_ text: String, _ seconds: Int) throws {
    #expect(UpdateTime(text)?.seconds == seconds)
    #expect(UpdateTime(seconds: seconds).description == text)
  }

  @Test(arguments: [
    "", "2030-01-01T00:00:00", "2030-01-01 00:00:00Z", "2030-13-01T00:00:00Z", "2030-00-01T00:00:00Z",
    "2030-02-30T00:00:00Z", "1900-02-29T00:00:00Z", "2030-01-01T24:00:00Z", "2030-01-01T00:60:00Z",
    "2030-01-01T00:00:60Z", "+030-01-01T00:00:00Z", "2030-01-01T00:00:00z", "0000-01-01T00:00:00Z",
    "2030-01-01T00:00:00.1Z", "٢030-01-01T00:00:00Z",
  ]) func anythingElseIsNoTime(_ text: String) {
    #expect(UpdateTime(text) == nil)
  }

  @Test func timesStayWithinWhatCanBeWritten() {
    #expect(UpdateTime(seconds: 0).advanced(by: .max).description == "9999-12-31T23:59:59Z")
    #expect(UpdateTime(seconds: 0).advanced(by: .min).description == "0001-01-01T00:00:00Z")
    #expect(UpdateTime(seconds: .max).description == "9999-12-31T23:59:59Z")
  }

  @Test(.enabled(if: findTool("date") != nil, "date is not installed")) func dateAgrees() throws {
    for seconds in stride(from: -60_000_000_000, to: 250_000_000_000, by: 17_777_777_777) {
      let result = try run(["date", "-u", "-d", "@\(seconds)", "+%Y-%m-%dT%H:%M:%SZ"])
      #expect(result.text == UpdateTime(seconds: seconds).description + "\n")
    }
  }
}
