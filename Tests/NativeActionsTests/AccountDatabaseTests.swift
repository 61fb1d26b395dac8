import Foundation
import NativeActions
import TestSupport
import Testing

@Suite struct AccountDatabaseTests {
  private static let passwd = """
    root:*:0:0:root:/root:/bin/bash
    daemon:*:1:1:daemon:/usr/sbin:/usr/sbin/nologin
    games:*:5:60:games:/usr/games:/usr/sbin/nologin
    _apt:*:42:65534::/nonexistent:/usr/sbin/nologin
    busy:*:998:100::/:/usr/sbin/nologin
    nobody:*:65534:65534:nobody:/nonexistent:/usr/sbin/nologin

    """
  private static let group = """
    root:*:0:
    daemon:*:1:
    tty:*:5:
    audio:*:29:root,daemon
    games:*:60:
    users:*:100:
    taken:*:996:
    nogroup:*:65534:

    """
  private static let lines = """
    g kvm -
    g fixedgroup 250
    g render -
    g frr -
    u frr - "Frr routing" /nonexistent
    u! systemd-network - "systemd Network Management"
    u fixeduser 260 - /var/lib/fixed
    u pair 261:60
    u named -:audio
    u games 5 - /elsewhere
    u fixedgroup -
    m frr audio
    m frr vty
    m ghost vty
    m systemd-network audio
    """

  private func start() throws -> AccountDatabase {
    try AccountDatabase(
      passwd: [UInt8](Self.passwd.utf8), passwdFile: "passwd", group: [UInt8](Self.group.utf8),
      groupFile: "group")
  }

  private func parse(_ text: String, _ file: String = "a.conf") throws -> [Sysusers.Line] {
    try Sysusers.parse([UInt8](text.utf8), file: file)
  }

  @Test func numbersComeFromAboveAndFixedOnesStay() throws {
    var database = try start()
    try database.add(try parse(Self.lines))
    func uid(_ name: String) -> UInt32? { database.user(named: name)?.uid }
    func gid(_ name: String) -> UInt32? { database.group(named: name)?.gid }
    #expect(gid("kvm") == 999)
    #expect(gid("fixedgroup") == 250)
    #expect(gid("render") == 997)  // 998 is a user's of another name
    #expect(gid("frr") == 995)  // 996 is a group's
    #expect(uid("frr") == 995)
    #expect(uid("fixeduser") == 260)
    #expect(gid("fixeduser") == 260)
    #expect(uid("pair") == 261)
    #expect(database.user(named: "pair")?.gid == 60)
    #expect(database.user(named: "named")?.gid == 29)
    #expect(uid("fixedgroup") == 250)
    #expect(database.user(named: "games")?.home == "/usr/games")
    #expect(database.group(named: "vty")?.members == ["frr", "ghost"])
    #expect(database.group(named: "audio")?.members == ["daemon", "frr", "root", "systemd-network"])
  }

  @Test func rendersLockedAccountsOnly() throws {
    var database = AccountDatabase.minimal
    try database.add(try parse("u! svc 200 \"A service\" /srv\nm svc tty\n"))
    func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
    #expect(
      text(database.passwd) == """
        root:x:0:0:root:/root:/usr/sbin/nologin
        nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
        svc:x:200:200:A service:/srv:/usr/sbin/nologin

        """)
    #expect(text(database.group) == "root:x:0:\ntty:x:5:svc\nnogroup:x:65534:\nsvc:x:200:\n")
    #expect(text(database.shadow) == "root:!*:::::::\nnobody:!*::::::1:\nsvc:!*::::::1:\n")
    #expect(text(database.gshadow) == "root:!*::\ntty:!*::svc\nnogroup:!*::\nsvc:!*::\n")
  }

  @Test(arguments: [
    ("u x 200", "u x 201"), ("g x 200", "g x 201"), ("u x -:audio", "u x -:tty"),
    ("u x - - /a", "u x - - /b"),
    ("u x 200", "u y 200"), ("g x 200", "g y 200"),
  ])
  func conflictsNameBothOrigins(_ first: String, _ second: String) throws {
    var database = try start()
    do {
      try database.add(try parse(first, "first.conf") + parse(second, "second.conf"))
      Issue.record("nothing was thrown")
    } catch let error as NativeActionError {
      #expect(error.code == .conflict)
      #expect(error.description.contains("first.conf:1"))
      #expect(error.description.contains("second.conf:1"))
    }
  }

  @Test func conflictsWithTheStartSetNameItsLine() throws {
    for line in ["u daemon 7", "g tty 7", "u x 1", "g x 5"] {
      var database = try start()
      do {
        try database.add(try parse(line))
        Issue.record("nothing was thrown for \(line)")
      } catch let error as NativeActionError {
        #expect(error.code == .conflict)
        #expect(error.message.contains("passwd:2") || error.message.contains("group:3"))
      }
    }
  }

  @Test func agreeingLinesMerge() throws {
    var database = AccountDatabase.minimal
    try database.add(
      try parse("u x - - /home\n", "a") + parse("u! x 300 \"X\"\n", "b") + parse("u x 300\n", "c"))
    let user = try #require(database.user(named: "x"))
    #expect(user.uid == 300)
    #expect(user.home == "/home")
    #expect(user.gecos == "X")
    #expect(user.isExpired)
  }

  @Test func missingGroupsAndFullRanges() throws {
    #expect(
      code {
        var database = try start(); try database.add(try parse("u x -:nowhere"))
      } == .missing)
    #expect(
      code {
        var database = try start(); try database.add(try parse("u x 300:301"))
      } == .missing)
    #expect(
      code {
        var database = try start(); try database.add(try parse("r - 300-301\ng a -\ng b -\ng c -\n"))
      }
        == .exhausted)
    var database = try start()
    try database.add(try parse("r - 300-301\nr - 400\ng a -\ng b -\ng c -\n"))
    #expect(["a", "b", "c"].map { database.group(named: $0)?.gid } == [400, 301, 300])
  }

  @Test(arguments: [
    "root:*:0:0:root:/root", "ro ot:*:0:0:root:/root:/bin/sh", "root:*:x:0:r:/:/x", "root:*:0:65535:r:/:/x",
    "root:*:0:0:a\tb:/:/x",
  ])
  func malformedStartSets(_ line: String) {
    #expect(
      code {
        _ = try AccountDatabase(passwd: [UInt8](line.utf8), passwdFile: "p", group: [], groupFile: "g")
      } == .malformed)
  }

  @Test func startSetsWithDuplicatesConflict() {
    #expect(
      code {
        _ = try AccountDatabase(
          passwd: [UInt8]("a:*:1:1:::\nb:*:1:1:::\n".utf8), passwdFile: "p", group: [], groupFile: "g")
      } == .conflict)
  }

  @Test(.enabled(if: HostProgram.exists("systemd-sysusers"), "systemd-sysusers (systemd) is missing"))
  func agreesWithSystemdSysusers() async throws {
    let program = try #require(HostProgram("systemd-sysusers"))
    // systemd takes the group's number for `u games 5` from the start set, and has no `!` before 257.
    let lines = Self.lines.replacing("u! ", with: "u ")
    try await withScratchDirectory { scratch in
      let root = scratch.path
      try write(Self.passwd, to: "\(root)/etc/passwd")
      try write(Self.group, to: "\(root)/etc/group")
      try write(lines, to: "\(root)/usr/lib/sysusers.d/a.conf")
      _ = try program.succeed(["--root=\(root)"])
      var database = try start()
      try database.add(try parse(lines))
      func records(_ text: String, _ fields: [Int]) -> [[String]] {
        text.split(separator: "\n").map { line in
          let all = line.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
          return fields.map { all[$0].split(separator: ",").sorted().joined(separator: ",") }
        }
      }
      func compare(_ name: String, _ ours: [UInt8], _ fields: [Int]) throws {
        let theirs = String(decoding: try contents("\(root)/etc/\(name)"), as: UTF8.self)
        #expect(records(String(decoding: ours, as: UTF8.self), fields) == records(theirs, fields))
      }
      try compare("passwd", database.passwd, [0, 2, 3, 4, 5])
      try compare("group", database.group, [0, 2, 3])
    }
  }
}
