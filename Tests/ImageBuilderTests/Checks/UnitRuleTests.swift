import TestSupport
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
        ("\(Self.units)/sockets.target", .text("[Unit]\n")),
        ("\(Self.units)/sockets.target.wants/s.socket", .link("../s.socket")),
        ("\(Self.units)/s.socket", .text("[Socket]\nListenStream=/run/s\n")),
        ("\(Self.units)/sockets.target.wants/per.socket", .link("../per.socket")),
        ("\(Self.units)/per.socket", .text("[Socket]\nAccept=yes\n")),
        ("\(Self.units)/w.service.wants/t.timer", .link("../t.timer")),
        ("\(Self.units)/t.timer", .text("[Timer]\n")),
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

  @Test("a link into /var needs something that makes it there, and nothing makes anything in /tmp")
  func linksToMutablePlaces() async throws {
    let fixture = CheckFixture([
      ("etc/a", .link("/var/lib/a/file")), ("etc/b", .link("/var/lib/b")),
      ("etc/c", .link("/var/lib/c/file")),
      ("etc/d", .link("/tmp/d")), ("etc/e", .link("/var/log/e/x")), ("etc/f", .link("/var/lib/gone")),
      ("etc/g", .link("/proc/self/mounts")), ("etc/h", .link("/run/h")),
      ("usr/lib/tmpfiles.d/a.conf", .text("d /var/lib 0755\nd /var/lib/a 0700 root root\nr /var/lib/gone\n")),
      ("usr/lib/tmpfiles.d/b.conf", .text("L /var/lib/b - - - - /etc\n")),
      ("\(Self.units)/e.service", service("LogsDirectory=e")),
    ])
    let found = try await fixture.paths(.danglingLink).filter { $0.hasPrefix("/etc/") }
    #expect(found == ["/etc/c", "/etc/d", "/etc/f"])
  }

  @Test(
    "modules that modules.dep names and that are not there",
    .enabled(if: Linker.isPossible, "as or ld is missing"))
  func modules() async throws {
    let directory = "usr/lib/modules/6.12"
    let module = CheckFixture.Item.program(try TinyImage.module(depends: ""), mode: 0o644)
    let fixture = CheckFixture([
      (
        "\(directory)/modules.dep",
        .text("kernel/a.ko: kernel/b.ko kernel/c.ko\nkernel/b.ko:\nkernel/d.ko:\n")
      ),
      ("\(directory)/kernel/a.ko", module), ("\(directory)/kernel/b.ko", module),
    ])
    #expect(
      try await fixture.findings(.moduleDependency) == [
        "/\(directory)/kernel/c.ko: is needed by a.ko, but it is not in the image: add it to kernel.modules",
        "/\(directory)/kernel/d.ko: is in modules.dep, but it is not in the image: add it to kernel.modules",
      ])
  }

  @Test(
    "modules say themselves what they need, whether or not modules.dep knows them, compressed or not",
    .enabled(if: Linker.isPossible && hostHas(["xz"]), "as, ld or xz is missing"))
  func moduleInformation() async throws {
    let directory = "usr/lib/modules/6.12"
    let needy = try TinyImage.module(depends: "b-side,built_in,absent")
    let packed = try run(["xz", "--check=crc32", "--stdout"], input: needy)
    try #require(packed.status == 0)
    let fixture = CheckFixture([
      ("\(directory)/modules.builtin", .text("kernel/lib/built-in.ko\n")),
      ("\(directory)/updates/a.ko", .program(needy, mode: 0o644)),
      ("\(directory)/updates/z.ko.xz", .program(packed.output, mode: 0o644)),
      ("\(directory)/kernel/b_side.ko.xz", .program(packed.output, mode: 0o644)),
      ("\(directory)/kernel/broken.ko", .text("no module")),
      ("usr/lib/modules/6.1/kernel/absent.ko", .program(try TinyImage.module(depends: ""), mode: 0o644)),
    ])
    let need = "needs the module absent, which is not in the image: add it to kernel.modules, or drop this"
    let findings = try await fixture.findings(.moduleDependency)
    #expect(findings.count == 4)
    #expect(findings.first == "/\(directory)/kernel/b_side.ko.xz: \(need)")
    #expect(
      findings.dropFirst().first?.hasPrefix("/\(directory)/kernel/broken.ko: cannot be loaded: ") == true)
    #expect(
      Array(findings.suffix(2)) == [
        "/\(directory)/updates/a.ko: \(need)", "/\(directory)/updates/z.ko.xz: \(need)",
      ])
  }

  @Test("units that cannot start for want of another one")
  func missingUnits() async throws {
    let fixture = fixture(
      ["a.service", "timer.timer", "socket.socket", "bound.service", "generated.service"],
      [
        ("\(Self.units)/a.service", .text("[Unit]\nRequires=gone.service\nWants=never.service\n")),
        ("\(Self.units)/a.service.requires/other.target", .link("../other.target")),
        ("\(Self.units)/timer.timer", .text("[Timer]\nOnBootSec=1\n")),
        ("\(Self.units)/socket.socket", .text("[Socket]\nAccept=yes\n")),
        ("\(Self.units)/bound.service", .text("[Unit]\nBindsTo=masked.service empty.service\n")),
        ("\(Self.units)/masked.service", service("ExecStart=/usr/bin/there")),
        ("etc/systemd/system/masked.service", .link("/dev/null")), ("\(Self.units)/empty.service", .text("")),
        (
          "\(Self.units)/generated.service",
          .text("[Unit]\nRequires=dev-sda.device var.mount -.slice\n[Service]\nExecStart=/usr/bin/there\n")
        ),
      ])
    let place = "/\(Self.units)"
    #expect(
      try await fixture.findings(.unitProgram) == [
        "\(place)/a.service: cannot start without gone.service (Requires=), which is not in the image: add it, or mask "
          + "this unit too",
        "\(place)/a.service: cannot start without other.target (\(place)/a.service.requires), which is not in the "
          + "image: add it, or mask this unit too",
        "\(place)/bound.service: cannot start without empty.service (BindsTo=), which is masked: add it, or mask this "
          + "unit too",
        "\(place)/bound.service: cannot start without masked.service (BindsTo=), which is masked: add it, or mask this "
          + "unit too",
        "\(place)/socket.socket: cannot start without socket@0.service (what it starts), which is not in the image: "
          + "add it, or mask this unit too",
        "\(place)/timer.timer: cannot start without timer.service (what it starts), which is not in the image: add it, "
          + "or mask this unit too",
      ])
  }

  @Test("what cannot be read is not passed over, and a systemd without a default target starts nothing")
  func unreadable() async throws {
    var fixture = fixture(["a.service"], [("\(Self.units)/a.service", .text("ExecStart=/usr/bin/absent\n"))])
    let findings = try await fixture.findings(.unitProgram)
    #expect(findings.count == 1)
    #expect(
      findings.first?.hasPrefix("/\(Self.units)/a.service: cannot be read, so nobody knows what it starts")
        == true)
    fixture = CheckFixture([("usr/lib/systemd/systemd", .text("", mode: 0o755))])
    #expect(try await fixture.paths(.unitProgram) == ["/\(Self.units)/default.target"])
  }

  @Test(
    "drop-ins of templates, prefixes and types count, the most specific of one name, and /etc before /usr")
  func dropIns() async throws {
    func exec(_ program: String) -> CheckFixture.Item { service("ExecStart=\nExecStart=\(program)") }
    let good = "/usr/bin/there"
    let fixture = fixture(
      ["t@x.service", "a-b-c.service", "typed.service", "etc.service", "off.service"],
      [
        ("\(Self.units)/t@.service", service("ExecStart=\(good)")),
        ("\(Self.units)/t@.service.d/x.conf", exec("/usr/bin/template")),
        ("\(Self.units)/a-b-c.service", service("ExecStart=\(good)")),
        ("\(Self.units)/a-.service.d/x.conf", exec("/usr/bin/prefix")),
        ("\(Self.units)/typed.service", service("ExecStart=/usr/bin/own")),
        ("\(Self.units)/service.d/a.conf", service("ExecStartPre=/usr/bin/type")),
        ("\(Self.units)/etc.service", service("ExecStart=/usr/bin/own")),
        ("\(Self.units)/etc.service.d/x.conf", exec("/usr/bin/usr")),
        ("etc/systemd/system/etc.service.d/x.conf", exec("/usr/bin/etc")),
        ("\(Self.units)/off.service", service("ExecStart=\(good)")),
        ("\(Self.units)/off.service.d/x.conf", exec("/usr/bin/off")),
        ("etc/systemd/system/off.service.d/x.conf", .link("/dev/null")),
        // The same name as the type's: its own goes before.
        ("\(Self.units)/off.service.d/a.conf", .text("[Unit]\n")),
      ])
    let starts = try await fixture.findings(.unitProgram).map {
      "\($0.split(separator: "/", omittingEmptySubsequences: false)[5].prefix { $0 != ":" }) "
        + ($0.split(separator: "starts ").last?.prefix { $0 != " " } ?? "")
    }
    #expect(
      starts == [
        "a-b-c.service /usr/bin/prefix", "a-b-c.service /usr/bin/type", "etc.service /usr/bin/etc",
        "etc.service /usr/bin/type", "t@.service /usr/bin/template", "t@.service /usr/bin/type",
        "typed.service /usr/bin/own", "typed.service /usr/bin/type",
      ])
  }

  @Test("env looks for the program that a script really wants")
  func env() async throws {
    let fixture = fixture(
      ["a.service", "b.service"],
      [
        ("usr/bin/env", .text("", mode: 0o755)), ("usr/bin/perl", .text("", mode: 0o755)),
        ("usr/lib/a", .text("#!/usr/bin/env -S LC_ALL=C python3 -u\n", mode: 0o755)),
        ("usr/lib/b", .text("#!/usr/bin/env perl\n", mode: 0o755)),
        ("\(Self.units)/a.service", service("ExecStart=/usr/lib/a")),
        ("\(Self.units)/b.service", service("ExecStart=/usr/lib/b")),
      ])
    let findings = try await fixture.findings(.unitProgram)
    #expect(findings.count == 1)
    #expect(
      findings.first?.hasSuffix("a script for python3, which is not in the image: drop the unit") == true)
  }
}
