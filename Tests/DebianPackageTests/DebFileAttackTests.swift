import Testing

@testable import DebianPackage

/// Hostile packages, each made by hand; the sound one beside them shows that it is the attack that is refused.
@Suite struct DebFileAttackTests {
  private func data(_ members: [UInt8]...) -> [UInt8] {
    HandMade.package(data: members.flatMap { $0 } + [UInt8](repeating: 0, count: 1024))
  }

  @Test func theSoundPackageOpens() throws {
    let bytes = data(
      HandMade.member("./", type: "5", mode: 0o755), HandMade.member("./usr/", type: "5", mode: 0o755),
      HandMade.member("./usr/a", content: Array("hello".utf8)),
      HandMade.member("./usr/b", type: "1", link: "./usr/a"), HandMade.member("/usr/c", type: "2", link: "a"),
      HandMade.member("usr/d", type: "1", link: "usr/b"))
    let entries = try DebFile(bytes: bytes, name: "demo.deb").entries { _, _ in true }
    #expect(entries.map(\.path) == ["usr", "usr/a", "usr/b", "usr/c", "usr/d"])
    #expect(entries[1].kind == .file(size: 5, content: Array("hello".utf8)))
    #expect(entries[4].kind == .hardLink(to: "usr/a"))
  }

  @Test(arguments: [
    "../x", "./../x", "./a/../../x", "a/./b", "a//b", "..", "./a/..", "/..", "a/\u{1}", "a\nb", "a\u{7F}",
  ])
  func pathsThatLeaveOrConfuse(_ name: String) {
    #expect(HandMade.refusal(data(HandMade.member(name))) == .unsafePath)
    #expect(HandMade.refusal(data(HandMade.member(name, type: "2", link: "x"))) == .unsafePath)
    #expect(HandMade.refusal(data(HandMade.long("L", Array(name.utf8)), HandMade.member("x"))) == .unsafePath)
  }

  @Test func anEmptyNameAndBrokenUTF8() {
    #expect(HandMade.refusal(data(HandMade.member(""))) == .unsafePath)
    #expect(HandMade.refusal(data(HandMade.member("", rawName: [0x61, 0xFF]))) == .unsafePath)
    #expect(
      HandMade.refusal(data(HandMade.long("L", [0x61, 0, 0x62, 0]), HandMade.member("x"))) == .unsafePath)
    #expect(
      HandMade.refusal(data(HandMade.long("K", [0x61, 0, 0x62]), HandMade.member("x", type: "2")))
        == .unsafePath)
    #expect(HandMade.refusal(data(HandMade.long("L", []), HandMade.member("x"))) == .unsafePath)
  }

  @Test func linksThatEscapeOrDangle() {
    let file = HandMade.member("a", content: [1])
    func link(_ target: String) -> [UInt8] { HandMade.member("b", type: "1", link: target) }
    #expect(HandMade.refusal(data(file, link("./a"))) == nil)
    #expect(HandMade.refusal(data(file, link("/a"))) == .unsafeLink)
    #expect(HandMade.refusal(data(file, link("/etc/shadow"))) == .unsafeLink)
    #expect(HandMade.refusal(data(file, link("../a"))) == .unsafePath)
    #expect(HandMade.refusal(data(file, link("c"))) == .unsafeLink)
    #expect(HandMade.refusal(data(file, link("b"))) == .unsafeLink)
    #expect(HandMade.refusal(data(file, link(""))) == .unsafePath)
    #expect(HandMade.refusal(data(link("a"), file)) == .unsafeLink)
    #expect(HandMade.refusal(data(HandMade.member("a", type: "5"), link("a"))) == .unsafeLink)
    #expect(HandMade.refusal(data(HandMade.member("a", type: "2", link: "x"), link("a"))) == .unsafeLink)
    #expect(HandMade.refusal(data(HandMade.member("a", type: "2", link: ""))) == .unsafeLink)
  }

  @Test func nothingIsWrittenThroughALinkOrAFile() {
    let escape = HandMade.member("lib", type: "2", link: "/etc")
    #expect(HandMade.refusal(data(escape, HandMade.member("lib/passwd"))) == .unsafeLink)
    #expect(HandMade.refusal(data(escape, HandMade.member("lib/a/b/c"))) == .unsafeLink)
    #expect(HandMade.refusal(data(HandMade.member("a"), HandMade.member("a/b"))) == .unsafeLink)
    // The other order: the directory is already there, only implied or named, when the link comes.
    #expect(HandMade.refusal(data(HandMade.member("lib/passwd"), escape)) == .duplicate)
    #expect(HandMade.refusal(data(HandMade.member("lib/", type: "5"), escape)) == .duplicate)
  }

  @Test func duplicates() {
    let file = HandMade.member("./a", content: [1])
    #expect(HandMade.refusal(data(file, HandMade.member("/a", content: [2]))) == .duplicate)
    #expect(HandMade.refusal(data(file, HandMade.member("a/", type: "5"))) == .duplicate)
    let directory = HandMade.member("a/", type: "5")
    #expect(HandMade.refusal(data(directory, directory)) == .duplicate)
    #expect(HandMade.refusal(data(HandMade.member("a/b"), directory)) == nil)
    #expect(HandMade.refusal(HandMade.package(controlFiles: [HandMade.member("control")])) == .duplicate)
  }

  @Test(
    arguments: [
      ("3", .unsafeKind), ("4", .unsafeKind), ("6", .unsafeKind), ("7", .unsafeKind), ("S", .unsafeKind),
      ("D", .unsafeKind), ("M", .unsafeKind), ("V", .unsafeKind), ("s", .unsafeKind), ("x", .unsupported),
      ("g", .unsupported),
    ] as [(Character, DebianPackageError.Code)])
  func kindsThatNoPackageHas(_ type: Character, _ code: DebianPackageError.Code) throws {
    let error = try #require(HandMade.refusalError(data(HandMade.member("dev/x", type: type))))
    #expect(error.code == code)
    #expect(error.description.contains("demo.deb: data.tar"))
  }

  @Test func paxRecordsAreRefusedBeforeTheyAreBelieved() {
    // "19 path=../../etc/x\n" and a size that differs from the header's.
    for record in [
      "19 path=../../etc/x\n", "12 size=9999\n", "16 path=a\u{0}/../b\n", "22 GNU.sparse.major=1\n",
    ] {
      let pax = HandMade.member("PaxHeader", type: "x", content: Array(record.utf8))
      #expect(HandMade.refusal(data(pax, HandMade.member("a"))) == .unsupported)
    }
  }

  @Test func headersThatLie() {
    #expect(HandMade.refusal(data(HandMade.member("a", size: Array("0000000000x\0".utf8)))) == .corrupt)
    #expect(HandMade.refusal(data(HandMade.member("a", size: Array("00000000009\0".utf8)))) == .corrupt)
    #expect(
      HandMade.refusal(data(HandMade.member("a", size: [0xFF] + [UInt8](repeating: 0xFF, count: 11))))
        == .corrupt)
    #expect(
      HandMade.refusal(data(HandMade.member("a", size: [0x80] + [UInt8](repeating: 0xFF, count: 11))))
        == .corrupt)
    // 2^40 bytes, in GNU's binary form: beyond the limit long before anything is allocated.
    let huge: [UInt8] = [0x80, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    #expect(HandMade.refusal(data(HandMade.member("a", size: huge))) == .limit)
    // 256 MiB are within the limits, but they never come.
    #expect(HandMade.refusal(data(HandMade.member("a", size: HandMade.octal(256 << 20, 12)))) == .corrupt)
    let owner: [UInt8] = [0x80, 0, 0, 1, 0, 0, 0, 0]
    #expect(HandMade.refusal(data(HandMade.member("a", owner: owner))) == .limit)
    #expect(HandMade.refusal(data(HandMade.member("a/", type: "5", content: [1]))) == .corrupt)
    var wrongSum = HandMade.member("a")
    wrongSum[0] = 0x62
    #expect(HandMade.refusal(data(wrongSum)) == .corrupt)
  }

  @Test func theEndMustBeAnEnd() {
    let file = HandMade.member("a")
    let zeros = [UInt8](repeating: 0, count: 512)
    #expect(HandMade.refusal(HandMade.package(data: file + zeros + zeros)) == nil)
    #expect(HandMade.refusal(HandMade.package(data: file)) == .corrupt)
    #expect(HandMade.refusal(HandMade.package(data: file + zeros)) == .corrupt)
    #expect(HandMade.refusal(HandMade.package(data: file + zeros + file + zeros)) == .corrupt)
    #expect(HandMade.refusal(HandMade.package(data: file + zeros + zeros + file)) == .corrupt)
    #expect(HandMade.refusal(HandMade.package(data: HandMade.long("L", [0x61]) + zeros + zeros)) == .corrupt)
    #expect(HandMade.refusal(HandMade.package(data: [])) == .corrupt)
  }

  @Test func prefixesAndLongNamesJoin() throws {
    let deep = String(repeating: "d", count: 200)
    let bytes = data(
      HandMade.member("leaf", prefix: "usr/share"), HandMade.long("L", Array("./\(deep)\u{0}".utf8)),
      HandMade.long("K", Array("\(deep)/x\u{0}".utf8)), HandMade.member("cut", type: "2", link: "cut"))
    let entries = try DebFile(bytes: bytes, name: "demo.deb").entries { _, _ in false }
    #expect(entries.map(\.path) == ["usr/share/leaf", deep])
    #expect(entries[1].kind == .symlink(target: "\(deep)/x"))
  }

  @Test func limitsHold() {
    var limits = DebLimits()
    limits.fileSize = 10
    limits.entries = 2
    limits.pathLength = 20
    limits.totalSize = 8192
    limits.controlSize = 4096
    func refusal(_ members: [UInt8]...) -> DebianPackageError.Code? {
      let data = members.flatMap { $0 } + [UInt8](repeating: 0, count: 1024)
      return HandMade.refusal(HandMade.package(data: data), limits: limits)
    }
    #expect(refusal(HandMade.member("a", content: [UInt8](repeating: 1, count: 10))) == nil)
    #expect(refusal(HandMade.member("a", content: [UInt8](repeating: 1, count: 11))) == .limit)
    #expect(refusal(HandMade.member("a"), HandMade.member("b")) == nil)
    #expect(refusal(HandMade.member("a"), HandMade.member("b"), HandMade.member("c")) == .limit)
    #expect(refusal(HandMade.member(String(repeating: "p", count: 21))) == .limit)
    #expect(refusal(HandMade.member("a", type: "2", link: String(repeating: "p", count: 21))) == .limit)
    #expect(refusal(HandMade.long("L", [UInt8](repeating: 0x61, count: 22)), HandMade.member("a")) == .limit)
    #expect(refusal([UInt8](repeating: 0, count: 9000)) == .limit)
    let big = HandMade.member("md5sums", content: [UInt8](repeating: 0x61, count: 5000))
    #expect(HandMade.refusal(HandMade.package(controlFiles: [big]), limits: limits) == .limit)
    let component = HandMade.long("L", [UInt8](repeating: 0x63, count: 256))
    #expect(HandMade.refusal(data(component, HandMade.member("a"))) == .limit)
  }

  @Test func directoriesThatNobodyNamedAreBounded() {
    let deep = (0..<101).flatMap { row in
      HandMade.member(
        (0..<49).map { _ in "d" }.joined(separator: "/"),
        prefix: "\(row)" + String(repeating: "/e", count: 70))
    }
    #expect(HandMade.refusal(data(deep)) == .limit)
  }
}
