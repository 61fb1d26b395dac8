internal import Bytes
internal import DHCP
package import Fleet
internal import Manifest
internal import NetworkTypes

/// A device as programs read it: the API and `--json`.
package struct DeviceView: Encodable, Sendable {
  let name: String
  let standing: String
  let macs: [String]
  let uuid: String?
  let serial: String?
  let site: String?
  let group: String?
  let labels: [String: String]
  let boots: String
  let why: [String]
  let firmware: String?
  let address: String?
  /// Seconds since 1970; absent if it was never seen.
  let firstSeen: Int64?
  let lastSeen: Int64?
  let failures: Int
  let release: String?

  package init(_ entry: DeviceEntry) {
    let record = entry.record
    name = entry.assignment.name
    standing = entry.assignment.standing.rawValue
    macs = entry.macs.map(\.description)
    uuid = entry.uuid?.description
    serial = entry.serial
    site = entry.assignment.site
    group = entry.assignment.group
    labels = Dictionary(
      entry.assignment.labels.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
    boots = entry.assignment.source.text
    why = entry.assignment.steps
    firmware = record?.seen.firmware
    address = record?.seen.address
    firstSeen = record.flatMap { $0.seen.first > 0 ? $0.seen.first : nil }
    lastSeen = record.flatMap { $0.seen.last > 0 ? $0.seen.last : nil }
    failures = record.map { $0.health.failures(of: $0.health.release ?? "", armed: $0.settings.armed) } ?? 0
    release = record?.health.release
  }
}

extension Assignment.Source {
  /// For people, in a table's cell: digests are cut short.
  package var short: String {
    if case .release(.digest(let hex)) = self { return "sha256:\(hex.prefix(12))…" }
    return text
  }

  /// For people.
  package var text: String {
    switch self {
    case .release(let release): release.description
    case .channel(let name, let image): "channel \(name)\(image.map { " (\($0))" } ?? "")"
    case .localDisk: "local disk"
    case .ignored: "nothing: ignored"
    case .held: "nothing: held"
    }
  }
}

/// A boot as programs read it.
package struct BootView: Encodable, Sendable {
  struct Event: Encodable, Sendable {
    let at: Int64
    let kind: String
    let detail: String
    let transport: String?
    let bytes: Int?
    let milliseconds: Int?
    let bytesPerSecond: Int?
    let retries: Int?
    let count: Int
    let until: Int64?
  }
  let id: Int64
  /// Milliseconds since 1970.
  let started: Int64
  let updated: Int64
  let firmware: String
  let release: String?
  let state: String
  let events: [Event]
  let omittedEvents: Int

  package init(_ boot: BootRecord) {
    id = boot.id
    started = boot.started
    updated = boot.updated
    firmware = boot.firmware
    release = boot.release
    state = boot.state.rawValue
    omittedEvents = boot.omitted
    events = boot.events.map { event in
      Event(
        at: event.at, kind: event.kind.rawValue, detail: event.detail, transport: event.transport,
        bytes: event.bytes,
        milliseconds: event.milliseconds, bytesPerSecond: event.rate, retries: event.retries,
        count: event.count,
        until: event.until)
    }
  }
}

/// An event as programs read it.
struct EventView: Encodable {
  let at: Int64
  let severity: String
  let kind: String
  let device: Int64?
  let message: String

  init(_ event: FleetEvent) {
    at = event.at
    severity = event.severity.rawValue
    kind = event.kind
    device = event.device
    message = event.message
  }
}

/// An address on lease as programs read it.
struct LeaseView: Encodable {
  let address: String
  let mac: String?
  let hostName: String?
  /// Option 61, else hardware type and address; for IPv6 the DUID and the IAID. In hex.
  let client: String
  /// `active`, or `declined` where somebody else was found to use the address.
  let state: String
  /// Seconds since 1970.
  let granted: Int64
  let expires: Int64

  init(_ lease: Lease) {
    address = lease.address.description
    mac = lease.hardwareAddress?.description
    hostName = lease.hostName.isEmpty ? nil : lease.hostName
    client = Hex.encode(lease.client)
    state = lease.state.rawValue
    granted = lease.granted
    expires = lease.expires
  }
}

/// A release of the library as programs read it.
struct ReleaseView: Encodable {
  let digest: String
  let name: String
  let version: String
  let architecture: String
  let timestamp: UInt64

  init(_ release: LibraryRelease) {
    digest = release.digest.hex
    name = release.name
    version = release.version
    architecture = release.architecture
    timestamp = release.timestamp
  }
}
