import Foundation
import Manifest
import Testing
import TestSupport

@testable import ImageBuilder

@Suite("the root: accounts")
struct AccountTests {
  @Test("sysusers.d and manifests make accounts without passwords; /etc goes before /usr/lib")
  func accounts() throws {
    var tree = RootTree()
    try tree.addText("usr/lib/sysusers.d/app.conf", "u app 300 \"The app\" /var/lib/app\ng extra 310\n")
    try tree.addText("usr/lib/sysusers.d/other.conf", "u never 301\n")
    try tree.addText("etc/sysusers.d/other.conf", "u other 302\nm other extra\n")
    let accounts = try tree.addAccounts(
      users: [Declared.by(UserEntry(name: "frr", uid: 320, groups: ["extra"], description: "Routing"))],
      groups: [Declared.by(GroupEntry(name: "frrvty", gid: 321))])
    #expect(accounts.users["app"] == 300 && accounts.users["other"] == 302 && accounts.users["frr"] == 320)
    #expect(accounts.users["never"] == nil)
    #expect(accounts.groups["frrvty"] == 321 && accounts.groups["extra"] == 310)
    let text = { (path: String) in String(decoding: tree[path]?.bytes ?? [], as: UTF8.self) }
    #expect(text("etc/passwd").contains("frr:x:320:320:Routing:/nonexistent:/usr/sbin/nologin\n"))
    #expect(text("etc/group").contains("extra:x:310:frr,other\n"))
    #expect(tree["etc/shadow"]?.mode == 0o600 && tree["etc/gshadow"]?.mode == 0o600)
    for line in text("etc/shadow").split(separator: "\n") {
      let password = line.split(separator: ":", omittingEmptySubsequences: false)[1]
      #expect(["*", "!", "!*"].contains(password), "\(line)")
    }
  }

  @Test(
    "pwck and grpck find nothing wrong in the files",
    .enabled(if: findTool("pwck") != nil && geteuid() == 0, "pwck (passwd) or root is missing"))
  func foreign() async throws {
    var tree = RootTree()
    try tree.addText("usr/lib/sysusers.d/app.conf", "u app - \"App\"\nu! locked -\ng wheel -\nm app wheel\n")
    _ = try tree.addAccounts(users: [Declared.by(UserEntry(name: "frr"))], groups: [])
    try await withScratchDirectory { scratch in
      try tree.export(to: scratch.path)
      let etc = scratch.appendingPathComponent("etc").path
      // Home directories and shells are the host's to pwck: only the files' form is judged.
      let users = try run(["pwck", "-r", "-q", "\(etc)/passwd", "\(etc)/shadow"])
      let wrong = users.text.split(separator: "\n").filter {
        !$0.contains("directory") && !$0.contains("program") && !$0.contains("no changes")
      }
      #expect(wrong.isEmpty, "\(users.text)\(users.errorText)")
      let groups = try run(["grpck", "-r", "\(etc)/group", "\(etc)/gshadow"])
      // It looks members up in the host's passwd, where the image's users are not.
      let wrongGroups = groups.text.split(separator: "\n").filter {
        !$0.contains("no user app") && !$0.contains("delete member 'app'") && !$0.contains("no changes")
      }
      #expect(wrongGroups.isEmpty, "\(groups.text)\(groups.errorText)")
    }
  }
}

@Suite("the root: units")
struct UnitTests {
  private func tree() throws -> RootTree {
    var tree = RootTree()
    try tree.addText(
      "usr/lib/systemd/system/app.service", "[Install]\nWantedBy=multi-user.target\nAlias=too.service\n")
    try tree.addText("usr/lib/systemd/system/many@.service", "[Install]\nWantedBy=multi-user.target\n")
    try tree.addText("usr/lib/systemd/system/plain.service", "[Service]\nExecStart=/usr/bin/app\n")
    try tree.addText(
      "usr/lib/systemd/system/plain.service.d/more.conf", "[Install]\nRequiredBy=app.service\n")
    return tree
  }

  @Test("exactly what the manifests name is enabled, and systemctl sees it so")
  func enabled() async throws {
    var tree = try tree()
    try tree.enableUnits(
      ["app.service", "many@one.service", "plain.service"].map { Declared.by($0) },
      masked: [Declared.by("getty.target")])
    var found = tree.listing(below: "etc/systemd/system").filter { $0.value.hasPrefix("l ") }
    #expect(found.removeValue(forKey: "etc/systemd/system/getty.target") == "l /dev/null")
    #expect(
      Set(found.keys)
        == Set(
          [
            "app.service.requires/plain.service", "multi-user.target.wants/app.service",
            "multi-user.target.wants/many@one.service", "too.service",
          ].map { "etc/systemd/system/\($0)" }))
    for path in found.keys { #expect(tree.node(at: path)?.bytes != nil, "\(path) leads to nothing") }
    guard findTool("systemctl") != nil else { return }
    try await withScratchDirectory { scratch in
      try tree.export(to: scratch.path)
      for unit in ["app.service", "many@one.service", "plain.service"] {
        let result = try run(["systemctl", "--root", scratch.path, "is-enabled", unit])
        #expect(result.text == "enabled\n", "\(unit): \(result.text)\(result.errorText)")
      }
      #expect(
        try run(["systemctl", "--root", scratch.path, "is-enabled", "getty.target"]).text == "masked\n")
      // The preset file says the same: a reset changes nothing.
      let before = try run(["find", "\(scratch.path)/etc", "-type", "l"]).text
      let preset = try run(["systemctl", "--root", scratch.path, "preset", "app.service", "plain.service"])
      #expect(preset.status == 0, "\(preset.errorText)")
      #expect(try run(["find", "\(scratch.path)/etc", "-type", "l"]).text == before)
    }
  }

  @Test("a unit that is not there, and a name that is none, are refused at their line")
  func unknown() throws {
    for name in ["none.service", "many@.socket", "app"] {
      var tree = try tree()
      let error = #expect(throws: BuildError.self) { try tree.enableUnits([Declared.by(name)], masked: []) }
      #expect(error?.code == .manifest)
      #expect(error?.message.contains("component.yaml:7:3") == true)
    }
    var tree = try tree()
    #expect(code { try tree.enableUnits([], masked: [Declared.by("not a unit")]) } == .manifest)
  }
}

@Suite("the root: tmpfiles and /var")
struct VariableDataTests {
  @Test("tmpfiles.d is carried out on the root, but not below /run and /var")
  func applied() throws {
    var tree = RootTree()
    try tree.addText("usr/share/factory/etc/issue", "hello")
    try tree.addText("etc/present", "kept")
    try tree.addText(
      "usr/lib/tmpfiles.d/app.conf",
      """
      d /etc/app 0750 app app -
      f /etc/app/made 0600 - - - text
      f /etc/present 0644 - - - changed
      L /etc/link - - - - ../usr/lib/x
      C /etc/issue
      d /run/app 0755
      d /var/lib/other 0700
      z /etc/present 0444

      """)
    try tree.applyTmpfiles()
    #expect(
      tree.listing(below: "etc") == [
        "etc/app": "d750", "etc/app/made": "f600 text", "etc/present": "f444 kept",
        "etc/link": "l ../usr/lib/x",
        "etc/issue": "f644 hello",
      ])
    #expect(tree["etc/app"]?.owner == .name("app"))
    #expect(tree["run/app"] == nil && tree["var/lib/other"] == nil)
  }

  @Test("what packages ship below /var is empty in the image, and systemd-tmpfiles makes it again at boot")
  func variableData() async throws {
    var tree = RootTree()
    try tree.addText("var/lib/app/state", "state", mode: 0o640)
    try tree.addText("var/lib/app/odd name", "odd", mode: 0o4755)
    tree["var/lib/app"]?.mode = 0o2750
    try tree.add(
      RootNode(.symlink("/run/app"), mode: 0o777, pack: PackName(.package, "app")), at: "var/run-app")
    try tree.add(RootNode(.directory, mode: 0o1777, pack: PackName(.package, "app")), at: "var/spool/app")
    tree.putDirectory("var/lib/ours")
    let shipped = tree.listing(below: "var")
    try tree.moveVariableData(accounts: AccountNumbers(users: ["root": 0], groups: ["root": 0]))
    #expect(tree.listing(below: "var").isEmpty)
    #expect(tree["usr/share/factory/var/lib/app/state"]?.bytes == Array("state".utf8))
    // Nothing in the factory may have its set-user-ID bit while it waits there.
    #expect(tree["usr/share/factory/var/lib/app/odd name"]?.mode == 0o755)
    guard findTool("systemd-tmpfiles") != nil, geteuid() == 0 else { return }
    try await withScratchDirectory { scratch in
      try tree.export(to: scratch.path)
      let result = try run(["systemd-tmpfiles", "--root", scratch.path, "--create", "zz-netimg-var.conf"])
      #expect(result.status == 0, "\(result.errorText)")
      for (path, expected) in shipped {
        let place = scratch.appendingPathComponent(path).path
        let stat = try run(["stat", "-c", "%a %F", place]).text
        switch expected.first {
        case "d": #expect(stat == "\(expected.dropFirst()) directory\n", "\(path)")
        case "l": #expect(try run(["readlink", place]).text == "\(expected.dropFirst(2))\n")
        default:
          let parts = expected.dropFirst().split(separator: " ", maxSplits: 1)
          #expect(stat == "\(parts[0]) regular file\n", "\(path)")
          #expect(try String(contentsOf: URL(fileURLWithPath: place), encoding: .utf8) == parts[1])
        }
      }
    }
  }

  @Test("a named pipe on the read-only root, and a line that is none, are refused")
  func refused() throws {
    var pipe = RootTree()
    try pipe.addText("usr/lib/tmpfiles.d/app.conf", "p /etc/pipe 0600\n")
    #expect(code { try pipe.applyTmpfiles() } == .badInput)
    var broken = RootTree()
    try broken.addText("usr/lib/tmpfiles.d/app.conf", "d\n")
    #expect(throws: (any Error).self) { try broken.applyTmpfiles() }
  }
}
