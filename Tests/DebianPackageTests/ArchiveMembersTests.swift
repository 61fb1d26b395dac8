import Foundation
import TestSupport
import Testing

@testable import DebianPackage

/// The outer archive, and what must lie in it.
@Suite struct ArchiveMembersTests {
  private let version = HandMade.arMember("debian-binary", Array("2.0\n".utf8))
  private let control = HandMade.arMember(
    "control.tar", HandMade.tar(HandMade.member("./control", content: HandMade.control)))
  private let data = HandMade.arMember("data.tar", HandMade.tar())

  @Test func membersAreThoseOfAr() async throws {
    guard Tool.exists("ar") else { return }
    try await withScratchDirectory { directory in
      let script = "printf '2.0\\n' > debian-binary; printf abc > control.tar; printf abcd > data.tar; "
      _ = try Tool.must(
        "sh", ["-e", "-c", script + "ar rcD out.deb debian-binary control.tar data.tar"], in: directory)
      let bytes = [UInt8](try Data(contentsOf: directory.appendingPathComponent("out.deb")))
      let members = try ArchiveMembers(bytes, file: "out.deb").members
      #expect(members.map(\.name) == ["debian-binary", "control.tar", "data.tar"])
      #expect(members.map { Array(bytes[$0.range]) } == ["2.0\n", "abc", "abcd"].map { Array($0.utf8) })
    }
  }

  @Test func theOrderAndNumberOfMembers() {
    let extra = HandMade.arMember("_gpgorigin", [1, 2, 3])
    #expect(HandMade.refusal(HandMade.ar(version, control, data)) == nil)
    #expect(HandMade.refusal(HandMade.ar(version, extra, control, data)) == nil)
    #expect(HandMade.refusal(HandMade.ar(version, control, data, extra)) == nil)
    #expect(HandMade.refusal(HandMade.ar(extra, version, control, data)) == .corrupt)
    #expect(HandMade.refusal(HandMade.ar(version, data, control)) == .unsupported)
    #expect(HandMade.refusal(HandMade.ar(version, control)) == .corrupt)
    #expect(HandMade.refusal(HandMade.ar(version, control, data, HandMade.arMember("x", []))) == .corrupt)
    #expect(HandMade.refusal(HandMade.ar(version, control, control, data)) == .duplicate)
    let second = HandMade.arMember("data.tar.xz", HandMade.tar())
    #expect(HandMade.refusal(HandMade.ar(version, control, data, second)) == .corrupt)
    #expect(HandMade.refusal(HandMade.ar()) == .corrupt)
  }

  @Test func otherFormatsAreNamed() {
    for text in ["1.0\n", "2.1\n", "2.0", ""] {
      let other = HandMade.arMember("debian-binary", Array(text.utf8))
      #expect(HandMade.refusal(HandMade.ar(other, control, data)) == .unsupported)
    }
    let lzma = HandMade.arMember("data.tar.lzma", [1, 2])
    #expect(HandMade.refusal(HandMade.ar(version, control, lzma)) == .unsupported)
  }

  @Test func aNameThatPromisesAnotherCompressionIsRefused() {
    for name in ["data.tar.xz", "data.tar.gz", "data.tar.zst", "data.tar.bz2"] {
      let liar = HandMade.arMember(name, HandMade.tar())
      #expect(HandMade.refusal(HandMade.ar(version, control, liar)) == .corrupt)
    }
  }

  @Test(arguments: ["-1", "0x10", "99999999999", "", "1 2", "+4"])
  func sizesThatLie(_ size: String) {
    let liar = HandMade.arMember("data.tar", HandMade.tar(), size: String(size.prefix(10)))
    #expect(HandMade.refusal(HandMade.ar(version, control, liar)) == .corrupt)
  }

  @Test(arguments: ["/", "//", "/12", "a b", "a/b", "\u{1}"])
  func namesThatLie(_ name: String) {
    #expect(HandMade.refusal(HandMade.ar(version, HandMade.arMember(name, []), control, data)) == .corrupt)
  }

  @Test func headersMustEndAsTheyShould() {
    let other = HandMade.arMember("data.tar", HandMade.tar(), end: "``")
    #expect(HandMade.refusal(HandMade.ar(version, control, other)) == .corrupt)
  }

  @Test func everyPrefixIsRefused() {
    let bytes = HandMade.package(data: HandMade.tar(HandMade.member("a", content: [1])))
    #expect(HandMade.refusal(bytes) == nil)
    for length in 0..<bytes.count where length % 3 == 0 || length > bytes.count - 70 {
      #expect(HandMade.refusal(Array(bytes[..<length])) == .corrupt, "\(length)")
    }
  }

  @Test func theControlArchiveIsFlatAndComplete() {
    func refusal(_ members: [UInt8]...) -> DebianPackageError.Code? {
      let tar = members.flatMap { $0 } + [UInt8](repeating: 0, count: 1024)
      return HandMade.refusal(HandMade.ar(version, HandMade.arMember("control.tar", tar), data))
    }
    let good = HandMade.member("./control", content: HandMade.control)
    #expect(refusal(HandMade.member("./", type: "5"), good) == nil)
    #expect(refusal() == .malformedControl)
    #expect(refusal(HandMade.member("control", content: Array("Package: x\n".utf8))) == .malformedControl)
    #expect(refusal(good, HandMade.member("a/b")) == .unsafeKind)
    #expect(refusal(good, HandMade.member("postinst", type: "2", link: "/bin/sh")) == .unsafeKind)
    #expect(refusal(good, HandMade.member("../postinst")) == .unsafePath)
    let names = ["P", "-x", "a_b", "x", "a/b", "a b"]
    for name in names {
      let text = Array("Package: \(name)\nVersion: 1\nArchitecture: all\n".utf8)
      #expect(refusal(HandMade.member("control", content: text)) == .malformedControl, "\(name)")
    }
    let wrong = Array("Package: demo\nVersion: x\nArchitecture: all\n".utf8)
    #expect(refusal(HandMade.member("control", content: wrong)) == .malformedVersion)
  }

  @Test func conffilesAreAbsoluteOrFlagged() throws {
    func open(_ text: String) throws -> [String] {
      let file = HandMade.member("conffiles", content: Array(text.utf8))
      return try DebFile(bytes: HandMade.package(controlFiles: [file]), name: "demo.deb").conffiles
    }
    #expect(try open("/etc/a\n/etc/b c \n\nremove-on-upgrade /etc/old\n") == ["etc/a", "etc/b c"])
    for text in ["etc/a\n", "/etc/../a\n", "keep /etc/a\n", "/\n"] {
      #expect(throws: DebianPackageError.self) { try open(text) }
    }
  }
}
