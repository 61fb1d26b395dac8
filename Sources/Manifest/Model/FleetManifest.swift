package import NetworkTypes

/// A `kind: Fleet` manifest: sites, groups and devices, and what happens to devices that it does not name.
package struct FleetManifest: Sendable {
  package let name: String
  package let description: String
  package let unknownDevices: UnknownDevices
  package let sites: [Located<FleetSite>]
  package let groups: [Located<FleetGroup>]
  package let devices: [Located<FleetDevice>]

  package init(
    name: String, description: String = "", unknownDevices: UnknownDevices = .discover,
    sites: [Located<FleetSite>] = [], groups: [Located<FleetGroup>] = [], devices: [Located<FleetDevice>] = []
  ) {
    self.name = name
    self.description = description
    self.unknownDevices = unknownDevices
    self.sites = sites
    self.groups = groups
    self.devices = devices
  }
}

/// What happens to a device that is in no manifest and was never set by an operator.
package enum UnknownDevices: Sendable, Hashable {
  /// It gets nothing to boot and leaves no trace.
  case ignore
  /// It is noted for an operator and gets nothing to boot.
  case discover
  /// It is noted, and treated as a member of this group.
  case boot(group: String)
}

/// A place with networks of its own.
package struct FleetSite: Sendable, Hashable {
  package let name: String
  package let description: String
  /// Where its devices boot from: a relay agent's address or the device's own lies in one of them.
  package let networks: [IPv4Network]
}

/// Devices that boot the same.
package struct FleetGroup: Sendable, Hashable {
  package let name: String
  package let description: String
  package let source: BootSource
  /// Devices whose labels hold all of these belong to the group, unless they name another.
  package let match: [FleetLabel]
  package let retry: RetryPolicy
}

/// Where a group's devices get their image from.
package enum BootSource: Sendable, Hashable {
  /// What the channel of this name says of an image; `nil` for the only one that the channel has.
  case channel(String, image: String? = nil)
  /// Always this release.
  case release(ReleaseReference)
  /// Nothing from the network: firmware goes on to the disk.
  case localDisk
}

/// A release as people name it.
package enum ReleaseReference: Sendable, Hashable, CustomStringConvertible {
  /// The SHA-256 of its release.json, as 64 lower-case hexadecimal digits.
  case digest(String)
  /// The newest that was published with this name and version.
  case named(String, version: String)

  /// Parses `sha256:HEX` or `NAME@VERSION`; `nil` for anything else.
  package init?(_ text: String) {
    guard TextFormat.releaseReference.accepts(text) else { return nil }
    if text.utf8.starts(with: "sha256:".utf8) {
      self = .digest(String(text.dropFirst(7)))
      return
    }
    let parts = text.split(separator: "@", maxSplits: 1).map(String.init)
    guard parts.count == 2 else { return nil }
    self = .named(parts[0], version: parts[1])
  }

  package var description: String {
    switch self {
    case .digest(let hex): "sha256:\(hex)"
    case .named(let name, let version): "\(name)@\(version)"
    }
  }
}

/// A label: a name and a value.
package struct FleetLabel: Sendable, Hashable {
  package let name: String
  package let value: String

  package init(name: String, value: String) {
    self.name = name
    self.value = value
  }
}

/// What happens to a device whose boots keep failing.
package struct RetryPolicy: Sendable, Hashable {
  /// After this many failed boots in a row of one release, the device stays down; 0 for never.
  package var failures: Int
  /// How long the device waits after the first failed boot, in seconds; it doubles with each.
  package var backOff: Int
  /// The longest such wait, in seconds.
  package var maximumBackOff: Int
  /// A device that asks again within this many seconds of getting its image did not boot well.
  package var settle: Int
  package var afterwards: Afterwards

  /// What "down" means.
  package enum Afterwards: String, Sendable, Hashable, CaseIterable {
    /// No answer at all.
    case stayDown
    /// Firmware goes on to the disk.
    case localDisk
  }

  package init(
    failures: Int = 5, backOff: Int = 10, maximumBackOff: Int = 600, settle: Int = 300,
    afterwards: Afterwards = .stayDown
  ) {
    self.failures = failures
    self.backOff = backOff
    self.maximumBackOff = maximumBackOff
    self.settle = settle
    self.afterwards = afterwards
  }
}

/// A device, known by any of its MAC addresses, its UUID or its serial number.
package struct FleetDevice: Sendable, Hashable {
  package let name: String
  package let description: String
  package let macs: [MACAddress]
  package let uuid: MachineUUID?
  package let serial: String?
  package let site: String?
  package let group: String?
  /// A release of its own, whatever its group says.
  package let release: ReleaseReference?
  /// Sorted by name.
  package let labels: [FleetLabel]
}
