package import BootTypes
internal import DHCP
package import Fleet
internal import NetworkTypes
internal import Synchronization

/// The memory of the boot server: which devices there are, how their boots go, and what each is told.
///
/// DHCP, TFTP and HTTP tell it what happens and ask it what to answer, each from its own thread and in the middle of a
/// packet: it answers from memory. What it learns goes to the store in batches (``flush(to:)``).
package final class BootDirector: Sendable {
  /// What an operator can change while the server runs.
  package struct Settings: Sendable {
    package var inventory: Inventory
    package var templates: ScriptTemplates
    package var programs: IPXEPrograms
    package var chainloadsUEFI: Bool
    /// The port of the HTTP listener that devices are sent to.
    package var httpPort: Int

    package init(
      inventory: Inventory, templates: ScriptTemplates, programs: IPXEPrograms, chainloadsUEFI: Bool,
      httpPort: Int
    ) {
      self.inventory = inventory
      self.templates = templates
      self.programs = programs
      self.chainloadsUEFI = chainloadsUEFI
      self.httpPort = httpPort
    }
  }

  struct State: Sendable {
    var settings: Settings
    /// What the repository's channels say; `nil` if none is followed.
    var channels: ChannelTable?
    var table: DeviceTable
    /// The boot of each device that goes on, or was the last.
    var boots: [Int64: BootRecord] = [:]
    /// The files that the device fetched whole in that boot.
    var fetched: [Int64: Set<String>] = [:]
    var nextBoot: Int64
    var pending = FleetBatchBuilder()
    /// When old boots were last looked for, in milliseconds since 1970.
    var swept: Int64 = 0
    /// What was fetched of each file in that boot, from its beginning without a gap.
    var covered: [Int64: [String: Int]] = [:]
    /// The addresses that the device was lent in that boot.
    var addresses: [Int64: Set<IPAddress>] = [:]
    var unknown = UnknownDevices()
    var notices = NoticeBoard()
    /// Why leases could not be written down last; `nil` if they could.
    var leaseProblem: String?

    /// Takes a device out, here and with the next batch in the store.
    mutating func forget(_ id: Int64) {
      drop(id)
      if pending.newDevices.remove(id) == nil { pending.forgotten.insert(id) }
    }

    /// Takes a device out of memory.
    mutating func drop(_ id: Int64) {
      table.remove(id)
      unknown.remove(id)
      boots[id] = nil
      fetched[id] = nil
      covered[id] = nil
      addresses[id] = nil
      pending.devices.remove(id)
      pending.boots.remove(id)
    }

    /// Whether whoever has that address may be the device: it has no address that we lent it, or this one.
    func isAddress(_ address: IPAddress?, of device: Int64) -> Bool {
      guard let address, let known = addresses[device], !known.isEmpty else { return true }
      return known.contains(address)
    }
    /// The last offer of another boot server on each interface, and when it was seen.
    var competitors: [String: (text: String, at: Int64)] = [:]
  }

  /// How long a device may be silent within one boot, in milliseconds.
  static let silence: Int64 = 180_000
  /// A question that comes that soon after the image was delivered is an echo of the last boot, in milliseconds.
  static let echo: Int64 = 2_000
  package let library: ReleaseLibrary
  let state: Mutex<State>
  /// Milliseconds since 1970.
  let clock: @Sendable () -> Int64
  package let metrics: BootMetrics
  /// Takes what the log is to say of packets and devices.
  let reporter = Mutex<@Sendable (FleetEvent.Severity, String) -> Void>({ _, _ in })

  /// - Parameters:
  ///   - devices: What the store knows.
  ///   - boots: The last boot of each device that was heard of lately: it may go on.
  ///   - nextBoot: The store's next number for a boot.
  package init(
    settings: Settings, library: ReleaseLibrary, devices: [DeviceRecord], boots: [BootRecord] = [],
    nextBoot: Int64,
    metrics: BootMetrics, clock: @escaping @Sendable () -> Int64 = BootClock.milliseconds
  ) {
    self.library = library
    self.clock = clock
    self.metrics = metrics
    var state = State(settings: settings, table: DeviceTable(devices), nextBoot: nextBoot)
    state.unknown.gather(state.table, settings.inventory)
    for boot in boots { state.boots[boot.device] = boot }
    self.state = Mutex(state)
  }

  /// Other settings, from now on.
  package func change(_ settings: Settings) {
    state.withLock { state in
      state.settings = settings
      state.unknown.gather(state.table, settings.inventory)
    }
  }

  /// What the channels say, from now on.
  package func follow(_ channels: ChannelTable?) { state.withLock { $0.channels = channels } }

  package var channels: ChannelTable? { state.withLock(\.channels) }

  package var settings: Settings { state.withLock(\.settings) }

  /// What a device that the store or the inventory knows is to boot, without any question of its own.
  package func verdict(for identity: DeviceIdentity, firmware: BootFirmware?) -> BootVerdict {
    let now = clock()
    return state.withLock { state in
      let record = state.table.find(identity)
      return self.verdict(
        for: identity, record: record, firmware: firmware, address: nil, state.settings, state.channels, now)
    }
  }

  func verdict(
    for identity: DeviceIdentity, record: DeviceRecord?, firmware: BootFirmware?, address: IPv4Address?,
    _ settings: Settings, _ channels: ChannelTable?, _ now: Int64
  ) -> BootVerdict {
    let known = address ?? record?.seen.address.flatMap { IPv4Address($0) }
    let assignment = settings.inventory.assignment(of: identity, known: record, address: known)
    return BootPolicy(
      inventory: settings.inventory, library: library, chainloadsUEFI: settings.chainloadsUEFI,
      channels: channels
    )
    .verdict(for: assignment, device: record, firmware: firmware, now: now / 1000)
  }

  /// How many devices it knows.
  package var deviceCount: Int { state.withLock(\.table.count) }

  /// How many of them nobody has named.
  package var unknownDevices: Int { state.withLock(\.unknown.count) }

  /// How many devices have settings of an operator's that no manifest knows of.
  package var overriddenDevices: Int {
    state.withLock { state in
      state.table.records.values.count { $0.settings.release != nil || $0.settings.group != nil }
    }
  }

  package func device(_ identity: DeviceIdentity) -> DeviceRecord? {
    state.withLock { $0.table.find(identity) }
  }
}

/// What the store does not have yet.
struct FleetBatchBuilder: Sendable {
  var newDevices: Set<Int64> = []
  /// Devices that made room for others.
  var forgotten: Set<Int64> = []
  var devices: Set<Int64> = []
  /// Devices whose current boot has changed.
  var boots: Set<Int64> = []
  /// Boots that are over and were followed by another.
  var finished: [BootRecord] = []
  var events: [FleetEvent] = []

  /// Events beyond that many between two flushes are left out: a flood must not fill the memory.
  static let maximumEvents = 1000

  mutating func add(_ event: FleetEvent) {
    if events.count < Self.maximumEvents { events.append(event) }
  }
}
