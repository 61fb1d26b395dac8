internal import Fleet
internal import Glibc
internal import Logging
internal import Manifest
internal import NetworkTypes
internal import ServerCore
internal import ServiceLifecycle
internal import Synchronization

/// One `netimg serve`: everything is opened before anything is served, and if one part ends, all do.
package final class ServerProcess: Sendable {
  private let options: ServeOptions
  private let group = Mutex<ServiceGroup?>(nil)
  private let reloads: AsyncStream<Void>
  private let reloadRequests: AsyncStream<Void>.Continuation
  private let isStopping = Atomic<Bool>(false)

  package init(_ options: ServeOptions) {
    self.options = options
    (reloads, reloadRequests) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Asks for the configuration to be read anew. From any thread.
  package func reload() { reloadRequests.yield() }

  /// Asks for a graceful stop: transfers under way come to their end. From any thread.
  package func stop() {
    isStopping.store(true, ordering: .sequentiallyConsistent)
    let group = group.withLock(\.self)
    Task { await group?.triggerGracefulShutdown() }
  }

  /// Serves until it is stopped.
  /// - Throws: What cannot be read, opened or bound, as one sentence; or why a part of the server ended by itself.
  package func run() async throws {
    let settings = try options.settings()
    let requests = reloadRequests
    let writer = LogWriter(
      label: "netimg", format: settings.manifest.log.format == .json ? .json : .text, level: settings.logLevel
    )
    let logger = Logger(label: "netimg") { _ in writer }
    OpenFiles.allowMost()
    let state = try StateDirectory(settings.state, roles: settings.roles)
    // Before the inventory is read: what is applied after this is news.
    let watch =
      settings.manifest.git == nil || settings.roles.contains(.control)
      ? nil : AppliedFleetWatch(settings.fleet) { requests.yield() }
    let parts = try ServerParts(settings, logger: logger)
    let director = parts.director
    let follower = try parts.follower()
    let git = try await parts.gitFollower { requests.yield() }
    await follower?.begin()
    let writing = try parts.writing()
    let operations = parts.operations(follower, writing)
    // Packets first: what they need may be missing, and then nothing was promised to anybody.
    let packets =
      parts.roles.contains(.boot)
      ? try PacketService(settings, director: director, store: parts.store) : nil
    let boot =
      parts.roles.contains(.boot)
      ? try await Self.server(
        parts, settings.listeners, BootResponder(director: director, operations: operations),
        threads: max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))) : nil
    let control =
      settings.controlListeners.isEmpty
      ? nil
      : try await Self.server(
        parts, settings.controlListeners, ControlResponder(operations), threads: 1)
    var directorSettings = director.settings
    directorSettings.httpPort =
      boot?.addresses.first { !$0.isSecure }?.port ?? directorSettings.httpPort
    director.change(directorSettings)
    let servers = [boot, control].compactMap(\.self)
    let reloader = ReloadService(
      reloads: reloads, options: options, first: settings, httpPort: directorSettings.httpPort,
      director: director, packets: packets, servers: servers, limits: parts.limits,
      operators: parts.operators, logger: logger)
    let maintenance = MaintenanceService(
      director: director, store: parts.store, health: parts.health, logger: logger,
      boots: parts.roles.contains(.boot))
    var services: [any Service] = [maintenance, reloader, writing.sweeper]
    for server in servers { services.append(server) }
    // They stop in the opposite order: nobody is told a file that is not there any more.
    if let packets { services.append(packets) }
    if let follower { services.append(follower) }
    if let git { services.append(git) }
    if let watch { services.append(watch) }
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: services.map {
          .init(
            service: $0, successTerminationBehavior: .gracefullyShutdownGroup,
            failureTerminationBehavior: .cancelGroup)
        },
        logger: Logger(label: "netimg") { _ in LogWriter(label: "netimg", format: .text, level: .critical) }))
    self.group.withLock { $0 = group }
    if isStopping.load(ordering: .sequentiallyConsistent) { return }
    parts.health.set("start", nil)
    Self.announce(parts, boot: boot, control: control, packets)
    try await group.run()
    logger.notice("stopped")
    _ = state.path
  }

  private static func server(
    _ parts: ServerParts, _ listeners: [HTTPServer.Listener], _ responder: any HTTPResponder, threads: Int
  ) async throws -> HTTPServer {
    let server = try await HTTPServer(
      listeners: listeners, certificate: parts.settings.certificate, responder: responder,
      limits: parts.limits, metrics: parts.httpMetrics, times: parts.settings.httpTimes, threads: threads)
    if server.certificateExpiry != nil {
      parts.registry.gauge(
        "netimg_https_certificate_expiry_timestamp_seconds", "When the certificate for HTTPS expires."
      ) { [weak server] in Double(server?.certificateExpiry ?? 0) }
    }
    return server
  }
}
