import Manifest
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

  @Test("this host's shells are shells by name and by content", .enabled(if: hostHas(["bash", "dash"])))
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
        "/usr/lib/systemd/system/getty@.service: is a unit that starts agetty: drop it",
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
    let hash = "$6$rounds=5000$saltsalt$\(String(repeating: "aB3./", count: 17))x"
    let fixture = CheckFixture([
      (
        "etc/shadow",
        .text("root:*:1::::::\na:\(hash):1::::::\nb:!\(hash):1::::::\nc::1::::::\nd:!:1::::::\n")
      ),
      ("etc/passwd", .text("root:x:0:0::/root:/x\nold:aaJlpQ2Y1Uzcw:1:1::/:/x\n+nis\n")),
      ("etc/gshadow", .text("wheel:::\nfrr:!::\nops:secret::\n")),
      (
        "etc/app.conf",
        .text("# costs $5 and $6\npassword = $y$j9T$F5Jx5fExrKuPp53xLKQ..1$tnSYvahCwPBHKZUspmcxMfb0\n")
      ),
      ("etc/plain.conf", .text("price=$1$ PATH=$PATH:$6$7$ $y$short$\n")),
      ("usr/share/doc/crypt", .text("$6$saltsalt$\(String(repeating: "a", count: 86))\n")),
      ("usr/share/factory/etc/bcrypt", .text("$2b$12$\(String(repeating: "a", count: 53))")),
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
}
