import BootTypes
import Fleet
import Manifest
import NetworkTypes
import Testing

@Suite struct InventoryTests {
  private let text = """
    sites: [{name: berlin, networks: [192.0.2.0/24]}, {name: paris, networks: [198.51.100.0/24]}]
    groups:
      - {name: edge, release: edge@1.0, match: {role: edge}}
      - {name: core, release: core@1.0}
      - {name: spare, release: spare@1.0, match: {role: edge, rack: b}}
      - {name: disk, localDisk: true}
    devices:
      - {name: by-mac, mac: ["52:54:00:00:00:01"], group: core, site: paris}
      - {name: by-uuid, uuid: 8c3f2b0e-5a76-4a0e-9d3b-0f6f1c2d3e4f, labels: {role: edge}}
      - {name: by-serial, serial: ABC-1, group: disk}
      - {name: own, mac: ["52:54:00:00:00:04"], group: core, release: special@2}
      - {name: nowhere, mac: ["52:54:00:00:00:05"]}
    """

  @Test func aMACAddressAUUIDOrASerialNumberNamesADevice() throws {
    let inventory = try fleet(text)
    #expect(assign(inventory, 1).name == "by-mac")
    let uuid = MachineUUID("8c3f2b0e-5a76-4a0e-9d3b-0f6f1c2d3e4f")
    #expect(assign(inventory, 9, uuid: uuid).name == "by-uuid")
    let bySerial = inventory.assignment(
      of: DeviceIdentity(mac: mac(9), serial: "ABC-1"), known: nil, address: nil)
    #expect(bySerial.name == "by-serial" && bySerial.source == .localDisk)
    // The MAC address decides, and the explanation says that something is odd.
    let both = assign(inventory, 1, uuid: uuid)
    #expect(both.name == "by-mac")
    #expect(both.steps.contains { $0.contains("is that of by-uuid: the MAC address decides") })
  }

  @Test func whatWasSeenBeforeNamesADeviceToo() throws {
    let inventory = try fleet(text)
    var record = DeviceRecord(id: 1, macs: [mac(9)])
    record.serial = "ABC-1"
    #expect(
      inventory.assignment(of: DeviceIdentity(mac: mac(9)), known: record, address: nil).name == "by-serial")
  }

  @Test func groupsByNameByLabelsAndTheFirstOfTwo() throws {
    let inventory = try fleet(text)
    #expect(assign(inventory, 1).group == "core")
    var settings = DeviceSettings()
    settings.labels = [FleetLabel(name: "role", value: "edge")]
    #expect(assign(inventory, 7, settings: settings).group == "edge")
    settings.labels.append(FleetLabel(name: "rack", value: "b"))
    let ambiguous = assign(inventory, 7, settings: settings)
    #expect(ambiguous.group == "edge" && ambiguous.standing == .set)
    #expect(ambiguous.steps.contains { $0.contains("they fit spare too: the first in the manifest counts") })
    guard case .held(let reason) = assign(inventory, 5).source else { throw Unexpected() }
    #expect(reason.contains("nowhere is in no group"))
  }

  @Test func anOperatorGoesBeforeTheManifest() throws {
    let inventory = try fleet(text)
    #expect(assign(inventory, 4).source == .release(.named("special", version: "2")))
    var settings = DeviceSettings()
    settings.group = "edge"
    settings.name = "renamed"
    let assignment = assign(inventory, 1, settings: settings)
    #expect(assignment.name == "renamed" && assignment.group == "edge")
    #expect(assignment.source == .release(.named("edge", version: "1.0")))
    #expect(assignment.steps.contains("netimg device set puts it in the group edge"))
    settings.release = .digest(String(repeating: "0a", count: 32))
    #expect(
      assign(inventory, 4, settings: settings).source == .release(.digest(String(repeating: "0a", count: 32)))
    )
    settings = DeviceSettings()
    settings.group = "gone"
    guard case .held(let reason) = assign(inventory, 1, settings: settings).source else { throw Unexpected() }
    #expect(reason.contains("the group gone, which fleet.yaml does not have"))
  }

  @Test func aSiteIsNamedOrFollowsFromTheAddress() throws {
    let inventory = try fleet(text)
    #expect(assign(inventory, 1, address: "192.0.2.7").site == "paris")
    #expect(assign(inventory, 7, address: "192.0.2.7").site == "berlin")
    #expect(assign(inventory, 7, address: "10.0.0.1").site == nil)
  }

  @Test func unknownDevicesAreTreatedAsThePolicySays() throws {
    #expect(assign(try fleet("unknownDevices: {action: ignore}"), 1).source == .ignored)
    guard case .held(let reason) = assign(try fleet(""), 1).source else { throw Unexpected() }
    #expect(reason.contains("netimg device set 52:54:00:00:00:01 --group GROUP"))
    guard case .held(let advice) = assign(.empty, 1).source else { throw Unexpected() }
    #expect(advice.contains("fleet.yaml in the state directory"))
    let boots = try fleet("unknownDevices: {action: boot, group: a}\ngroups: [{name: a, channel: dev}]")
    #expect(assign(boots, 1).source == .channel("dev") && assign(boots, 1).standing == .unknown)
  }

  @Test func theSameQuestionHasTheSameAnswer() throws {
    let inventory = try fleet(text)
    let first = assign(inventory, 1, address: "192.0.2.7")
    for _ in 0..<20 {
      let again = assign(try fleet(text), 1, address: "192.0.2.7")
      #expect(again.steps == first.steps && again.source == first.source)
    }
  }
}

struct Unexpected: Error {}

@Suite struct DeviceIdentityTests {
  @Test func placeholdersSayNothing() {
    #expect(DeviceIdentity(uuid: MachineUUID("00000000-0000-0000-0000-000000000000")).isEmpty)
    #expect(DeviceIdentity(uuid: MachineUUID("03000200-0400-0500-0006-000700080009")).isEmpty)
    for serial in ["", "None", "0123456789", "has space", String(repeating: "x", count: 65), "é"] {
      #expect(DeviceIdentity(serial: serial).isEmpty, "\(serial)")
    }
    var identity = DeviceIdentity(serial: "ABC")
    #expect(identity.serial == "ABC")
    identity.serial = "default"
    #expect(identity.isEmpty)
  }

  @Test func theBestOfWhatIsKnownIsItsName() {
    #expect("\(DeviceIdentity(mac: mac(1), serial: "x"))" == "52:54:00:00:00:01")
    #expect("\(DeviceIdentity(serial: "x"))" == "serial number x")
    #expect("\(DeviceIdentity())" == "an unknown device")
  }
}

@Suite struct DeviceTableTests {
  @Test func devicesAreFoundByAnyOfTheirIdentifiers() {
    let uuid = MachineUUID("8c3f2b0e-5a76-4a0e-9d3b-0f6f1c2d3e4f")
    var table = DeviceTable([DeviceRecord(id: 1, macs: [mac(1), mac(2)], uuid: uuid, serial: "s")])
    for identity in [
      DeviceIdentity(mac: mac(1)), DeviceIdentity(mac: mac(2)), DeviceIdentity(uuid: uuid),
      DeviceIdentity(serial: "s"),
      DeviceIdentity(mac: mac(9), uuid: uuid),
    ] {
      #expect(table.find(identity)?.id == 1)
    }
    #expect(table.find(DeviceIdentity(mac: mac(3))) == nil)
    // An identifier stays with whoever had it first.
    table.put(DeviceRecord(id: 2, macs: [mac(2), mac(3)], uuid: uuid))
    #expect(table.find(DeviceIdentity(mac: mac(2)))?.id == 1)
    #expect(table.find(DeviceIdentity(mac: mac(3)))?.id == 2)
    table.remove(1)
    #expect(table.find(DeviceIdentity(mac: mac(1))) == nil && table.count == 1)
  }

  @Test func aChangedDeviceLosesItsOldIdentifiers() {
    var table = DeviceTable([DeviceRecord(id: 1, macs: [mac(1)])])
    table.put(DeviceRecord(id: 1, macs: [mac(2)]))
    #expect(
      table.find(DeviceIdentity(mac: mac(1))) == nil && table.find(DeviceIdentity(mac: mac(2)))?.id == 1)
  }

  @Test func aDeviceLearnsAndForgetsNothing() {
    var record = DeviceRecord(id: 1, macs: [])
    #expect(record.learn(DeviceIdentity(mac: mac(1))) == true)
    #expect(record.learn(DeviceIdentity(mac: mac(1))) == false)
    #expect(record.learn(DeviceIdentity(mac: mac(1), serial: "s")) == true)
    for last in 2..<100 { _ = record.learn(DeviceIdentity(mac: mac(UInt64(last)))) }
    #expect(record.macs.count == DeviceRecord.maximumPorts && record.serial == "s")
    #expect(record.matches(DeviceIdentity(serial: "s")) && !record.matches(DeviceIdentity(serial: "t")))
  }
}
