import Testing

@testable import DebianPackage

/// Each refusal is one sentence that names the package file and the place in it.
@Suite struct ErrorSentenceTests {
  private func sentence(_ data: [UInt8]...) -> String {
    let bytes = HandMade.package(data: data.flatMap { $0 } + [UInt8](repeating: 0, count: 1024))
    return HandMade.refusalError(bytes)?.description ?? ""
  }

  @Test func theFileTheMemberAndThePathAreNamed() {
    let device = sentence(HandMade.member("./dev/sda", type: "4"))
    #expect(device == "demo.deb: data.tar: “dev/sda” is a block device, which no package may hold")
    let twice = sentence(HandMade.member("a"), HandMade.member("./a"))
    #expect(twice == "demo.deb: data.tar has “a” twice")
    let below = sentence(HandMade.member("lib", type: "2", link: "/etc"), HandMade.member("lib/x"))
    #expect(below == "demo.deb: data.tar: “lib/x” lies below “lib”, which is no directory")
    let dangling = sentence(HandMade.member("a", type: "1", link: "b"))
    #expect(dangling == "demo.deb: data.tar: “a” is a hard link to “b”, which is no file that came before it")
    let escape = sentence(HandMade.member("a/../../b"))
    #expect(escape == "demo.deb: data.tar: “a/../../b” has an empty, “.” or “..” component")
  }

  @Test func controlFilesAreNamedWithTheirLine() {
    let text = Array("Package: demo\nVersion: 1\nArchitecture all\n".utf8)
    let error = HandMade.refusalError(HandMade.package(control: text))
    #expect(error?.description.hasPrefix("demo.deb: control:3: ") ?? false)
    let version = Array("Package: demo\nVersion: 1_2\nArchitecture: all\n".utf8)
    let wrong = HandMade.refusalError(HandMade.package(control: version))
    #expect(wrong?.description.hasPrefix("demo.deb: control: “1_2” is not a Debian version") ?? false)
    let missing = HandMade.refusalError(HandMade.package(control: Array("Package: demo\nVersion: 1\n".utf8)))
    #expect(missing?.description == "demo.deb: control has no field “Architecture”")
    let conffiles = HandMade.member("conffiles", content: Array("/etc/a\netc/b\n".utf8))
    let second = HandMade.refusalError(HandMade.package(controlFiles: [conffiles]))
    #expect(second?.description.hasPrefix("demo.deb: conffiles:2 ") ?? false)
  }

  @Test func aDamagedStreamSaysSo() {
    let bytes = HandMade.package(data: [1, 2, 3], dataName: "data.tar.xz")
    let error = HandMade.refusalError(bytes)
    #expect(error?.description == "demo.deb: data.tar.xz is not one xz stream; fetch the file again")
    #expect(HandMade.refusalError([])?.description.hasPrefix("demo.deb is not a sound package file") ?? false)
  }

  /// One sentence: no line break, no control character, no full stop inside that begins another.
  @Test func sentencesAreSingle() {
    let hostile = [
      HandMade.member("", rawName: [0x61, 0x0A, 0x62]), HandMade.member("a\u{1B}[2Jb"),
      HandMade.member("x", type: "6"),
      HandMade.member("..", type: "2", link: "x"), HandMade.member("a", size: Array("zzz".utf8)),
      HandMade.long("L", [0x0A]), HandMade.member("a/", type: "5", content: [1]),
    ]
    for member in hostile {
      let text = sentence(member)
      #expect(!text.isEmpty)
      #expect(!text.utf8.contains { $0 < 0x20 || $0 == 0x7F }, "\(text)")
      #expect(!text.contains(". "), "\(text)")
    }
  }
}
