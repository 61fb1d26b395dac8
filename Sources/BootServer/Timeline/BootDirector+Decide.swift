internal import BootTypes
internal import Bytes
package import DHCP
internal import Fleet
internal import NetworkTypes
internal import ServerCore
internal import Synchronization

extension BootDirector: BootDecider {
  package func decide(_ request: NetbootRequest) -> BootDecision {
    let identity = DeviceIdentity(mac: request.hardwareAddress, uuid: request.uuid)
    guard !identity.isEmpty else { return .ignore(reason: "it says neither a MAC address nor a UUID") }
    let firmware = BootFirmware(request)
    let now = clock()
    var address: IPv4Address?
    if case .v4(let relay) = request.relay?.address { address = relay }
    var notices: [(FleetEvent.Severity, String)] = []
    let decision = state.withLock { state in
      decide(request, identity, firmware, address, now, &state, &notices)
    }
    for (severity, text) in notices { report(severity, text) }
    return decision
  }

  private func decide(
    _ request: NetbootRequest, _ identity: DeviceIdentity, _ firmware: BootFirmware, _ address: IPv4Address?,
    _ now: Int64, _ state: inout State, _ notices: inout [(FleetEvent.Severity, String)]
  ) -> BootDecision {
    var record = state.table.find(identity)
    var assignment = state.settings.inventory.assignment(of: identity, known: record, address: address)
    if assignment.source == .ignored {
      return .ignore(reason: "\(assignment.name) is unknown, and unknown devices are ignored")
    }
    if record == nil { record = note(identity, assignment.standing, now, &state) }
    if var device = record {
      learn(identity, firmware, address, now, &device, &state, &notices)
      if request.stage == .discover || state.boots[device.id] == nil {
        begin(request.interface, firmware, assignment, now, &device, &state)
      }
      state.table.put(device)
      record = device
      assignment = state.settings.inventory.assignment(of: identity, known: record, address: address)
    }
    let verdict = BootPolicy(
      inventory: state.settings.inventory, library: library, chainloadsUEFI: state.settings.chainloadsUEFI,
      channels: state.channels
    ).verdict(for: assignment, device: record, firmware: firmware, now: now / 1000)
    if let record { setRelease(of: record.id, verdict, &state) }
    switch verdict.action {
    case .silence: return .ignore(reason: verdict.reason)
    case .wait:
      guard let file = Self.holding(request, identity, state.settings) else {
        return .wait(reason: verdict.reason)
      }
      // It loads something that says why, and asks again; its boot is none yet.
      if let record, var boot = state.boots[record.id] {
        boot.add(BootEvent(at: now, .refused, verdict.reason))
        state.boots[record.id] = boot
        state.pending.boots.insert(record.id)
      }
      return .boot(file)
    case .localDisk: return .localDisk(reason: verdict.reason)
    case .boot(let payload):
      guard let file = Self.file(payload, for: request, identity, verdict, state.settings) else {
        return .ignore(reason: "it says no MAC address and no UUID that a file could be named by")
      }
      if case .ipxe(let program) = payload, state.settings.programs[program] == nil {
        return .ignore(
          reason:
            "\(program) is not in \(state.settings.programs.directory): install Debian's package ipxe, or set ipxe.firmware"
        )
      }
      return .boot(file)
    }
  }

  /// What keeps a device busy that boots later: iPXE's script, which says why and begins anew after a while, or iPXE for
  /// a BIOS. UEFI firmware has nothing of the kind; it hears nothing, and asks again as long as it cares to.
  private static func holding(
    _ request: NetbootRequest, _ identity: DeviceIdentity, _ settings: Settings
  ) -> BootFile? {
    switch request.client {
    case .ipxe: return script(for: request, identity, settings)
    case .pxe where request.architecture == .bios && settings.programs["undionly.kpxe"] != nil:
      return BootName.artifact(device: identity, release: nil, name: "undionly.kpxe").path.map {
        .tftp(name: $0)
      }
    case .pxe, .http: return nil
    }
  }

  private static func script(
    for request: NetbootRequest, _ identity: DeviceIdentity, _ settings: Settings
  ) -> BootFile? {
    guard let path = BootName.script(device: identity).path else { return nil }
    // An iPXE that was built without HTTP says what it has.
    if !request.ipxeFeatures.isEmpty, !request.ipxeFeatures.contains(.http) { return .tftp(name: path) }
    // iPXE puts its own values in.
    return .url(
      "http://\(host(request.server)):\(settings.httpPort)/\(path)?uuid=${uuid}&serial=${serial:uristring}")
  }

  /// What the client is told to load, in the form that it takes.
  private static func file(
    _ payload: BootVerdict.Payload, for request: NetbootRequest, _ identity: DeviceIdentity,
    _ verdict: BootVerdict,
    _ settings: Settings
  ) -> BootFile? {
    let base = "http://\(host(request.server)):\(settings.httpPort)/"
    switch payload {
    case .uki:
      guard let release = verdict.release,
        let path = BootName.artifact(device: identity, release: release.digest, name: release.uki).path
      else { return nil }
      return request.client == .http ? .url(base + path) : .tftp(name: path)
    case .ipxe(let program):
      return BootName.artifact(device: identity, release: nil, name: program).path.map { .tftp(name: $0) }
    case .script: return script(for: request, identity, settings)
    }
  }

  private static func host(_ address: IPAddress) -> String {
    switch address {
    case .v4(let address): address.description
    case .v6(let address): "[\(address)]"
    }
  }

  /// A device that was never seen before. `nil` if there are too many that nobody named.
  private func note(
    _ identity: DeviceIdentity, _ standing: Assignment.Standing, _ now: Int64, _ state: inout State
  ) -> DeviceRecord? {
    var record = DeviceRecord(id: DeviceRecord.newID(), macs: [])
    record.seen.first = now / 1000
    record.seen.last = now / 1000
    if standing == .unknown {
      if state.unknown.count >= UnknownDevices.maximum {
        guard let old = state.unknown.evict(state.table, state.settings.inventory) else { return nil }
        state.forget(old)
      }
      state.unknown.insert(record)
    }
    state.table.put(record)
    state.pending.newDevices.insert(record.id)
    if standing == .unknown {
      Self.notice(
        now, .info, "discovered", record.id, allowance: 20,
        "\(identity) asked to be booted for the first time", &state)
    }
    return record
  }

  private func learn(
    _ identity: DeviceIdentity, _ firmware: BootFirmware, _ address: IPv4Address?, _ now: Int64,
    _ record: inout DeviceRecord, _ state: inout State, _ notices: inout [(FleetEvent.Severity, String)]
  ) {
    if let old = record.uuid, let new = identity.uuid, old != new {
      let text = Self.notice(
        now, .warning, "identity", record.id,
        "\(identity) says that its UUID is \(new), and it was \(old): another board, or another device with its address",
        &state)
      if let text { notices.append((.warning, text)) }
    }
    var isNew = record.learn(identity)
    // iPXE is a guest of the firmware that was seen before it.
    if firmware.client != .ipxe || record.seen.firmware == nil, record.seen.firmware != firmware.description {
      record.seen.firmware = firmware.description
      isNew = true
    }
    if let address, record.seen.address != address.description {
      record.seen.address = address.description
      isNew = true
    }
    if isNew || now / 1000 != record.seen.last {
      record.seen.last = now / 1000
      state.pending.devices.insert(record.id)
    }
  }

  /// Begins a new boot, if this question does; and judges the one before.
  private func begin(
    _ interface: String, _ firmware: BootFirmware, _ assignment: Assignment, _ now: Int64,
    _ record: inout DeviceRecord, _ state: inout State
  ) {
    if let boot = state.boots[record.id] {
      // A clock that was set back ends nothing.
      let elapsed = max(0, now - boot.updated)
      let isOver = [.handedOver, .failed, .healthy].contains(boot.state)
      guard isOver ? elapsed >= Self.echo : elapsed >= Self.silence else { return }
    }
    let failed = record.health.bootAgain(
      retry: assignment.retry, armed: record.settings.armed, now: now / 1000)
    if var last = state.boots[record.id] {
      if failed, last.state == .handedOver { last.state = .failed }
      state.pending.finished.append(last)
    }
    if failed {
      metrics.failedBoots.increment()
      state.pending.add(
        FleetEvent(
          at: now, .warning, kind: "failed", device: record.id,
          "\(assignment.name) asks again so soon after it got its image that it cannot have booted well (\(record.health.failures) in a row)"
        ))
    }
    metrics.boots.increment()
    var boot = BootRecord(id: state.nextBoot, device: record.id, started: now, firmware: firmware.description)
    // The sensor tells of the same offer once a minute: the other devices on that link hear it too.
    if let other = state.competitors[interface], now - other.at < Self.silence {
      boot.add(BootEvent(at: now, .competitor, other.text))
    }
    state.boots[record.id] = boot
    state.nextBoot += 1
    state.fetched[record.id] = nil
    state.covered[record.id] = nil
    state.addresses[record.id] = nil
    state.pending.boots.insert(record.id)
    state.pending.devices.insert(record.id)
  }

  private func setRelease(of device: Int64, _ verdict: BootVerdict, _ state: inout State) {
    guard var boot = state.boots[device] else { return }
    let before = boot
    boot.release = verdict.release?.digest.hex ?? boot.release
    if case .boot = verdict.action, boot.state == .refused { boot.state = .offered }
    guard boot != before else { return }
    state.boots[device] = boot
    state.pending.boots.insert(device)
  }
}
