import NativeActions
import Testing

@testable import NativeActions

@Suite struct TmpfilesParseTests {
  private func parse(_ text: String) throws -> [Tmpfiles.Line] {
    try Tmpfiles.parse([UInt8](text.utf8), file: "test.conf")
  }

  static let golden = """
    # comment
    d  /etc/credstore  0700 root root 10d -
    f+! "/etc/with space" :~0644 :frr 1234 - two  words\\n
    f~ /etc/binary - - - - AAEC/w==
    L+ /etc/mtab - - - - ../proc/self/mounts
    C /srv//x/./y/
    z /etc/*.conf
    a+ /var/log/journal/%m - - - - d:group::r-x
    w /proc/x - - - - -
    f^ /etc/issue - - - - login.issue
    c /dev/x 0600 - - - 10:200
    L /etc/percent%%\\x25n
    """

  @Test func readsFieldsAndModifiers() throws {
    let lines = try parse(Self.golden.replacing("w /proc/x - - - - -\n", with: ""))
    #expect(lines[0].kind == .directory)
    #expect(lines[0].mode == Tmpfiles.Mode(bits: 0o700, isMasked: false, isForNewOnly: false))
    #expect(lines[0].age == "10d")
    #expect(lines[0].argument == nil)
    #expect(lines[1].path == "/etc/with space")
    #expect(lines[1].modifiers == [.plus, .boot])
    #expect(lines[1].mode == Tmpfiles.Mode(bits: 0o644, isMasked: true, isForNewOnly: true))
    #expect(lines[1].user == Tmpfiles.Owner(name: "frr", isForNewOnly: true))
    #expect(lines[1].group == Tmpfiles.Owner(name: "1234", isForNewOnly: false))
    #expect(lines[1].argument == [UInt8]("two  words\n".utf8))
    #expect(lines[2].argument == [0, 1, 2, 255])
    #expect(lines[3].argument == [UInt8]("../proc/self/mounts".utf8))
    #expect(lines[4].path == "/srv/x/y")
    #expect(lines[6].unknownSpecifier == "m")
    #expect(lines[6].argument == [UInt8]("d:group::r-x".utf8))
    #expect(lines[7].modifiers == .credential)
    #expect(lines[8].argument == [UInt8]("10:200".utf8))
    #expect(lines[9].unknownSpecifier == "n")
    #expect(lines[1].origin == "test.conf:3")
  }

  @Test(arguments: [
    "d", "k /x", "d! ", "d!! /x", "d@ /x", "d relative", "d /a/../b", "d /a/../\u{301}b", "d /x 0888",
    "d /x 10000",
    "d /x ~~0755",
    "d /x rwx", "d /x - us:er", "d /x - 1x", "d \"/open", "d /x\\q", "w /x", "w /x - - - - -",
    "f /x - - - - \\x",
    "f~ /x - - - - A", "f~ /x - - - - AA=A", "f~ /x - - - - AB==", "c /dev/x", "b /dev/x - - - - 1",
    "b /dev/x - - - - 1:x",
    "C /x - - - - relative", "L /x - - - - \\xff", "d /\\xff", "d /x - %m",
  ])
  func malformedLinesNameTheirPlace(_ line: String) {
    do {
      _ = try parse("# first\n\(line)\n")
      Issue.record("nothing was thrown for \(line)")
    } catch let error as NativeActionError {
      #expect(error.code == .malformed)
      #expect(error.origin == "test.conf:2")
    } catch {
      Issue.record("another error: \(error)")
    }
  }

  @Test func everyTypeLetterIsKnown() throws {
    for letter in "fwdDevqQpLcbCxXrRzZtThHaAF" {
      let argument = "cb".contains(letter) ? "1:2" : letter == "w" ? "x" : "-"
      #expect(try parse("\(letter) /run/x - - - - \(argument)").count == 1)
    }
    #expect(Tmpfiles.Kind.allCases.count == 26)
  }

  @Test func prefixesNeverTrap() {
    let bytes = [UInt8](Self.golden.utf8)
    for count in 0..<bytes.count {
      let parsed = try? Tmpfiles.parse([UInt8](bytes[..<count]), file: "x")
      #expect((parsed?.count ?? 0) <= 11)
    }
  }

  @Test(arguments: [
    ("", []), ("AA==", [0]), ("AAE=", [0, 1]), ("TWFu", [77, 97, 110]), ("TWFu\nTQ ==", [77, 97, 110, 77]),
  ])
  func base64(_ text: String, _ bytes: [UInt8]) {
    #expect(Base64.decode([UInt8](text.utf8)) == bytes)
  }
}
