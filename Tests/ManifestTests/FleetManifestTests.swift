import Manifest
import NetworkTypes
import Testing

@Suite struct FleetManifestTests {
  private func parse(_ more: String) throws -> FleetManifest {
    try FleetManifest.parse(
      Array("apiVersion: netimg/v1\nkind: Fleet\nname: example\n\(more)\n".utf8), file: "fleet.yaml")
  }

  private func problems(_ more: String) -> [String] {
    do {
      _ = try parse(more)
      return []
    } catch {
      return (error as? ManifestError)?.problems.map(\.description) ?? ["\(error)"]
    }
  }

  @Test func aWholeFleet() throws {
    let digest = String(repeating: "0a", count: 32)
    let fleet = try parse(
      """
      unknownDevices: {action: boot, group: rescue}
      sites: [{name: berlin, networks: [192.0.2.0/24, 198.51.100.0/25]}]
      groups:
        - {name: edge, release: edge-router@1.2.0, match: {role: edge}, retry: {failures: 3, backOff: 30s}}
        - {name: core, channel: prod}
        - {name: rescue, release: "sha256:\(digest)"}
        - {name: old, localDisk: true}
      devices:
        - name: edge-1
          mac: ["52:54:00:12:34:AB", "52:54:00:12:34:57"]
          uuid: 8C3F2B0E-5a76-4a0e-9d3b-0f6f1c2d3e4f
          serial: ABC-1
          site: berlin
          group: core
          labels: {role: edge, rack: a1}
      """)
    #expect(fleet.unknownDevices == .boot(group: "rescue"))
    #expect(fleet.sites[0].networks.map(\.description) == ["192.0.2.0/24", "198.51.100.0/25"])
    #expect(
      fleet.groups.map(\.source) == [
        .release(.named("edge-router", version: "1.2.0")), .channel("prod"), .release(.digest(digest)),
        .localDisk,
      ])
    #expect(fleet.groups[0].retry == RetryPolicy(failures: 3, backOff: 30, maximumBackOff: 600, settle: 300))
    let device = fleet.devices[0].value
    #expect(device.macs.map(\.description) == ["52:54:00:12:34:ab", "52:54:00:12:34:57"])
    #expect(device.uuid == MachineUUID("8c3f2b0e-5a76-4a0e-9d3b-0f6f1c2d3e4f"))
    #expect(
      device.labels == [FleetLabel(name: "rack", value: "a1"), FleetLabel(name: "role", value: "edge")])
  }

  @Test func unknownDevicesAreNotedUnlessItSaysOtherwise() throws {
    #expect(try parse("").unknownDevices == .discover)
    #expect(try parse("unknownDevices: {action: ignore}").unknownDevices == .ignore)
  }

  @Test(arguments: [
    ("devices: [{name: a, mac: [\"52:54:00:12:34:5\"]}]", "4:27"),
    ("devices: [{name: a}]", "needs at least one of mac, uuid, serial"),
    (
      "devices: [{name: a, serial: x, group: egde}]\ngroups: [{name: edge, localDisk: true}]",
      "did you mean edge?"
    ),
    ("devices: [{name: a, serial: x, site: here}]", "there is no site here"),
    (
      "devices: [{name: a, serial: x}, {name: a, serial: y}]",
      "there is a device a already, at fleet.yaml:4:11"
    ),
    ("devices: [{name: a, serial: x}, {name: b, serial: x}]", "serial number x belongs to a already"),
    (
      "devices: [{name: a, mac: [\"52:54:00:12:34:56\"]}, {name: b, mac: [\"52:54:00:12:34:56\"]}]",
      "belongs to a already"
    ),
    ("groups: [{name: a, channel: x, release: b@1}]", "takes channel or release or localDisk, not both"),
    ("groups: [{name: a}]", "needs channel or release or localDisk"),
    ("groups: [{name: a, localDisk: false}]", "leaves the group nothing to boot"),
    ("groups: [{name: a, release: latest}]", "sha256: and 64"),
    ("groups: [{name: a, localDisk: true}, {name: a, localDisk: true}]", "there is a group a already"),
    ("sites: [{name: a, networks: [192.0.2.1/24]}]", "bits behind its prefix length"),
    (
      "sites: [{name: a, networks: [192.0.2.0/24]}, {name: b, networks: [192.0.2.128/25]}]",
      "overlaps 192.0.2.0/24"
    ),
    ("unknownDevices: {action: boot}", "needs the key group"),
    ("unknownDevices: {action: boot, group: none}", "there is no group none"),
    ("unknownDevices: {action: ignore, group: a}", "only action: boot takes a group"),
    (
      "groups: [{name: a, localDisk: true, match: {x: y}}, {name: b, localDisk: true, match: {z: y}}]\n"
        + "devices: [{name: d, serial: s, labels: {x: y, z: y}}]", "fit the groups a and b"
    ),
    ("groups: [{name: a, localDisk: true, retry: {failures: -1}}]", "use one from 0 to 1000"),
    ("groups: [{name: a, localDisk: true, retry: {backOff: 10}}]", "5"),
    ("release: 1", "Fleet has no key release"),
  ])
  func whatContradictsItselfIsRefused(_ text: String, _ expected: String) {
    let found = problems(text)
    #expect(found.contains { $0.contains(expected) }, "\(found)")
    #expect(found.allSatisfy { $0.hasPrefix("fleet.yaml:") }, "\(found)")
  }

  @Test func anImageIsNoFleet() {
    #expect(throws: ManifestError.self) { try FleetManifest.parse(Array(image().utf8), file: "f") }
  }

  @Test func aMissingFileSaysSo() async {
    let error = #expect(throws: ManifestError.self) {
      try FleetManifest.load(file: "/nonexistent/fleet.yaml")
    }
    #expect(error?.codes == [.notFound])
  }

  @Test func aFileOnDisk() async throws {
    try await withRepository(["fleet.yaml": "apiVersion: netimg/v1\nkind: Fleet\nname: x\n"]) { tree throws in
      #expect(try FleetManifest.load(file: "\(tree.root)/fleet.yaml").name == "x")
      let error = #expect(throws: ManifestError.self) { try FleetManifest.load(file: tree.root) }
      #expect(error?.codes == [.unreadable])
    }
  }

  @Test func referencesHaveTwoForms() {
    let digest = String(repeating: "0f", count: 32)
    #expect(ReleaseReference("sha256:\(digest)") == .digest(digest))
    #expect(ReleaseReference("a-b@1.2~rc1") == .named("a-b", version: "1.2~rc1"))
    for text in [
      "", "a", "a@", "@1", "A@1", "sha256:\(digest)0", "sha256:\(digest.uppercased())", "a@1@2", "a@1 2",
    ] {
      #expect(ReleaseReference(text) == nil, "\(text)")
    }
    for text in ["sha256:\(digest)", "minimal@1.0"] { #expect(ReleaseReference(text)?.description == text) }
  }
}
