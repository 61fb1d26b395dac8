package import BootTypes
package import Manifest
package import NetworkTypes

/// All devices that the manifest or the store knows, and how people find one.
package struct DeviceDirectory: Sendable {
  private let store: any FleetStore
  private let inventory: Inventory

  package init(store: any FleetStore, inventory: Inventory) {
    self.store = store
    self.inventory = inventory
  }

  /// Every device, by name: those of the manifest, whether or not they were ever seen, and those that were seen.
  package func list() throws -> [DeviceEntry] {
    let records = try store.devices()
    var entries = records.map { entry(of: $0) }
    let table = DeviceTable(records)
    for declared in inventory.manifest.devices {
      let identities =
        declared.macs.map { DeviceIdentity(mac: $0) }
        + [DeviceIdentity(uuid: declared.uuid, serial: declared.serial)]
      guard !identities.contains(where: { table.find($0) != nil }) else { continue }
      entries.append(entry(of: declared.value))
    }
    return entries.sorted {
      ($0.assignment.name, $0.record?.id ?? 0) < ($1.assignment.name, $1.record?.id ?? 0)
    }
  }

  /// The device that somebody means by a name, a MAC address, a UUID or a serial number.
  /// - Throws: ``FleetError`` `.notFound` or `.ambiguous`.
  package func find(_ text: String) throws -> DeviceEntry {
    let entries = try list()
    if let mac = MACAddress(text) {
      if let entry = entries.first(where: { $0.macs.contains(mac) }) { return entry }
      throw Self.notFound(text)
    }
    let named = entries.filter { $0.assignment.name == text }
    if named.count == 1 { return named[0] }
    if named.count > 1 {
      throw FleetError(
        .ambiguous,
        "\(named.count) devices are named \(text): use a MAC address, netimg device list shows them")
    }
    let uuid = MachineUUID(text)
    let matching = entries.filter { entry in
      (uuid != nil && entry.uuid == uuid) || entry.serial == text
    }
    guard matching.count <= 1 else {
      throw FleetError(
        .ambiguous, "\(matching.count) devices have \(text): use a MAC address, netimg device list shows them"
      )
    }
    guard let entry = matching.first else { throw Self.notFound(text) }
    return entry
  }

  private static func notFound(_ text: String) -> FleetError {
    FleetError(.notFound, "there is no device \(text): netimg device list shows those that are known")
  }

  private func entry(of record: DeviceRecord) -> DeviceEntry {
    let identity = DeviceIdentity(mac: record.macs.first, uuid: record.uuid, serial: record.serial)
    let address = record.seen.address.flatMap { IPv4Address($0) }
    return DeviceEntry(
      identity: identity, record: record, declared: inventory.declaration(of: identity, known: record)?.value,
      assignment: inventory.assignment(of: identity, known: record, address: address))
  }

  private func entry(of declared: FleetDevice) -> DeviceEntry {
    let identity = DeviceIdentity(mac: declared.macs.first, uuid: declared.uuid, serial: declared.serial)
    return DeviceEntry(
      identity: identity, record: nil, declared: declared,
      assignment: inventory.assignment(of: identity, known: nil, address: nil))
  }
}

/// A device as the manifest and the store together know it.
package struct DeviceEntry: Sendable {
  package let identity: DeviceIdentity
  /// `nil` if it was never seen and never set.
  package let record: DeviceRecord?
  /// Its entry in the manifest, if it has one.
  package let declared: FleetDevice?
  package let assignment: Assignment

  /// Those of the manifest, then others that were seen.
  package var macs: [MACAddress] {
    let declared = declared?.macs ?? []
    return declared + (record?.macs ?? []).filter { !declared.contains($0) }
  }

  package var uuid: MachineUUID? { record?.uuid ?? declared?.uuid }
  package var serial: String? { record?.serial ?? declared?.serial }
}
