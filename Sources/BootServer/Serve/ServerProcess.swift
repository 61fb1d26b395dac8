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
    let state = try StateDirectory(settings.state)
    let store = try SQLiteStore(path: settings.store)
    let registry = MetricsRegistry()
    let metrics = BootMetrics(registry)
    let library = ReleaseLibrary(directory: settings.library) { error in
      metrics.damagedFiles.increment()
      logger.error("\(error)")
    }
    library.refresh(force: true)
    var directorSettings = try settings.director()
    let now = BootClock.milliseconds()
    let director = BootDirector(
      settings: directorSettings, library: library, devices: try store.devices(),
      boots: try store.lastBoots(since: now - BootDirector.silence), nextBoot: try store.nextBootID(),
      metrics: metrics)
    let health = ServerHealth()
    let follower = try settings.manifest.repository.map {
      try ChannelFollower(
        $0, state: settings.state, director: director, health: health, metrics: ChannelMetrics(registry),
        logger: logger)
    }
    let operators = OperatorNetworks(settings.manifest.http.operators)
    let limits = ConnectionLimits(
      total: settings.manifest.http.connections, perPeer: settings.manifest.http.connectionsPerClient)
    Self.addGauges(registry, director, library, limits)
    let gitView = GitViewer()
    let writing = try WriteAPI(settings, library: library) { message in
      director.log(director.clock(), .info, "published", nil, message)
      logger.notice("\(message)")
    }
    let responder = BootResponder(
      director: director,
      operations: Operations(
        director: director, store: store, registry: registry, health: health, operators: operators,
        follower: follower, git: gitView, writing: writing))
    let git = try settings.manifest.git.map { git in
      try GitFollower(git, state: settings.state, registry: registry) { severity, message in
        director.log(director.clock(), severity, "git", nil, message)
        logger.log(
          level: severity == .info ? .notice : severity == .warning ? .warning : .error, "\(message)")
      } overridden: {
        director.overriddenDevices
      } onFleet: {
        requests.yield()
      }
    }
    if let git {
      gitView.set(git)
      // What was applied before is at hand: a host that is slow does not keep devices waiting.
      await git.look(within: .seconds(5))
      directorSettings.inventory = try settings.inventory()
      director.change(directorSettings)
    }
    await follower?.begin()
    // Packets first: what they need may be missing, and then nothing was promised to anybody.
    let packets = try PacketService(settings, director: director, store: store)
    let http = try await HTTPServer(
      listeners: settings.listeners, certificate: settings.certificate, responder: responder, limits: limits,
      metrics: HTTPMetrics(registry), threads: max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))))
    directorSettings.httpPort = http.addresses.first { !$0.isSecure }?.port ?? directorSettings.httpPort
    director.change(directorSettings)
    let reloader = ReloadService(
      reloads: reloads, options: options, first: settings, httpPort: directorSettings.httpPort,
      director: director,
      packets: packets, limits: limits, operators: operators, logger: logger)
    let maintenance = MaintenanceService(director: director, store: store, health: health, logger: logger)
    var services: [any Service] = [maintenance, packets, http, reloader, writing.sweeper]
    if let follower { services.append(follower) }
    if let git { services.append(git) }
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
    health.set("start", nil)
    Self.announce(settings, http, packets, library, director, logger)
    try await group.run()
    logger.notice("stopped")
    _ = state.path
  }

  private static func addGauges(
    _ registry: MetricsRegistry, _ director: BootDirector, _ library: ReleaseLibrary,
    _ limits: ConnectionLimits
  ) {
    registry.gauge("netimg_devices", "Devices that the server knows.") { Double(director.deviceCount) }
    registry.gauge("netimg_releases", "Releases in the library.") { Double(library.releases.count) }
    registry.gauge("netimg_http_open_connections", "HTTP connections that are open.") { Double(limits.count) }
  }

  private static func announce(
    _ settings: ServeSettings, _ http: HTTPServer, _ packets: PacketService, _ library: ReleaseLibrary,
    _ director: BootDirector, _ logger: Logger
  ) {
    for listener in http.addresses {
      let host = listener.host.contains(":") ? "[\(listener.host)]" : listener.host
      logger.notice("serving \(listener.isSecure ? "https" : "http")://\(host):\(listener.port)/")
    }
    if packets.tftpPort > 0 { logger.notice("serving TFTP on UDP port \(packets.tftpPort)") }
    switch settings.manifest.dhcp.mode {
    case .proxy:
      logger.notice("serving ProxyDHCP beside the site's own DHCP server, on UDP ports 67 and 4011")
    case .server: logger.notice("serving DHCP on UDP ports 67 and 4011")
    case .off: logger.notice("DHCP is off")
    }
    let inventory = director.settings.inventory
    let source =
      inventory.source.map { "\($0): \(inventory.manifest.devices.count) devices" }
      ?? "no fleet manifest: unknown devices are only noted"
    logger.notice(
      "ready",
      metadata: [
        "state": "\(settings.state)", "library": "\(settings.library)",
        "releases": "\(library.releases.count)",
        "fleet": "\(source)",
      ])
    if director.settings.programs.names.isEmpty {
      logger.warning(
        "\(director.settings.programs.directory) has no iPXE programs, so BIOS devices cannot boot: install Debian's package ipxe, or set ipxe.firmware"
      )
    }
  }
}
