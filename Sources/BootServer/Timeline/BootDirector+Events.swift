internal import BootTypes
package import DHCP
package import Fleet
internal import Bytes
package import NetworkTypes
internal import ServerCore
internal import Synchronization
package import TFTP

/// What DHCP and TFTP tell.
extension BootDirector {
  package func handle(_ event: DHCPEvent) {
    let now = clock()
    switch event {
    case .asked(let request):
      metrics.dhcpQuestions.increment(request.client.rawValue)
      let kind: BootEvent.Kind =
        switch request.stage {
        case .discover: .discover
        case .request: .request
        case .binl: .binl
        }
      add(BootEvent(at: now, kind, BootFirmware(request).description), to: Self.identity(request))
    case .answered(let request, let file):
      metrics.dhcpAnswers.increment(file == nil ? "ask-4011" : "boot")
      add(BootEvent(at: now, .offer, Self.text(file)), to: Self.identity(request))
    case .refused(let request, let reason):
      metrics.dhcpAnswers.increment("refused")
      add(BootEvent(at: now, .refused, reason), to: Self.identity(request))
    case .leased(let lease, let isRenewal):
      metrics.leases.increment(isRenewal ? "renewed" : "granted")
      guard let mac = lease.hardwareAddress else { return }
      setAddress(lease.address, of: mac)
      add(BootEvent(at: now, .leased, lease.address.description), to: DeviceIdentity(mac: mac))
    case .released: metrics.leases.increment("released")
    case .declined(let address, let mac):
      metrics.leases.increment("declined")
      notice(
        now, .warning, "declined", mac, topic: "\(address)",
        "\(address) is in use by somebody else: \(Self.name(mac)) declined it"
      )
    case .refusedAddress(let address, let mac, let reason):
      metrics.leases.increment("refused")
      notice(now, .info, "refused-address", mac, "\(Self.name(mac)) may not keep \(address): \(reason)")
    case .exhausted(let network, let mac):
      metrics.leases.increment("exhausted")
      notice(
        now, .error, "exhausted", mac, topic: network,
        "\(network) has no address left for \(Self.name(mac)): enlarge its pools")
    case .choseOther(let mac, let server):
      guard let mac else { return }
      add(BootEvent(at: now, .otherServer, server.description), to: DeviceIdentity(mac: mac))
    case .competitor(let offer): note(offer, now)
    case .leaseStore(let problem):
      state.withLock { $0.leaseProblem = problem }
      guard let problem else { return }
      notice(now, .error, "lease-store", nil, problem)
    case .dropped(let source, let reason): noticeDropped(source, reason, now)
    }
  }

  package func handle(_ event: TFTPEvent) {
    let now = clock()
    switch event {
    case .started(let transfer):
      guard let identity = Self.identity(transfer.name) else { return }
      let name = Self.file(transfer.name)
      add(BootEvent(at: now, .transfer, name, transport: "tftp"), to: identity) { $0.begin(name) }
    case .ended(let transfer, let end, let moment): note(transfer, end, moment, now)
    case .refused(_, let name, let reason):
      metrics.transfers.increment("tftp refused")
      guard let identity = Self.identity(name) else { return }
      add(BootEvent(at: now, .notFound, "\(name): \(reason)", transport: "tftp"), to: identity)
    case .dropped: metrics.transfers.increment("tftp dropped")
    }
  }

  private func note(_ transfer: TFTPTransfer, _ end: TFTPEnd, _ moment: Moment, _ now: Int64) {
    let milliseconds = Int((moment.monotonic &- transfer.started.monotonic) / 1_000_000)
    metrics.bytes.increment("tftp", by: transfer.acknowledged)
    let identity = Self.identity(transfer.name)
    let name = Self.file(transfer.name)
    var kind = BootEvent.Kind.aborted
    var detail = name
    switch end {
    case .complete: (kind, detail) = (.fetched, name)
    case .probed: kind = .probed
    case .aborted(let code, let message): detail = "\(name): the client gave up with error \(code) \(message)"
    case .timedOut: detail = "\(name): the client fell silent"
    case .unreadable(let reason): detail = "\(name): \(reason)"
    case .replaced: detail = "\(name): the client began anew"
    case .stopped: detail = "\(name): the server stopped"
    }
    metrics.transfers.increment("tftp \(kind.rawValue)")
    guard let identity else { return }
    let event = BootEvent(
      at: now, kind, detail, transport: "tftp", bytes: kind == .probed ? nil : transfer.acknowledged,
      milliseconds: milliseconds, retries: transfer.retries)
    if kind == .fetched {
      noteFetched(name, event, identity, peer: transfer.peer.address)
    } else {
      add(event, to: identity)
    }
  }

  /// Another server's offer: part of the device's boot, and an event of its own the first time in that boot.
  private func note(_ offer: CompetingOffer, _ now: Int64) {
    metrics.competitors.increment()
    let what = offer.bootFile.isEmpty ? "a boot menu" : offer.bootFile
    let text = "\(offer.server) offered \(what)\(offer.isProxy ? " by ProxyDHCP" : "")"
    state.withLock { $0.competitors[offer.interface] = (text, now) }
    var isNew = true
    if let mac = offer.hardwareAddress {
      isNew = add(BootEvent(at: now, .competitor, text), to: DeviceIdentity(mac: mac)) ?? true
    }
    guard isNew else { return }
    log(
      now, .warning, "competitor", offer.hardwareAddress,
      "another boot server, \(offer.server) on \(offer.interface), offers \(what) to \(Self.name(offer.hardwareAddress)): take its boot options away, or this server's devices"
    )
  }

  /// Adds an event to the boot of a device that is known.
  /// - Returns: Whether it is the first of its kind and words in that boot; `nil` if there is no boot to add it to.
  @discardableResult
  func add(
    _ event: BootEvent, to identity: DeviceIdentity, _ change: (inout BootRecord) -> Void = { _ in }
  ) -> Bool? {
    state.withLock { state in
      guard let device = state.table.find(identity), var boot = state.boots[device.id] else { return nil }
      let isNew = !boot.events.contains { $0.kind == event.kind && $0.detail == event.detail }
      boot.add(event)
      change(&boot)
      state.boots[device.id] = boot
      state.pending.boots.insert(device.id)
      return isNew
    }
  }

  /// A file arrived whole; with the image's last one, the device is on its own.
  /// - Parameter peer: Who fetched it: anybody can, and only the device itself is on its own then.
  func noteFetched(_ name: String, _ event: BootEvent, _ identity: DeviceIdentity, peer: IPAddress?) {
    let isOver = state.withLock { state in
      guard var device = state.table.find(identity), var boot = state.boots[device.id] else { return false }
      guard state.isAddress(peer, of: device.id) else { return false }
      boot.add(event)
      boot.begin(name)
      state.fetched[device.id, default: []].insert(name)
      let fetched = state.fetched[device.id] ?? []
      let isWhole =
        name == Artifacts.uki || name == Artifacts.signedUKI
        || ([Artifacts.kernel, Artifacts.initrd].contains(name)
          && fetched.isSuperset(of: [Artifacts.kernel, Artifacts.initrd]))
      if isWhole, boot.state == .loading, let release = boot.release {
        boot.state = .handedOver
        device.health.handOver(release, now: event.at / 1000)
        state.table.put(device)
        state.pending.devices.insert(device.id)
      }
      state.boots[device.id] = boot
      state.pending.boots.insert(device.id)
      return boot.state == .handedOver
    }
    if isOver { metrics.handedOver.increment() }
  }

  private func setAddress(_ address: IPAddress, of mac: MACAddress) {
    state.withLock { state in
      guard var device = state.table.find(DeviceIdentity(mac: mac)) else { return }
      if state.boots[device.id] != nil { state.addresses[device.id, default: []].insert(address) }
      guard device.seen.address != address.description else { return }
      device.seen.address = address.description
      state.table.put(device)
      state.pending.devices.insert(device.id)
    }
  }

  package func log(
    _ at: Int64, _ severity: FleetEvent.Severity, _ kind: String, _ mac: MACAddress?, _ message: String
  ) {
    state.withLock { state in
      let device = mac.flatMap { state.table.find(DeviceIdentity(mac: $0)) }?.id
      state.pending.add(FleetEvent(at: at, severity, kind: kind, device: device, message))
    }
  }

  private static func identity(_ request: NetbootRequest) -> DeviceIdentity {
    DeviceIdentity(mac: request.hardwareAddress, uuid: request.uuid)
  }

  /// Whose file a TFTP name is.
  private static func identity(_ name: String) -> DeviceIdentity? {
    switch BootName(path: name) {
    case .artifact(let device, _, _), .script(let device): device
    case .program, .content, .none: nil
    }
  }

  /// The last part of a name.
  private static func file(_ name: String) -> String { name.slashSeparated().last ?? name }

  private static func text(_ file: BootFile?) -> String {
    switch file {
    case .none: "ask on port 4011"
    case .tftp(let name): name
    case .url(let url): url
    }
  }

  private static func name(_ mac: MACAddress?) -> String { mac?.description ?? "a client" }
}

extension BootRecord {
  /// The device fetches that file: it loads, unless that is only what says why it has to wait.
  mutating func begin(_ file: String) {
    let isImage = file != BootName.scriptName && !BootName.programs.contains(file)
    if state == .offered || isImage && state == .refused { state = .loading }
  }
}
