internal import DHCP
internal import Fleet
internal import Logging
internal import Manifest
internal import NetworkTypes
internal import PacketIO
internal import ServerCore
internal import ServiceLifecycle
internal import Synchronization
internal import TFTP

/// DHCP and TFTP, each on a thread of its own, as one service of the process.
final class PacketService: Service {
  // A source belongs to its loop's thread: it is reached by `perform` alone.
  private struct Parts: @unchecked Sendable {
    let dhcpLoop: EventLoop
    let tftpLoop: EventLoop
    let dhcp: DHCPv4Service?
    let dhcp6: DHCPv6Service?
    let tftp: TFTPService?
  }
  private let parts: Parts
  private let director: BootDirector
  /// How long transfers under way may go on after a stop.
  private let drain: Duration
  /// The UDP port that TFTP has; 0 if it is off.
  let tftpPort: UInt16

  /// Opens the sockets. From here on packets wait to be answered.
  /// - Throws: ``ServerError``, with what to do.
  init(_ settings: ServeSettings, director: BootDirector, store: any LeaseStore) throws {
    let dhcpLoop = try EventLoop()
    let tftpLoop = try EventLoop()
    var dhcp: DHCPv4Service?
    var dhcp6: DHCPv6Service?
    var tftp: TFTPService?
    if let configuration = settings.dhcp {
      dhcp = try Self.rethrowing("DHCP (UDP ports 67 and 4011)", "dhcp.mode") {
        try DHCPv4Service.start(configuration, decider: director, store: store, on: dhcpLoop) { events, _ in
          for event in events { director.handle(event) }
        }
      }
    }
    if let configuration = settings.dhcp6 {
      dhcp6 = try Self.rethrowing("DHCPv6 (UDP ports 547 and 4011)", "dhcp.ipv6") {
        try DHCPv6Service.start(configuration, decider: director, store: store, on: dhcpLoop) { events, _ in
          for event in events { director.handle(event) }
        }
      }
    }
    if settings.manifest.tftp.isEnabled {
      let port = UInt16(clamping: settings.manifest.tftp.port)
      tftp = try Self.rethrowing("TFTP (UDP port \(port))", "tftp.port or tftp.enabled") {
        try TFTPService(settings.tftp, files: director, on: tftpLoop, number: port) { events, _ in
          for event in events { director.handle(event) }
        }
      }
    }
    let known = try Interfaces.current()
    director.noticeInterfaces(settings.dhcp, known)
    _ = try InterfaceWatcher(loop: dhcpLoop, known: known) { interfaces in
      dhcp?.update(interfaces: interfaces)
      dhcp6?.update(interfaces: interfaces)
      director.noticeInterfaces(dhcp?.configuration, interfaces)
    }
    _ = try InterfaceWatcher(loop: tftpLoop, known: known) { tftp?.update(interfaces: $0) }
    tftpPort = tftp?.number ?? 0
    self.director = director
    drain = .seconds(settings.manifest.drain)
    parts = Parts(dhcpLoop: dhcpLoop, tftpLoop: tftpLoop, dhcp: dhcp, dhcp6: dhcp6, tftp: tftp)
  }

  private static func rethrowing<Value>(_ what: String, _ key: String, _ body: () throws -> Value) throws
    -> Value
  {
    do {
      return try body()
    } catch let error as PacketIOError {
      let code: ServerError.Code =
        switch error.code {
        case .portInUse: .addressInUse
        case .notPermitted: .notPermitted
        case .system: .system
        }
      throw ServerError(code, "cannot serve \(what): \(error); or change \(key)")
    }
  }

  /// Limits and networks, from the next packet on. Transfers and leases go on.
  func change(_ settings: ServeSettings) {
    let parts = parts
    if let configuration = settings.dhcp {
      parts.dhcpLoop.perform { parts.dhcp?.update(configuration: configuration, now: EventLoop.now()) }
      if let known = try? Interfaces.current() { director.noticeInterfaces(configuration, known) }
    }
    let configuration = settings.tftp
    parts.tftpLoop.perform { parts.tftp?.update(configuration: configuration) }
  }

  /// TFTP transfers under way.
  private func transfers() async -> Int {
    await withCheckedContinuation { continuation in
      parts.tftpLoop.perform { [parts] in continuation.resume(returning: parts.tftp?.transferCount ?? 0) }
    }
  }

  func run() async throws {
    try parts.dhcpLoop.start()
    try parts.tftpLoop.start()
    try? await gracefulShutdown()
    let parts = parts
    // Nobody is told any more what will not be there; who loads may come to the end.
    parts.dhcpLoop.perform {
      parts.dhcp?.stop()
      parts.dhcp6?.stop()
    }
    parts.tftpLoop.perform { parts.tftp?.drain() }
    let deadline = ContinuousClock.now + drain
    while await transfers() > 0, ContinuousClock.now < deadline, !Task.isCancelled {
      try? await Task.sleep(for: .milliseconds(20))
    }
    parts.tftpLoop.perform { parts.tftp?.stop() }
    parts.tftpLoop.stop()
    parts.dhcpLoop.stop()
  }
}
