import Bytes
import Testing

@testable import Manifest

@Suite struct SourceRecordTests {
  @Test(
    arguments: [
      ("a/b", "", "a/b"), ("../k", "manifests", "k"), ("./a/./b", "x", "x/a/b"), ("a//b/", "", "a/b"),
      ("../../a", "x/y", "a"), ("..", "x", ""), ("../..", "x", nil), ("../a", "", nil),
      ("/etc/passwd", "x", nil),
      ("a/../../../x", "y", nil), ("a\u{0}", "", nil), ("...", "", "..."), ("", "x", "x"),
    ] as [(String, String, String?)])
  func pathsResolveWithinTheRoot(path: String, directory: String, expected: String?) {
    #expect(SourcePath.resolve(path, from: directory) == expected)
  }

  @Test(arguments: [("a/b/c", "a/b"), ("a", ""), ("", "")])
  func directoriesHoldTheirEntries(path: String, expected: String) {
    #expect(SourcePath.directory(of: path) == expected)
  }

  // The digest is written down in its documentation, and computed here once more. Needs python3.
  @Test(.enabled(if: pythonHas("hashlib, struct"), "python3 is missing"))
  func theDigestIsThatOfItsDescription() throws {
    var record = SourceRecord()
    record.add(SourceFile(bytes: Array("z".utf8), isExecutable: true), at: "z")
    record.add(SourceFile(bytes: Array("x".utf8)), at: "a/ü")
    record.add(linkTo: "../t", at: "a/b")
    #expect(record.paths == ["a/b", "a/ü", "z"])
    let script = """
      import hashlib, struct
      sha = lambda data: hashlib.sha256(data).digest()
      encoded = b''
      for path, kind, data in [('a/b', 2, b'../t'), ('a/ü', 0, b'x'), ('z', 1, b'z')]:
          path = path.encode()
          encoded += struct.pack('<Q', len(path)) + path + bytes([kind]) + sha(data)
      print(sha(encoded).hex())
      """
    #expect(try runPython(script, input: []) == "\(record.digest.hex)\n")
  }

  @Test func orderDoesNotMatterAndMergingIsAdding() {
    var first = SourceRecord()
    first.add(SourceFile(bytes: [1]), at: "a")
    var second = SourceRecord()
    second.add(SourceFile(bytes: [2]), at: "b")
    var both = SourceRecord()
    both.add(SourceFile(bytes: [2]), at: "b")
    both.add(SourceFile(bytes: [1]), at: "a")
    first.merge(second)
    #expect(first.digest == both.digest)
    #expect(first.digest != second.digest)
  }

  @Test func namesThatDifferInNormalizationOnlyAreTwoFiles() {
    var record = SourceRecord()
    record.add(SourceFile(bytes: [1]), at: "\u{E9}")
    record.add(SourceFile(bytes: [2]), at: "e\u{301}")
    #expect(record.paths.map { Array($0.utf8) } == [Array("e\u{301}".utf8), Array("\u{E9}".utf8)])
  }
}
