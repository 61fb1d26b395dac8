import NativeActions
import Testing

@Suite struct SysusersTests {
  private func parse(_ text: String) throws -> [Sysusers.Line] {
    try Sysusers.parse([UInt8](text.utf8), file: "test.conf")
  }

  static let golden = """
    # comment
    ; another

    u  frr     -             "Frr routing suite" /nonexistent /usr/sbin/nologin
    u! locked  300
    u  both    301:60        'one gecos'
    u  named   -:audio       - /var/lib/named
    g  audio   29
    g  kvm     -  -
    m  frr     audio
    r  -       500-600
    r  -       700
    """

  @Test func readsEveryType() throws {
    let lines = try parse(Self.golden)
    #expect(
      lines.map(\.request) == [
        .user(
          name: "frr", identifier: .automatic, group: .own, gecos: "Frr routing suite", home: "/nonexistent",
          isExpired: false),
        .user(name: "locked", identifier: .fixed(300), group: .own, gecos: "", home: nil, isExpired: true),
        .user(
          name: "both", identifier: .fixed(301), group: .identifier(60), gecos: "one gecos", home: nil,
          isExpired: false),
        .user(
          name: "named", identifier: .automatic, group: .name("audio"), gecos: "", home: "/var/lib/named",
          isExpired: false),
        .group(name: "audio", identifier: .fixed(29)),
        .group(name: "kvm", identifier: .automatic),
        .member(user: "frr", group: "audio"),
        .range(500...600),
        .range(700...700),
      ])
    #expect(lines[0].origin == "test.conf:4")
    #expect(lines[8].origin == "test.conf:12")
  }

  @Test(arguments: [
    "u", "x name", "u na:me", "u 1name", "u -", "u name 65535", "u name 4294967295", "u name 99999999999",
    "u name 5:", "u name :5", "u name x", "u name -1", "g name 5:6", "g name 5 extra", "m name", "m name -",
    "r x 1-2",
    "r - 2-1", "r - 1-2-3", "r -", "u name - \"open", "u name - ge:cos", "u name - - relative",
    "u name - - /a/../b", "u name - - /a/../\u{301}b",
    "u name - - /a:b", "u name - a b c d", "u na%mme", "u thirty-two-characters-are-too-long-x",
    "u name - a /b /c d",
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

  @Test func ownersOfFilesAreUnknownWhenBuilding() {
    #expect(code { _ = try parse("u name /usr/bin/x") } == .unsupported)
    #expect(code { _ = try parse("g name /usr/bin/x") } == .unsupported)
  }

  @Test func prefixesNeverTrap() {
    let bytes = [UInt8](Self.golden.utf8)
    for count in 0..<bytes.count {
      let parsed = try? Sysusers.parse([UInt8](bytes[..<count]), file: "x")
      #expect((parsed?.count ?? 0) <= 9)
    }
  }
}
