import Testing

@testable import ImageBuilder

@Suite("rules: units, links, modules")
struct UnitRuleTests {
  private static let units = "usr/lib/systemd/system"

  /// A root whose default target wants `wanted`.
  private func fixture(_ wanted: [String], _ items: [(path: String, item: CheckFixture.Item)]) -> CheckFixture
  {
    var fixture = CheckFixture([
      ("etc/systemd/system/default.target", .link("/\(Self.units)/multi-user.target")),
      ("\(Self.units)/multi-user.target", .text("[Unit]\nRequires=basic.target\n")),
      ("\(Self.units)/basic.target", .text("[Unit]\nWants=sockets.target\n")),
      ("usr/bin/there", .text("", mode: 0o755)),
    ])
    for name in wanted {
      fixture.add("etc/systemd/system/multi-user.target.wants/\(name)", .link("/\(Self.units)/\(name)"))
    }
    for (path, item) in items { fixture.add(path, item) }
    return fixture
  }

  private func service(_ lines: String) -> CheckFixture.Item { .text("[Service]\n\(lines)\n") }

  @Test("a program that is missing, for units that can start and no others")
  func missingPrograms() async throws {
    let fixture = fixture(
      ["a.service", "good.service", "instance@x.service"],
      [
        (
          "\(Self.units)/a.service", service("ExecStartPre=-/usr/bin/absent\nExecStart=/usr/bin/absent --now")
        ),
        (
          "\(Self.units)/good.service",
          service("ExecStart=there\nExecReload=/bin/there\nExecStop=@/bin/there x")
        ),
        ("\(Self.units)/instance@.service", service("ExecStart=/usr/lib/%i/absent\nExecStop=/usr/bin/gone")),
        ("\(Self.units)/unwanted.service", service("ExecStart=/usr/bin/absent")),
      ])
    #expect(
      try await fixture.findings(.unitProgram) == [
        "/\(Self.units)/a.service: starts /usr/bin/absent (/\(Self.units)/a.service:3), which is not in the image: "
          + "add its package, or mask the unit",
        "/\(Self.units)/instance@.service: starts /usr/bin/gone (/\(Self.units)/instance@.service:3), which is not in "
          + "the image: add its package, or mask the unit",
      ])
  }

  @Test("a unit counts whatever pulls it in: dependencies, directories, sockets, timers, paths, failures")
  func reachability() async throws {
    let names = ["w", "r", "d", "s", "per@", "t", "p", "f", "i"]
    var fixture = fixture(
      ["chain.target"],
      [
        (
          "\(Self.units)/chain.target",
          .text("[Unit]\nWants=w.service\nBindsTo=r.service\nOnFailure=f.service\n")
        ),
        ("\(Self.units)/chain.target.requires/d.service", .link("../d.service")),
        ("\(Self.units)/sockets.target", .text("")),
        ("\(Self.units)/sockets.target.wants/s.socket", .link("../s.socket")),
        ("\(Self.units)/s.socket", .text("[Socket]\nListenStream=/run/s\n")),
        ("\(Self.units)/sockets.target.wants/per.socket", .link("../per.socket")),
        ("\(Self.units)/per.socket", .text("[Socket]\nAccept=yes\n")),
        ("\(Self.units)/w.service.wants/t.timer", .link("../t.timer")), ("\(Self.units)/t.timer", .text("")),
        ("\(Self.units)/w.service.wants/x.path", .link("../x.path")),
        ("\(Self.units)/x.path", .text("[Path]\nUnit=p.service\n")),
        ("\(Self.units)/sysinit.target", .text("[Unit]\nWants=i.service\n")),
      ])
    for name in names { fixture.add("\(Self.units)/\(name).service", service("ExecStart=/usr/bin/absent")) }
    #expect(
      try await fixture.paths(.unitProgram)
        == names.map { "/\(Self.units)/\($0).service" }
        .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
  }

  @Test("masked units, other roots, and conditions that never hold are no findings; drop-ins count")
  func excused() async throws {
    let fixture = fixture(
      [
        "masked.service", "image.service", "never.service", "maybe.service", "mended.service",
        "volatile.service",
      ],
      [
        ("\(Self.units)/masked.service", service("ExecStart=/usr/bin/absent")),
        ("etc/systemd/system/masked.service", .link("/dev/null")),
        ("\(Self.units)/image.service", service("RootImage=/var/lib/frr.img\nExecStart=/usr/bin/absent")),
        (
          "\(Self.units)/never.service",
          .text("[Unit]\nConditionPathExists=/usr/bin/absent\n[Service]\nExecStart=/usr/bin/absent\n")
        ),
        (
          "\(Self.units)/maybe.service",
          .text(
            "[Unit]\nConditionPathExists=/run/flag\nConditionPathExists=!/etc/no\n[Service]\nExecStart=/bin/absent\n"
          )
        ),
        ("\(Self.units)/mended.service", service("ExecStart=/usr/bin/absent")),
        ("etc/systemd/system/mended.service.d/x.conf", service("ExecStart=\nExecStart=/usr/bin/there")),
        ("\(Self.units)/volatile.service", service("ExecStart=/run/agent/program")),
      ])
    #expect(try await fixture.paths(.unitProgram) == ["/\(Self.units)/maybe.service"])
  }

  @Test("a script whose interpreter is missing, and a program that is not executable")
  func interpreters() async throws {
    let fixture = fixture(
      ["a.service", "b.service", "c.service"],
      [
        ("\(Self.units)/a.service", service("ExecStart=/usr/lib/start.sh")),
        ("\(Self.units)/b.service", service("ExecStart=/usr/lib/data")),
        ("\(Self.units)/c.service", service("ExecStart=/usr/lib/ok")),
        ("usr/lib/start.sh", .text("#! /bin/sh -e\n", mode: 0o755)), ("usr/lib/data", .text("x")),
        ("usr/lib/ok", .text("#!/usr/bin/there\n", mode: 0o755)),
      ])
    let findings = try await fixture.findings(.unitProgram)
    #expect(findings.count == 2)
    #expect(
      findings.first?.contains("a script for /bin/sh, which is not in the image: drop the unit") == true)
    #expect(
      findings.last?.contains("which is not executable: give it the mode 0755 under permissions") == true)
  }

  @Test("units that depend on each other in circles end")
  func circles() async throws {
    let fixture = fixture(
      ["a.service"],
      [
        ("\(Self.units)/a.service", .text("[Unit]\nWants=b.service a.service\n")),
        ("\(Self.units)/b.service", .text("[Unit]\nRequires=a.service multi-user.target\n")),
      ])
    #expect(try await fixture.paths(.unitProgram).isEmpty)
  }

  @Test("links to nothing, except into what is made at run time")
  func danglingLinks() async throws {
    let fixture = CheckFixture([
      ("etc/a", .link("nowhere")), ("etc/b", .link("/dev/null")), ("etc/mtab", .link("../proc/self/mounts")),
      ("etc/resolv.conf", .link("../run/resolv.conf")), ("usr/lib/c", .link("/var/lib/x")),
      ("etc/d", .link("a")),
      ("etc/e", .link("f")), ("etc/f", .link("e")), ("etc/g", .link("file")), ("etc/file", .text("")),
      ("etc/h", .link("/lib/x")), ("usr/lib/x", .text("")), ("etc/i", .link("../../../etc/file")),
      ("etc/j", .link("file/below")),
    ])
    #expect(
      try await fixture.findings(.danglingLink).filter { $0.hasPrefix("/etc/") } == [
        "/etc/a: is a link to nowhere, but /etc/nowhere is not in the image: drop the link, or keep what it leads to",
        "/etc/d: is a link to a, but /etc/nowhere is not in the image: drop the link, or keep what it leads to",
        "/etc/e: is a link to f, which leads in circles: drop it",
        "/etc/f: is a link to e, which leads in circles: drop it",
        "/etc/j: is a link to file/below, but /etc/file/below is not in the image: drop the link, or keep what it "
          + "leads to",
      ])
  }

  @Test("modules that modules.dep names and that are not there")
  func modules() async throws {
    let directory = "usr/lib/modules/6.12"
    let fixture = CheckFixture([
      (
        "\(directory)/modules.dep",
        .text("kernel/a.ko: kernel/b.ko kernel/c.ko\nkernel/b.ko:\nkernel/d.ko:\n")
      ),
      ("\(directory)/kernel/a.ko", .text("")), ("\(directory)/kernel/b.ko", .text("")),
    ])
    #expect(
      try await fixture.findings(.moduleDependency) == [
        "/\(directory)/kernel/c.ko: is needed by a.ko, but it is not in the image: add it to kernel.modules",
        "/\(directory)/kernel/d.ko: is in modules.dep, but it is not in the image: add it to kernel.modules",
      ])
  }
}
