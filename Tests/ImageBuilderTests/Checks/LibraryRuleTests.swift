import Foundation
import NativeActions
import Testing
import TestSupport

@testable import ImageBuilder

@Suite("rules: libraries", .enabled(if: Linker.isPossible, "the GNU assembler or linker is missing"))
struct LibraryRuleTests {
  private static let loader = "usr/lib64/ld-linux-x86-64.so.2"

  /// A root with a loader and a program; where its libraries are is the test's affair.
  private func fixture(
    _ options: [String], _ libraries: [String: [UInt8]], at place: String = "usr/bin/app"
  ) async throws -> CheckFixture {
    let program = try await Linker.program(options + libraries.keys.sorted(), files: libraries)
    return CheckFixture([(Self.loader, .text("", mode: 0o755)), (place, .program(program))])
  }

  @Test("a library is found in the loader's own directories, and one of another machine or kind is none")
  func defaultDirectories() async throws {
    let library = try await Linker.library("libf.so.1")
    var fixture = try await fixture([], ["libf.so.1": library])
    #expect(
      try await fixture.findings(.elfNeeded) == [
        "/usr/bin/app: needs the library libf.so.1, which is not in the image: add its package, or drop this"
      ])
    var foreign = library
    foreign[18] = 183  // e_machine: AArch64
    fixture.add("usr/lib/libf.so.1", .program(foreign))
    #expect(try await fixture.paths(.elfNeeded) == ["/usr/bin/app"])
    fixture.add("usr/lib/libf.so.1", .link("libf.so.1.2"))
    fixture.add("usr/lib/libf.so.1.2", .program(library, mode: 0o644))
    #expect(try await fixture.paths(.elfNeeded).isEmpty)
  }

  @Test("Debian's own directory needs no ld.so.conf")
  func builtInDirectory() async throws {
    let library = try await Linker.library("libf.so.1")
    var fixture = try await fixture([], ["libf.so.1": library])
    fixture.add("usr/lib/x86_64-linux-gnu/libf.so.1", .program(library))
    #expect(try await fixture.paths(.elfNeeded).isEmpty)
  }

  @Test("directories of ld.so.conf count")
  func configuredDirectories() async throws {
    let library = try await Linker.library("libf.so.1")
    var fixture = try await fixture([], ["libf.so.1": library])
    fixture.add("opt/lib/libf.so.1", .program(library))
    #expect(try await fixture.paths(.elfNeeded) == ["/usr/bin/app"])
    fixture.add("etc/ld.so.conf.d/opt.conf", .text("/opt/lib\n"))
    #expect(try await fixture.paths(.elfNeeded).isEmpty)
  }

  @Test(
    "run paths of both kinds, with $ORIGIN",
    arguments: [
      ("--enable-new-dtags", "$ORIGIN/../lib/private"), ("--enable-new-dtags", "${ORIGIN}/../lib/private"),
      ("--disable-new-dtags", "$ORIGIN/../lib/private"), ("--enable-new-dtags", "/nowhere:/usr/lib/private"),
    ])
  func runPaths(kind: String, path: String) async throws {
    let library = try await Linker.library("libf.so.1")
    var fixture = try await fixture([kind, "-rpath", path], ["libf.so.1": library])
    #expect(try await fixture.paths(.elfNeeded) == ["/usr/bin/app"])
    fixture.add("usr/lib/private/libf.so.1", .program(library))
    #expect(try await fixture.paths(.elfNeeded).isEmpty)
  }

  @Test("RPATH serves the libraries' libraries too, RUNPATH does not")
  func inheritance() async throws {
    let deep = try await Linker.library("libdeep.so.1")
    let library = try await Linker.library(
      "libf.so.1", ["--no-as-needed", "libdeep.so.1"], files: ["libdeep.so.1": deep])
    for (kind, expected) in [
      ("--disable-new-dtags", [] as [String]), ("--enable-new-dtags", ["/usr/lib/private/libf.so.1"]),
    ] {
      let program = try await Linker.program(
        [kind, "-rpath", "/usr/lib/private", "--allow-shlib-undefined", "-rpath-link", ".", "libf.so.1"],
        files: ["libf.so.1": library, "libdeep.so.1": deep])
      let fixture = CheckFixture([
        (Self.loader, .text("", mode: 0o755)), ("usr/bin/app", .program(program)),
        ("usr/lib/private/libf.so.1", .program(library)), ("usr/lib/private/libdeep.so.1", .program(deep)),
      ])
      #expect(try await fixture.paths(.elfNeeded) == expected)
    }
  }

  @Test("what the program has loaded already satisfies its libraries (systemd's private ones rely on it)")
  func alreadyLoaded() async throws {
    let shared = try await Linker.library("libshared.so")
    let core = try await Linker.library(
      "libcore.so", ["--no-as-needed", "libshared.so"], files: ["libshared.so": shared])
    let program = try await Linker.program(
      ["--enable-new-dtags", "-rpath", "/usr/lib/private", "libcore.so", "libshared.so"],
      files: ["libcore.so": core, "libshared.so": shared])
    let fixture = CheckFixture([
      (Self.loader, .text("", mode: 0o755)), ("usr/bin/app", .program(program)),
      ("usr/lib/private/libcore.so", .program(core)), ("usr/lib/private/libshared.so", .program(shared)),
    ])
    #expect(try await fixture.paths(.elfNeeded).isEmpty)
  }

  @Test("a missing loader, and an ELF file that cannot be read")
  func broken() async throws {
    let library = try await Linker.library("libf.so.1")
    var fixture = try await fixture([], ["libf.so.1": library])
    fixture.add("usr/lib/libf.so.1", .program(library))
    fixture.add("usr/lib/libcut.so", .program(Array(library.prefix(70))))
    fixture.tree.remove(Self.loader)
    let findings = try await fixture.findings(.elfNeeded)
    #expect(findings.count == 2)
    #expect(
      findings.first?.hasPrefix("/usr/bin/app: is started by /lib64/ld-linux-x86-64.so.2, which is not")
        == true)
    #expect(findings.last?.hasPrefix("/usr/lib/libcut.so: ") == true)
  }

  @Test("a symbol version that the library does not define")
  func versions() async throws {
    func library(_ versions: String) async throws -> [UInt8] {
      try await Linker.library(
        "libf.so.1", ["--version-script", "map"], files: ["map": Array(versions.utf8)])
    }
    let new = try await library("OLD_1 { };\nNEW_2 { global: f; };\n")
    var fixture = try await fixture([], ["libf.so.1": new])
    fixture.add("usr/lib/libf.so.1", .program(new))
    #expect(try await fixture.paths(.elfVersion).isEmpty)
    fixture.add("usr/lib/libf.so.1", .program(try await library("OLD_1 { global: f; };\n")))
    #expect(
      try await fixture.findings(.elfVersion) == [
        "/usr/bin/app: needs NEW_2 of libf.so.1, which /usr/lib/libf.so.1 does not have: use packages of one suite"
      ])
    #expect(try await fixture.paths(.elfNeeded).isEmpty)
    // The loader takes a library without any versions.
    fixture.add("usr/lib/libf.so.1", .program(try await Linker.library("libf.so.1")))
    #expect(try await fixture.paths(.elfVersion).isEmpty)
  }

  @Test(
    "this host's programs load what ldd says they load",
    .enabled(if: hostHas(["ldd", "bash", "gpgv", "as"]), "ldd, bash, gpgv or as is missing"))
  func comparedWithLdd() async throws {
    for program in ["bash", "gpgv", "as"] {
      guard let path = findTool(program) else { continue }
      var expected: Set<String> = []
      var fixture = CheckFixture([("usr/bin/\(program)", .program(try hostProgram(program)))])
      for line in try run(["ldd", path]).text.split(separator: "\n") {
        guard let start = line.firstIndex(of: "/"), let end = line.lastIndex(of: " "), start < end else {
          continue
        }
        let library = String(line[start..<end])
        let place = RootTree.canonical(library)
        fixture.add(place, .program([UInt8](try Data(contentsOf: URL(fileURLWithPath: library)))))
        if line.contains("=>") { expected.insert(place) }
      }
      fixture.add("etc/ld.so.conf", .text("/usr/lib/x86_64-linux-gnu\n"))
      let root = try await fixture.checked()
      let found = Set(root.loads.requests.keys.compactMap(\.library)).subtracting([
        "usr/lib64/ld-linux-x86-64.so.2"
      ])
      #expect(found == expected)
      #expect(!expected.isEmpty)
      #expect(root.findings(.elfNeeded).isEmpty)
      #expect(root.findings(.elfVersion).isEmpty)
    }
  }
}
