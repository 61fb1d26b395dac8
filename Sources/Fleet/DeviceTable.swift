package import BootTypes
internal import NetworkTypes

/// The devices that a server knows, in memory: found by what they say of themselves, changed as more is seen.
package struct DeviceTable: Sendable {
  package private(set) var records: [Int64: DeviceRecord] = [:]
  private var byMAC: [MACAddress: Int64] = [:]
  private var byUUID: [MachineUUID: Int64] = [:]
  private var bySerial: [String: Int64] = [:]

  package init() {}

  package init(_ devices: [DeviceRecord]) {
    for device in devices { put(device) }
  }

  package var count: Int { records.count }

  /// The device that an identity belongs to: a MAC address decides, else the UUID, else the serial number.
  package func find(_ identity: DeviceIdentity) -> DeviceRecord? {
    let id =
      identity.mac.flatMap { byMAC[$0] } ?? identity.uuid.flatMap { byUUID[$0] }
      ?? identity.serial.flatMap { bySerial[$0] }
    return id.flatMap { records[$0] }
  }

  package subscript(id: Int64) -> DeviceRecord? { records[id] }

  /// Adds or replaces a device. An identifier that another device has stays that device's.
  package mutating func put(_ record: DeviceRecord) {
    if let old = records[record.id] { unlink(old) }
    records[record.id] = record
    for mac in record.macs where byMAC[mac] == nil { byMAC[mac] = record.id }
    if let uuid = record.uuid, byUUID[uuid] == nil { byUUID[uuid] = record.id }
    if let serial = record.serial, bySerial[serial] == nil { bySerial[serial] = record.id }
  }

  package mutating func remove(_ id: Int64) {
    if let old = records.removeValue(forKey: id) { unlink(old) }
  }

  private mutating func unlink(_ record: DeviceRecord) {
    for mac in record.macs where byMAC[mac] == record.id { byMAC[mac] = nil }
    if let uuid = record.uuid, byUUID[uuid] == record.id { byUUID[uuid] = nil }
    if let serial = record.serial, bySerial[serial] == record.id { bySerial[serial] = nil }
  }
}

extension DeviceRecord {
  /// The most network ports that are noted of one device.
  package static let maximumPorts = 16

  /// Takes what a message says and the record does not; false if that is nothing.
  package mutating func complete(_ identity: DeviceIdentity) -> Bool {
    var missing = DeviceIdentity()
    if uuid == nil { missing.uuid = identity.uuid }
    if serial == nil { missing.serial = identity.serial }
    return learn(missing)
  }

  /// Learns what a message says; false if that is nothing new.
  package mutating func learn(_ identity: DeviceIdentity) -> Bool {
    var isNew = false
    if let mac = identity.mac, !macs.contains(mac), macs.count < Self.maximumPorts {
      macs.append(mac)
      isNew = true
    }
    if let uuid = identity.uuid, self.uuid != uuid {
      self.uuid = uuid
      isNew = true
    }
    if let serial = identity.serial, self.serial != serial {
      self.serial = serial
      isNew = true
    }
    return isNew
  }
}
