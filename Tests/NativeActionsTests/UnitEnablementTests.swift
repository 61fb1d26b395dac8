import Foundation
import TestSupport
import Testing

@testable import NativeActions

@Suite struct UnitEnablementTests {
  private static let units = [
    "plain.service":
      "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\nRequiredBy=basic.target\n",
    "alias.service":
      "[Service]\nExecStart=/bin/true\n[Install]\nAlias=other.service alias.service\nAlias=%p-x.service\nWantedBy=multi-user.target\n",
    "also.service":
      "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\nAlso=also.socket off.timer\n",
    "also.socket": "[Socket]\nListenStream=/run/also\n[Install]\nWantedBy=sockets.target\n",
    "off.timer": "[Timer]\nOnBootSec=1\n[Install]\nWantedBy=timers.target\n",
    "never.service": "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n",
    "static.service": "[Service]\nExecStart=/bin/true\n",
    "tty@.service":
      "[Service]\nExecStart=/bin/true %i\n[Install]\nWantedBy=getty.target\nDefaultInstance=tty1\nAlias=autovt@.service\n",
    "many@.service":
      "[Service]\nExecStart=/bin/true %i\n[Install]\nWantedBy=multi-user.target\nAlias=one@.service\n",
  ]
  private static let presets = "enable many@.service a b-c\ndisable never.*\ndisable off.timer\nenable *\n"
  private static let directory = "/usr/lib/systemd/system"

  private func load(_ name: UnitName) throws(NativeActionError) -> UnitEnablement.Unit? {
    guard let text = Self.units[name.text] else { return nil }
    let path = "\(Self.directory)/\(name.text)"
    return UnitEnablement.Unit(
      name: name, path: path, file: try UnitFile.parse([UInt8](text.utf8), file: path))
  }

  private func enable(_ names: String...) throws -> [String] {
    try UnitEnablement.links(enabling: try names.map { try #require(UnitName($0)) }, load: load).map(\.path)
  }

  @Test func wantsRequiresAliasesAndAlso() throws {
    #expect(
      try enable("plain.service") == [
        "basic.target.requires/plain.service", "multi-user.target.wants/plain.service",
      ])
    #expect(
      try enable("alias.service")
        == ["alias-x.service", "multi-user.target.wants/alias.service", "other.service"])
    #expect(
      try enable("also.service") == [
        "multi-user.target.wants/also.service", "sockets.target.wants/also.socket",
        "timers.target.wants/off.timer",
      ])
    #expect(try enable("static.service") == [])
  }

  @Test func templates() throws {
    #expect(try enable("tty@.service") == ["autovt@.service", "getty.target.wants/tty@tty1.service"])
    #expect(
      try enable("tty@ttyS0.service") == ["autovt@ttyS0.service", "getty.target.wants/tty@ttyS0.service"])
    #expect(try enable("many@z.service") == ["multi-user.target.wants/many@z.service", "one@z.service"])
    #expect(code { _ = try enable("many@.service") } == .missing)
  }

  @Test func missingUnitsAndClashingAliases() {
    #expect(code { _ = try enable("gone.service") } == .missing)
    let clash: [String: String] = [
      "a.service": "[Install]\nAlias=x.service\n", "b.service": "[Install]\nAlias=x.service\n",
      "c.service": "[Install]\nAlias=x.socket\n", "d.service": "[Install]\nWantedBy=%H.target\n",
      "e.service": "[Install]\nWantedBy=nonsense\n", "f@.service": "[Install]\nAlias=plain-%i.service\n",
    ]
    func links(_ names: String...) throws {
      _ = try UnitEnablement.links(enabling: names.compactMap { UnitName($0) }) {
        name throws(NativeActionError) in
        guard let text = clash[name.text] else { return nil }
        return UnitEnablement.Unit(
          name: name, path: "/\(name.text)", file: try UnitFile.parse([UInt8](text.utf8), file: name.text))
      }
    }
    #expect(code { try links("a.service", "b.service") } == .conflict)
    #expect(code { try links("c.service") } == .malformed)
    #expect(code { try links("d.service") } == .unsupported)
    #expect(code { try links("e.service") } == .malformed)
    #expect(code { try links("f@1.service") } == .malformed)
  }

  @Test func maskingLinksToNothing() throws {
    let link = UnitEnablement.mask(try #require(UnitName("x.service")))
    #expect(link.path == "x.service")
    #expect(link.target == "/dev/null")
  }

  @Test(.enabled(if: HostProgram.exists("systemctl"), "systemctl (systemd) is missing"))
  func agreesWithSystemctlPresetAll() async throws {
    let systemctl = try #require(HostProgram("systemctl"))
    var rules = Presets()
    try rules.append([UInt8](Self.presets.utf8), file: "test.preset")
    let names = Self.units.keys.compactMap { UnitName($0) }
    let ours = try UnitEnablement.links(presets: rules, names: names, load: load)
    try await withScratchDirectory { scratch in
      let root = scratch.path
      for (name, text) in Self.units { try write(text, to: "\(root)\(Self.directory)/\(name)") }
      try write(Self.presets, to: "\(root)/usr/lib/systemd/system-preset/test.preset")
      _ = try systemctl.succeed(["--root=\(root)", "preset-all"])
      let base = "\(root)/etc/systemd/system"
      var theirs: [String: String] = [:]
      for case let path as String in try #require(FileManager.default.enumerator(atPath: base)) {
        theirs[path] = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(base)/\(path)")
      }
      #expect(Dictionary(uniqueKeysWithValues: ours.map { ($0.path, $0.target) }) == theirs)
    }
  }
}
