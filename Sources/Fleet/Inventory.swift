package import BootTypes
package import Manifest
package import NetworkTypes

/// A `kind: Fleet` manifest, ready to be asked whose a device is and what it boots.
package struct Inventory: Sendable {
  /// The manifest; one that only notes unknown devices, if there is none.
  package let manifest: FleetManifest
  /// Where the manifest was read, for explanations; `nil` if there is none.
  package let source: String?
  private let devicesByMAC: [MACAddress: Int]
  private let devicesByUUID: [MachineUUID: Int]
  private let devicesBySerial: [String: Int]
  private let groups: [String: FleetGroup]

  package init(_ manifest: FleetManifest, source: String?) {
    self.manifest = manifest
    self.source = source
    var byMAC: [MACAddress: Int] = [:]
    var byUUID: [MachineUUID: Int] = [:]
    var bySerial: [String: Int] = [:]
    for (index, device) in manifest.devices.enumerated() {
      for mac in device.macs { byMAC[mac] = index }
      if let uuid = device.uuid { byUUID[uuid] = index }
      if let serial = device.serial { bySerial[serial] = index }
    }
    devicesByMAC = byMAC
    devicesByUUID = byUUID
    devicesBySerial = bySerial
    groups = Dictionary(manifest.groups.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
  }

  /// Without a manifest: every device is unknown, noted, and not booted.
  package static let empty = Inventory(FleetManifest(name: "none"), source: nil)

  package func group(named name: String) -> FleetGroup? { groups[name] }

  /// The manifest's entry for a device: a MAC address decides, else the UUID, else the serial number.
  package func declaration(
    of identity: DeviceIdentity, known record: DeviceRecord?
  ) -> Located<FleetDevice>? {
    let macs = [identity.mac].compactMap(\.self) + (record?.macs ?? [])
    let index =
      macs.lazy.compactMap { devicesByMAC[$0] }.first
      ?? [identity.uuid, record?.uuid].lazy.compactMap { $0 }.compactMap { devicesByUUID[$0] }.first
      ?? [identity.serial, record?.serial].lazy.compactMap { $0 }.compactMap { devicesBySerial[$0] }.first
    return index.map { manifest.devices[$0] }
  }

  /// The site whose networks hold an address.
  package func site(of address: IPv4Address?) -> String? {
    guard let address else { return nil }
    return manifest.sites.first { $0.networks.contains { $0.contains(address) } }?.name
  }
}
