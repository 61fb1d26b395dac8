import Testing

@testable import NativeActions

@Suite struct PresetsTests {
  @Test(arguments: [
    ("a.service", "a.service", true), ("a.service", "*", true), ("a.service", "*.socket", false),
    ("abc", "a?c", true),
    ("ac", "a?c", false), ("abc", "a[a-c]c", true), ("abc", "a[!a-c]c", false), ("a]c", "a[]]c", true),
    ("a[c", "a[c", true),
    ("aXbXc", "a*b*c", true), ("", "", true), ("", "*", true), ("a", "", false), ("ab", "a[^b]", false),
    ("systemd-networkd.service", "systemd-*d.service", true), ("a-b", "a[x-]b", true),
  ])
  func globs(_ name: String, _ pattern: String, _ expected: Bool) {
    #expect(Glob.matches(name, pattern: pattern) == expected)
  }

  @Test func hostilePatternsEndSoon() {
    let name = String(repeating: "a", count: 2000)
    #expect(!Glob.matches(name, pattern: String(repeating: "a*", count: 1000) + "b"))
  }

  @Test(arguments: [
    ("a.service", "a", nil, "service"), ("a@.service", "a", "", "service"),
    ("a@b.c.socket", "a", "b.c", "socket"),
    ("dev-disk\\x2d1.device", "dev-disk\\x2d1", nil, "device"),
  ])
  func unitNames(_ text: String, _ prefix: String, _ instance: String?, _ type: String) throws {
    let name = try #require(UnitName(text))
    #expect(name.prefix == prefix)
    #expect(name.instance == instance)
    #expect(name.type == type)
  }

  @Test(arguments: [
    "", "a", ".service", "a.conf", "@x.service", "a b.service", "a/b.service", "\u{e9}.service",
  ])
  func noUnitNames(_ text: String) {
    #expect(UnitName(text) == nil)
  }

  private func presets(_ files: String...) throws -> Presets {
    var presets = Presets()
    for (index, file) in files.enumerated() {
      try presets.append([UInt8](file.utf8), file: "\(index).preset")
    }
    return presets
  }

  @Test func firstMatchWinsAcrossFiles() throws {
    let presets = try presets(
      "# ours\nenable frr.service\nenable getty@.service tty1 tty2\n",
      "; theirs\ndisable getty@*\nignore x.*\ndisable *\n")
    func decide(_ text: String) throws -> Presets.Decision { presets.decide(try #require(UnitName(text))) }
    #expect(try decide("frr.service").action == .enable)
    #expect(try decide("frr.service").origin == "0.preset:2")
    #expect(try decide("getty@.service").units.map(\.text) == ["getty@tty1.service", "getty@tty2.service"])
    #expect(try decide("getty@tty2.service").action == .enable)
    #expect(try decide("getty@tty3.service").action == .disable)
    #expect(try decide("x.timer").action == .ignore)
    #expect(try decide("other.socket").action == .disable)
    #expect(Presets().decide(try #require(UnitName("other.socket"))).action == .enable)
  }

  @Test(arguments: ["enable", "disable", "enabled x", "x", "disable a@.service b", "enable a.service b"])
  func malformedRulesNameTheirLine(_ line: String) {
    do {
      _ = try presets("\n\(line)\n")
      Issue.record("nothing was thrown for \(line)")
    } catch let error as NativeActionError {
      #expect(error.code == .malformed)
      #expect(error.origin == "0.preset:2")
    } catch {
      Issue.record("another error: \(error)")
    }
  }

  @Test func instancesAndTemplates() throws {
    let template = try #require(UnitName("a-b@.service"))
    #expect(template.isTemplate)
    #expect(template.template == template)
    #expect(template.instantiated("x")?.text == "a-b@x.service")
    #expect(template.instantiated("x/y") == nil)
    #expect(template.instantiated("x")?.template == template)
    #expect(template.instantiated("x")?.instantiated("y") == nil)
    #expect(UnitName("a.service")?.template == nil)
  }
}
