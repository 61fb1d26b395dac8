/// Where the inventory's state outlives the process. One server writes; commands read and change settings beside it.
///
/// Every method but ``commit(_:)`` is one transaction: after it returns, or if the process dies at any point, either all
/// of it is there or nothing.
package protocol FleetStore: Sendable {
  /// All devices, by number.
  func devices() throws -> [DeviceRecord]
  /// A number that no boot has had.
  func nextBootID() throws -> Int64
  /// Writes what the server learned: of devices what was seen and how boots went, never their settings; boots and
  /// events in full. Boots of a device beyond ``bootsKept`` go, the oldest first. Devices that were forgotten
  /// meanwhile stay forgotten. A record is there whole or not at all; if it fails, the same batch may be written again.
  func commit(_ batch: FleetBatch) throws
  /// Replaces a device's settings; `device` makes it first if the store does not know it.
  func set(_ settings: DeviceSettings, of device: DeviceRecord) throws
  /// Removes a device with its boots. Its leases stay: an address is not free because an operator forgets.
  func forget(device id: Int64) throws
  /// The last boots of a device, the newest first.
  func boots(of device: Int64, limit: Int) throws -> [BootRecord]
  /// The last boot of each device, if something happened in it since then, in milliseconds since 1970.
  func lastBoots(since: Int64) throws -> [BootRecord]
  /// The last events, the newest first.
  func events(limit: Int) throws -> [FleetEvent]
  /// Changes whenever another process has written.
  func version() throws -> Int64
  /// Keeps the store's files small; for a thread that has time, every few seconds.
  func tidy() throws
}

/// What the server learned since it last wrote.
package struct FleetBatch: Sendable {
  /// Devices that the store may not know yet.
  package var newDevices: [DeviceRecord] = []
  package var devices: [DeviceRecord] = []
  package var boots: [BootRecord] = []
  package var events: [FleetEvent] = []
  /// Devices that are to be forgotten, with their boots.
  package var forgotten: [Int64] = []

  package init() {}

  package var isEmpty: Bool {
    newDevices.isEmpty && devices.isEmpty && boots.isEmpty && events.isEmpty && forgotten.isEmpty
  }
}

extension FleetStore {
  /// How many boots of a device are kept.
  package static var bootsKept: Int { 50 }
  /// How many events are kept.
  package static var eventsKept: Int { 10_000 }
}
