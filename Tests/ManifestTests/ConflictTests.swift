import Bytes
import Manifest
import Testing

@Suite struct ConflictTests {
  private func load(_ first: String, _ second: String) async throws -> Declarations {
    try await withRepository(files(first, second)) { tree throws in
      try ManifestLoader(tree: tree).load(manifestPath: "manifests/a.yaml").declarations
    }
  }

  private func files(_ first: String, _ second: String) -> [String: String] {
    [
      "manifests/a.yaml": image(second, components: "[x]"),
      "images/x/component.yaml": component("x", first),
    ]
  }

  /// What the component declares in line 4, what the image declares in line 9, and what is said of them.
  @Test(arguments: [
    (
      "files: [{path: /e, content: a}]", "files: [{path: /e, content: b}]",
      ["9:9: image a declares file /e differently than component x at images/x/component.yaml:4:9"]
    ),
    (
      "files: [{path: /e, content: a}]", "files: [{path: /e, content: a, mode: \"0600\"}]",
      ["9:9: image a declares file /e differently than component x at images/x/component.yaml:4:9"]
    ),
    (
      "links: [{path: /e, target: a}]", "links: [{path: /e, target: b}]",
      ["9:9: image a declares link /e differently than component x at images/x/component.yaml:4:9"]
    ),
    (
      "directories: [{path: /e}]", "directories: [{path: /e, owner: frr}]",
      ["9:15: image a declares directory /e differently than component x at images/x/component.yaml:4:15"]
    ),
    (
      "permissions: [{path: /e, mode: \"0755\", reason: r}]",
      "permissions: [{path: /e, mode: \"0750\", reason: r}]",
      ["9:15: image a declares permission /e differently than component x at images/x/component.yaml:4:15"]
    ),
    (
      "users: [{name: u, uid: 5}]", "users: [{name: u, uid: 6}]",
      ["9:9: image a declares user u differently than component x at images/x/component.yaml:4:9"]
    ),
    (
      "groups: [{name: g}]", "groups: [{name: g, gid: 6}]",
      ["9:10: image a declares group g differently than component x at images/x/component.yaml:4:10"]
    ),
    (
      "sysctls: {net.ipv4.ip_forward: 1}", "sysctls: {net/ipv4/ip_forward: 0}",
      [
        "9:11: image a declares sysctl net/ipv4/ip_forward differently than component x at "
          + "images/x/component.yaml:4:11"
      ]
    ),
    (
      "alternatives: [{name: e, path: /a}]", "alternatives: [{name: e, path: /b}]",
      ["9:16: image a declares alternative e differently than component x at images/x/component.yaml:4:16"]
    ),
    (
      "packages: {include: [frr=1]}", "packages: {include: [frr=2]}",
      ["9:22: image a wants another version of package frr than component x at images/x/component.yaml:4:22"]
    ),
    (
      "packages: {include: [lsof]}", "packages: {exclude: [{package: lsof, reason: r}]}",
      ["9:22: image a excludes package lsof, included by component x at images/x/component.yaml:4:22"]
    ),
    (
      "packages: {exclude: [{package: lsof, reason: r}]}", "packages: {include: [lsof]}",
      [
        "x4:22: component x excludes package lsof, included by image a at manifests/a.yaml:9:22"
      ]
    ),
    (
      "units: {enable: [u.service]}", "units: {mask: [u.service]}",
      ["9:16: image a masks unit u.service, enabled by component x at images/x/component.yaml:4:18"]
    ),
    (
      "scripts: [{package: pp, script: postinst, sha256: [\(digest)], reason: r}]",
      "scripts: [{package: pp, script: postinst, sha256: [\(digest)], reason: r, "
        + "replacement: {groups: [{name: g}]}}]",
      [
        "9:11: image a replaces the postinst of package pp differently than component x at "
          + "images/x/component.yaml:4:11"
      ]
    ),
    (
      "files: [{path: /e, content: a}]", "links: [{path: /e, target: b}]",
      ["9:9: image a declares /e as a link, a file of component x at images/x/component.yaml:4:9"]
    ),
    (
      "links: [{path: /e, target: b}]", "files: [{path: /e/f/g, content: a}]",
      ["9:9: image a puts file /e/f/g below the link /e of component x at images/x/component.yaml:4:9"]
    ),
  ])
  func namesBothPlaces(first: String, second: String, expected: [String]) async throws {
    let actual = try await problems(files(first, second))
    let places = expected.map { text in
      text.hasPrefix("x") ? "images/x/component.yaml:\(text.dropFirst())" : "manifests/a.yaml:\(text)"
    }
    #expect(actual.map { String($0.prefix { $0 != ";" }) } == places)
    #expect(actual.allSatisfy { $0.contains("; ") })
  }

  @Test(arguments: [
    ("users: [{name: u, uid: 5}]", "users: [{name: v, uid: 5}]", "user id 5"),
    ("groups: [{name: u, gid: 5}]", "groups: [{name: v, gid: 5}]", "group id 5"),
  ])
  func aNumberIsGivenAwayOnce(first: String, second: String, what: String) async throws {
    let actual = try await problems(files(first, second))
    #expect(actual.count == 1)
    #expect(actual.first?.contains("image a gives away \(what), taken by component x at") == true)
  }

  @Test func equalDeclarationsMergeAndKeepTheFirstPlace() async throws {
    let both = """
      packages: {include: [frr], exclude: [{package: lsof, reason: REASON}]}
      files: [{path: /e, content: a}]
      directories: [{path: /d}]
      links: [{path: /l, target: t}]
      permissions: [{path: /p, mode: "0755", reason: REASON}]
      users: [{name: u, uid: 5}]
      groups: [{name: g, gid: 6}]
      units: {enable: [a.service], mask: [b.service]}
      sysctls: {net.ipv4.ip_forward: "1"}
      drop: [{paths: [/x/**], reason: REASON}]
      scripts: [{package: pp, script: postinst, sha256: [\(digest)], reason: REASON}]
      alternatives: [{name: e, path: /a}]
      exceptions: [{rule: setuid, path: /s, reason: REASON}]
      """
    let once = try await load(both.replacing("REASON", with: "one"), "")
    let twice = try await load(both.replacing("REASON", with: "one"), both.replacing("REASON", with: "two"))
    #expect(twice == once)
    #expect(once.exceptions.count == 1)
  }

  @Test func aVersionHoldsOverNone() async throws {
    let later = try await load("packages: {include: [frr, aa]}", "packages: {include: [frr=2]}")
    #expect(later.includedPackages.map(\.value) == [.init(name: "frr", version: "2"), .init(name: "aa")])
    #expect(later.includedPackages.first?.origin.description == "image a")
    let earlier = try await load("packages: {include: [frr=2]}", "packages: {include: [frr]}")
    #expect(earlier.includedPackages.map(\.value) == [.init(name: "frr", version: "2")])
  }

  @Test func theLastOfEqualKernelParametersStays() async throws {
    let all = try await withRepository([
      "manifests/a.yaml": image("  commandLine: [console=ttyS0]", components: "[x]"),
      "images/x/component.yaml": component(
        "x", "kernel: {commandLine: [console=ttyS0, quiet, console=tty0]}"),
    ]) { try ManifestLoader(tree: $0).load(manifestPath: "manifests/a.yaml").declarations }
    #expect(all.commandLine.map(\.value) == ["quiet", "console=tty0", "console=ttyS0"])
  }

  @Test func reviewsOfOtherTextsAddUp() async throws {
    let other = String(repeating: "cd", count: 32)
    func review(_ digests: String) -> String {
      "scripts: [{package: pp, script: postinst, sha256: [\(digests)], reason: r}]"
    }
    let all = try await load(review("\(digest), \(digest)"), review("\(digest), \(other)"))
    #expect(all.scripts.map { $0.digests.map(\.hex) } == [[digest], [other]])
  }

  @Test func sysctlNamesWithEitherSeparatorAreOne() async throws {
    let all = try await load(
      "sysctls: {net.ipv4.conf.eth0/100.forwarding: 1}", "sysctls: {net/ipv4/conf/eth0.100/forwarding: 1}")
    #expect(all.sysctls.count == 1)
  }
}

private let digest = String(repeating: "ab", count: 32)
