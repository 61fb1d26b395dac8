import Manifest
import TestSupport
import Testing

@testable import ImageBuilder

@Suite("rules: who gets in")
struct AccessRuleTests {
  @Test("SSH programs and units are found by name, completions and directories are not")
  func sshNames() async throws {
    let fixture = CheckFixture([
      ("usr/sbin/sshd", .text("", mode: 0o755)), ("usr/bin/slogin", .link("ssh")),
      ("usr/lib/openssh/sftp-server", .text("", mode: 0o755)),
      ("usr/lib/systemd/system/ssh.service", .text("[Service]\n")),
      (
        "etc/systemd/system/multi-user.target.wants/sshd.service",
        .link("/usr/lib/systemd/system/sshd.service")
      ),
      ("usr/share/bash-completion/completions/ssh", .text("")),
      ("usr/share/zsh/ssh", .link("slogin")), ("usr/lib/python3/ssh", .directory(mode: 0o755)),
      ("etc/apparmor.d/sshd", .text("")),
    ])
    #expect(
      try await fixture.paths(.ssh) == [
        "/etc/systemd/system/multi-user.target.wants/sshd.service", "/usr/bin/slogin",
        "/usr/lib/openssh/sftp-server", "/usr/lib/systemd/system/ssh.service", "/usr/sbin/sshd",
      ])
  }

  @Test("an SSH program of any other name is found by the protocol's words, in ELF files only")
  func sshContent() async throws {
    let elf: [UInt8] = [0x7F, 0x45, 0x4C, 0x46] + [UInt8](repeating: 0, count: 60)
    let fixture = CheckFixture([
      ("usr/bin/maintenance", .program(elf + Array("ssh-userauth\0ssh-connection\0".utf8))),
      ("usr/lib/libssh2.so.1", .program(elf + Array("..ssh-connection..ssh-userauth".utf8), mode: 0o644)),
      ("usr/bin/half", .program(elf + Array("ssh-userauth\0".utf8))),
      ("usr/share/wireshark/ssh", .text("ssh-userauth ssh-connection")),
    ])
    #expect(try await fixture.paths(.ssh) == ["/usr/bin/maintenance", "/usr/lib/libssh2.so.1"])
  }

  @Test(
    "this host's shells are shells by name and by content",
    .enabled(if: hostHas(["bash", "dash"]), "bash or dash is missing"))
  func realShells() async throws {
    let bash = try hostProgram("bash")
    let dash = try hostProgram("dash")
    let fixture = CheckFixture([
      ("usr/bin/bash", .program(bash)), ("usr/bin/sh", .link("dash")), ("usr/bin/dash", .program(dash)),
      ("usr/lib/x/renamed-bash", .program(bash)), ("usr/lib/x/renamed-dash", .program(dash, mode: 0o644)),
      ("usr/bin/ls", .program(try hostProgram("ls"))), ("usr/bin/awk", .program(try hostProgram("as"))),
    ])
    #expect(
      try await fixture.paths(.shell) == [
        "/usr/bin/bash", "/usr/bin/dash", "/usr/bin/sh", "/usr/lib/x/renamed-bash", "/usr/lib/x/renamed-dash",
      ])
  }

  @Test("what /etc/shells names is a shell if it is there")
  func loginShells() async throws {
    let fixture = CheckFixture([
      ("etc/shells", .text("# comment\n/bin/odd\n/usr/bin/odd\n/bin/absent\n\nusr/bin/relative\n")),
      ("usr/bin/odd", .text("", mode: 0o755)), ("usr/bin/relative", .text("", mode: 0o755)),
      ("usr/share/bash-completion/completions/bash", .link("x")),
    ])
    #expect(try await fixture.findings(.shell) == ["/usr/bin/odd: is a login shell by /etc/shells: drop it"])
  }

  @Test("login programs and the units that start them; nologin is none")
  func login() async throws {
    let fixture = CheckFixture([
      ("usr/bin/su", .text("", mode: 0o4755)), ("usr/sbin/nologin", .text("", mode: 0o755)),
      (
        "usr/lib/systemd/system/getty@.service",
        .text("[Service]\nExecStart=-/sbin/agetty -o '-- \\\\u' %I\n")
      ),
      (
        "usr/lib/systemd/system/quiz.service",
        .text("[Service]\nExecStart=/bin/quiz\nStandardInput=tty-force\n")
      ),
      ("usr/lib/systemd/system/good.service", .text("[Service]\nExecStart=/bin/good\nStandardInput=null\n")),
      ("etc/pam.d/su", .text("")), ("etc/pam.d/login", .text("")),
    ])
    #expect(
      try await fixture.findings(.login) == [
        "/usr/bin/su: lets people log in or change who they are: drop it",
        "/usr/lib/systemd/system/getty@.service: is a unit of a login prompt: drop it",
        "/usr/lib/systemd/system/quiz.service: is a unit that reads from a terminal: drop it",
      ])
  }

  @Test("set-user-ID and set-group-ID files, but no directories")
  func setuid() async throws {
    let fixture = CheckFixture([
      ("usr/bin/a", .text("", mode: 0o4755)), ("usr/bin/b", .text("", mode: 0o2755)),
      ("usr/bin/c", .text("", mode: 0o6711)), ("usr/bin/d", .text("", mode: 0o1755)),
      ("usr/lib/shared", .directory(mode: 0o2775)),
    ])
    #expect(
      try await fixture.findings(.setuid) == [
        "/usr/bin/a: is set-user-ID (mode 4755): drop it, or give it the mode 0755 under permissions",
        "/usr/bin/b: is set-group-ID (mode 2755): drop it, or give it the mode 0755 under permissions",
        "/usr/bin/c: is set-user-ID and set-group-ID (mode 6711): drop it, or give it the mode 0711 under permissions",
      ])
  }

  @Test("what everybody may write, except sticky directories and links")
  func worldWritable() async throws {
    let fixture = CheckFixture([
      ("etc/a", .text("", mode: 0o666)), ("etc/b", .directory(mode: 0o777)),
      ("tmp", .directory(mode: 0o1777)),
      ("etc/c", .link("a")), ("etc/d", .text("", mode: 0o660)),
    ])
    #expect(try await fixture.paths(.worldWritable) == ["/etc/a", "/etc/b"])
  }

  @Test("file capabilities have to be asked for")
  func capabilities() async throws {
    var fixture = CheckFixture([
      ("usr/bin/ping", .text("", mode: 0o755)), ("usr/bin/other", .text("", mode: 0o755)),
    ])
    for path in ["usr/bin/ping", "usr/bin/other"] {
      fixture.tree[path]?.extendedAttributes["security.capability"] = [1]
    }
    #expect(try await fixture.paths(.capabilities) == ["/usr/bin/other", "/usr/bin/ping"])
    fixture.declarations.permissions = [
      Declared.by(PermissionChange(path: "/bin/ping", capabilities: ["cap_net_raw"], reason: "r")),
      Declared.by(PermissionChange(path: "/bin/other", mode: 0o755, reason: "r")),
    ]
    #expect(try await fixture.paths(.capabilities) == ["/usr/bin/other"])
  }

  @Test("hashes and empty passwords in account files, hashes in configuration")
  func passwords() async throws {
    let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./abcdefghijklmnopqrstuv"
    let hash = "$6$rounds=5000$saltsalt$\(letters)"
    let fixture = CheckFixture([
      (
        "etc/shadow",
        .text("root:*:1::::::\na:\(hash):1::::::\nb:!\(hash):1::::::\nc::1::::::\nd:!:1::::::\n")
      ),
      ("etc/passwd", .text("root:x:0:0::/root:/x\nold:aaJlpQ2Y1Uzcw:1:1::/:/x\n+nis\n")),
      ("etc/gshadow", .text("wheel:::\nfrr:!::\nops:secret::\n")),
      (
        "etc/app.conf",
        .text("# costs $5 and $6\npassword = $y$j9T$F5Jx5fExrKuPp53xLKQ..1$\(letters.prefix(43))\n")
      ),
      ("etc/plain.conf", .text("price=$1$ PATH=$PATH:$6$7$ $y$short$\n")),
      ("usr/share/doc/crypt", .text("$6$saltsalt$\(String(repeating: "x", count: 86))\n")),
      ("usr/share/factory/etc/bcrypt", .text("$2b$12$\(letters.prefix(53))")),
      ("usr/share/base-passwd/passwd.master", .text("root:*:0:0:root:/root:/bin/bash\n")),
    ])
    let findings = try await fixture.findings(.passwordHash)
    #expect(
      findings == [
        "/etc/app.conf: holds the hash of a password at byte 29: leave it out",
        "/etc/gshadow: holds the hash of ops's password: lock the account with *",
        "/etc/passwd: holds the hash of old's password: lock the account with *",
        "/etc/shadow: holds the hash of a's password: lock the account with *",
        "/etc/shadow: holds the hash of b's password: lock the account with *",
        "/etc/shadow: lets c in without a password: lock the account with *",
        "/usr/share/factory/etc/bcrypt: holds the hash of a password at byte 0: leave it out",
      ])
  }

  private static let elf: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 57)

  private func program(_ words: String...) -> CheckFixture.Item {
    .program(Self.elf + words.flatMap { Array("\0\($0)\0".utf8) })
  }

  @Test("other shells under other names; programs that only bring completions for shells are none")
  func shellContents() async throws {
    let fixture = CheckFixture([
      ("usr/lib/a", program("KSH_VERSION")), ("usr/lib/b", program("ZSH_EVAL_CONTEXT")),
      ("usr/lib/c", program("BusyBox v1.37.0 (Debian)")),
      ("usr/lib/d", program("Toybox %s multicall binary%s")),
      ("usr/lib/e", program("/etc/csh.cshrc")), ("usr/lib/f", program("Fish cannot find its asset files in")),
      ("usr/lib/g", program("src.elv.sh/pkg/shell")), ("usr/lib/h", program("PS4=+ ")),
      // What a Go program with generated completions holds.
      ("usr/bin/tool", program("if [[ ${BASH_VERSINFO[0]} -gt 3 ]]", "$ZSH_VERSION", "__fish_tool_complete")),
      ("usr/share/notes", .text("BASH_EXECUTION_STRING KSH_VERSION")),
    ])
    #expect(
      try await fixture.paths(.shell) == ["a", "b", "c", "d", "e", "f", "g", "h"].map { "/usr/lib/\($0)" })
  }

  @Test(
    "chains of links and second names lead to the same shell",
    .enabled(if: hostHas(["dash"]), "dash is missing"))
  func shellLinks() async throws {
    var fixture = CheckFixture([
      ("usr/lib/x/tool", .program(try hostProgram("dash"))), ("usr/bin/one", .link("two")),
      ("usr/bin/two", .link("../lib/x/tool")), ("usr/bin/ash", .link("one")),
    ])
    fixture.tree["usr/lib/x/second"] = fixture.tree["usr/lib/x/tool"]
    #expect(
      try await fixture.paths(.shell) == ["/usr/bin/ash", "/usr/lib/x/second", "/usr/lib/x/tool"])
  }

  @Test("prompts by the unit's name alone, by a drop-in, and login programs of other names")
  func hiddenLogins() async throws {
    let units = "usr/lib/systemd/system"
    let fixture = CheckFixture([
      ("\(units)/serial-getty@.service", .text("[Unit]\nDescription=x\n")),
      ("\(units)/serial-getty@ttyS0.service", .text("[Unit]\nDescription=x\n")),
      ("\(units)/app.service", .text("[Service]\nExecStart=/usr/bin/app\n")),
      ("\(units)/app.service.d/x.conf", .text("[Service]\nExecStart=\nExecStart=/usr/bin/login -f root\n")),
      ("etc/systemd/system/other.service.d/y.conf", .text("[Service]\nStandardInput=tty\n")),
      ("usr/lib/a", program("login-pause", "autologin")), ("usr/lib/b", program("session-command")),
      ("usr/lib/c", program("TOO MANY LOGIN TRIES (%u) FROM %s")),
      ("usr/lib/systemd/system-generators/systemd-getty-generator", .text("", mode: 0o755)),
      ("etc/init.d/sudo", .text("#!/bin/sh", mode: 0o755)),
    ])
    #expect(
      try await fixture.paths(.login) == [
        "/etc/systemd/system/other.service.d/y.conf", "/usr/lib/a", "/usr/lib/b", "/usr/lib/c",
        "/usr/lib/systemd/system-generators/systemd-getty-generator", "/\(units)/app.service.d/x.conf",
        "/\(units)/serial-getty@.service", "/\(units)/serial-getty@ttyS0.service",
      ])
  }

  @Test("SSH in a scripting language is SSH; a script in /usr/share that shares a program's name is not")
  func sshScripts() async throws {
    let fixture = CheckFixture([
      ("usr/lib/python3/x/transport.py", .text("'ssh-userauth' 'ssh-connection'")),
      ("usr/lib/python3/x/notes.txt", .text("'ssh-userauth' 'ssh-connection'")),
      ("usr/share/rsync/lsh", .text("#!/usr/bin/perl\n", mode: 0o755)),
      ("usr/share/x/ssh", .program(Self.elf)),
    ])
    #expect(try await fixture.paths(.ssh) == ["/usr/lib/python3/x/transport.py", "/usr/share/x/ssh"])
  }

  private static let letters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./abcdefghijklmnopqrstuv"

  @Test(
    "every method of crypt(5), anywhere but in programs",
    arguments: [
      "$1$saltsalt$\(letters.prefix(22))", "$apr1$saltsalt$\(letters.prefix(22))",
      "$5$rounds=9999$salt$\(letters.prefix(43))", "$6$salt$\(letters.prefix(86))",
      "$y$j9T$saltsaltsalt$\(letters.prefix(43))", "$gy$j9T$saltsaltsalt$\(letters.prefix(43))",
      "$7$CU..../....saltsaltsa$\(letters.prefix(43))", "$2a$10$\(letters.prefix(53))",
      "$2b$12$\(letters.prefix(53))", "$2y$05$\(letters.prefix(53))",
      "$sha1$40000$saltsalt$\(letters.prefix(28))",
      "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21l$\(letters.replacing(".", with: "").prefix(43))",
    ])
  func methods(hash: String) async throws {
    let text = "key: \"\(hash)\"\n"
    let fixture = CheckFixture([
      ("usr/share/app/settings.json", .text(text)), ("usr/lib/app", .program(Self.elf + Array(text.utf8))),
      ("opt/short", .text("\(hash.dropLast(4))\n")), ("opt/long", .text(hash + "abcd\n")),
    ])
    #expect(
      try await fixture.findings(.passwordHash) == [
        "/usr/share/app/settings.json: holds the hash of a password at byte 6: leave it out"
      ])
  }

  @Test(
    "real hashes of openssl passwd", .enabled(if: hostHas(["openssl"]), "openssl is missing"),
    arguments: ["-1", "-5", "-6", "-apr1"])
  func openssl(method: String) async throws {
    let made = try run(["openssl", "passwd", method, "correct horse"])
    try #require(made.status == 0)
    let fixture = CheckFixture([("etc/app/users", .text("alice:\(made.text)"))])
    #expect(try await fixture.paths(.passwordHash) == ["/etc/app/users"])
  }

  @Test("a new mode or capability is that of every name of a file")
  func hardLinks() throws {
    var fixture = CheckFixture([
      ("usr/bin/a", .text("", mode: 0o4755)), ("usr/bin/other", .text("", mode: 0o4755)),
    ])
    fixture.tree["usr/bin/b"] = fixture.tree["usr/bin/a"]
    try fixture.tree.apply([
      Declared.by(PermissionChange(path: "/bin/b", mode: 0o755, capabilities: ["cap_net_raw"], reason: "r"))
    ])
    for name in ["a", "b"] {
      #expect(fixture.tree["usr/bin/\(name)"]?.mode == 0o755)
      #expect(fixture.tree["usr/bin/\(name)"]?.extendedAttributes.keys.sorted() == ["security.capability"])
    }
    #expect(fixture.tree["usr/bin/other"]?.mode == 0o4755)
  }
}
