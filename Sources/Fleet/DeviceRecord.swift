package import BootTypes
package import Manifest
package import NetworkTypes

/// What the store knows of one device: what was seen of it, and what an operator said.
package struct DeviceRecord: Sendable, Hashable {
  /// The store's number for it.
  package let id: Int64
  /// Its network ports, in the order in which they were first seen.
  package var macs: [MACAddress]
  package var uuid: MachineUUID?
  package var serial: String?
  package var seen = Sighting()
  package var settings = DeviceSettings()
  package var health = BootHealth()

  package init(id: Int64, macs: [MACAddress], uuid: MachineUUID? = nil, serial: String? = nil) {
    self.id = id
    self.macs = macs
    self.uuid = uuid
    self.serial = serial
  }

  /// A number for a new device. The server and a command may each make one at the same time: numbers are drawn, and
  /// small enough for every JSON reader.
  package static func newID() -> Int64 { Int64.random(in: 1..<1 << 53) }

  /// Whether `identity` is this device's: a MAC address decides, else the UUID, else the serial number.
  package func matches(_ identity: DeviceIdentity) -> Bool {
    if let mac = identity.mac, macs.contains(mac) { return true }
    if let uuid = identity.uuid, uuid == self.uuid { return true }
    if let serial = identity.serial, serial == self.serial { return true }
    return false
  }
}

/// When and how a device was seen.
package struct Sighting: Sendable, Hashable {
  /// Seconds since 1970; 0 for never.
  package var first: Int64 = 0
  package var last: Int64 = 0
  /// The firmware, such as `uefi-x64 by HTTP`.
  package var firmware: String?
  /// The last address that it used, or that of its relay agent.
  package var address: String?

  package init() {}
}

/// What an operator said about a device with `netimg device set`. It goes before the manifest.
package struct DeviceSettings: Sendable, Hashable {
  package var name: String?
  package var group: String?
  package var release: ReleaseReference?
  package var labels: [FleetLabel] = []
  /// When the device was last armed again, in seconds since 1970: failed boots before that do not count.
  package var armed: Int64 = 0

  package init() {}
}

/// How a device's last boots went.
package struct BootHealth: Sendable, Hashable {
  /// Failed boots in a row, all of `release`.
  package var failures = 0
  /// When the last of them was noticed, in seconds since 1970.
  package var lastFailure: Int64 = 0
  /// The release that was last handed out in full, by its digest, and when.
  package var release: String?
  package var handedOver: Int64 = 0

  package init() {}
}
