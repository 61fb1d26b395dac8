import BootTypes
import Fleet
import Manifest
import NetworkTypes

/// A fleet's manifest from its text, without the first three lines.
func fleet(_ text: String) throws -> Inventory {
  Inventory(
    try FleetManifest.parse(
      Array("apiVersion: netimg/v1\nkind: Fleet\nname: test\n\(text)\n".utf8), file: "fleet.yaml"),
    source: "fleet.yaml")
}

func mac(_ last: UInt64) -> MACAddress { MACAddress(value: 0x5254_0000_0000 + last) }

/// What a device with one address is to boot.
func assign(
  _ inventory: Inventory, _ last: UInt64, settings: DeviceSettings? = nil, uuid: MachineUUID? = nil,
  address: String? = nil
) -> Assignment {
  var record: DeviceRecord?
  if let settings {
    record = DeviceRecord(id: 1, macs: [mac(last)])
    record?.settings = settings
  }
  return inventory.assignment(
    of: DeviceIdentity(mac: mac(last), uuid: uuid), known: record,
    address: address.flatMap { IPv4Address($0) })
}
