package import NetworkTypes

/// What one message of a device says of who it is. Each member may be missing.
package struct DeviceIdentity: Sendable, Hashable {
  package var mac: MACAddress?
  /// The SMBIOS system UUID; `nil` if it is one that many machines share.
  package var uuid: MachineUUID? {
    didSet { uuid = uuid.flatMap { Self.isShared($0) ? nil : $0 } }
  }
  /// The SMBIOS serial number; `nil` if it is a placeholder.
  package var serial: String? {
    didSet { serial = serial.flatMap(Self.usableSerial) }
  }

  package init(mac: MACAddress? = nil, uuid: MachineUUID? = nil, serial: String? = nil) {
    self.mac = mac
    self.uuid = uuid.flatMap { Self.isShared($0) ? nil : $0 }
    self.serial = serial.flatMap(Self.usableSerial)
  }

  /// Whether nothing says who it is.
  package var isEmpty: Bool { mac == nil && uuid == nil && serial == nil }

  /// UUIDs that boards without one of their own send: blank, or a vendor's default.
  private static func isShared(_ uuid: MachineUUID) -> Bool {
    uuid.isBlank || sharedUUIDs.contains(uuid)
  }

  private static let sharedUUIDs = Set(
    ["03000200-0400-0500-0006-000700080009", "12345678-1234-5678-90ab-cddeefaabbcc"].compactMap {
      MachineUUID($0)
    })

  /// A serial number of visible ASCII, at most 64 characters, that is no vendor's placeholder.
  private static func usableSerial(_ serial: String) -> String? {
    guard (1...64).contains(serial.utf8.count), serial.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      return nil
    }
    let placeholders = ["none", "default", "0", "0123456789", "unknown", "n/a", "tobefilledbyo.e.m."]
    return placeholders.contains(serial.lowercased()) ? nil : serial
  }
}

extension DeviceIdentity: CustomStringConvertible {
  /// The best of what is known, for people.
  package var description: String {
    mac?.description ?? uuid?.description ?? serial.map { "serial number \($0)" } ?? "an unknown device"
  }
}
