internal import Fleet
internal import Logging
internal import Manifest
internal import ServerCore

/// What every process of a server has, whatever its roles: made before anything is opened to the network.
struct ServerParts: Sendable {
  let settings: ServeSettings
  let roles: Set<ServerRole>
  let logger: Logger
  let store: SQLiteStore
  let registry = MetricsRegistry()
  let metrics: BootMetrics
  let director: BootDirector
  let health = ServerHealth()
  let operators: OperatorNetworks
  let limits: ConnectionLimits
  let httpMetrics: HTTPMetrics
  let gitView = GitViewer()

  init(_ settings: ServeSettings, logger: Logger) throws {
    self.settings = settings
    self.logger = logger
    roles = settings.roles
    store = try SQLiteStore(path: settings.store)
    let metrics = BootMetrics(registry)
    self.metrics = metrics
    httpMetrics = HTTPMetrics(registry)
    let library = ReleaseLibrary(directory: settings.library) { error in
      metrics.damagedFiles.increment()
      logger.error("\(error)")
    }
    library.refresh(force: true)
    let now = BootClock.milliseconds()
    director = BootDirector(
      settings: try settings.director(), library: library, devices: try store.devices(),
      // The boots that go on are those of whoever boots the devices.
      boots: roles.contains(.boot) ? try store.lastBoots(since: now - BootDirector.silence) : [],
      nextBoot: try store.nextBootID(), metrics: metrics)
    operators = OperatorNetworks(settings.manifest.http.operators)
    limits = ConnectionLimits(
      total: settings.manifest.http.connections, perPeer: settings.manifest.http.connectionsPerClient)
    let (director, limits) = (director, limits)
    registry.gauge("netimg_devices", "Devices that the server knows.") { Double(director.deviceCount) }
    registry.gauge("netimg_releases", "Releases in the library.") { Double(library.releases.count) }
    registry.gauge("netimg_http_open_connections", "HTTP connections that are open.") { Double(limits.count) }
    registry.gauge("netimg_role", label: "role", "The roles of this process.") { [roles] in
      ServerRole.allCases.map { ($0.rawValue, roles.contains($0) ? 1 : 0) }
    }
  }

  /// What follows the repository, or what the role control hands over of it; `nil` if there is none.
  func follower() throws -> ChannelFollower? {
    try settings.manifest.repository.map {
      try ChannelFollower(
        $0, state: settings.state, roles: roles, director: director, health: health,
        metrics: ChannelMetrics(registry), logger: logger)
    }
  }

  /// What follows a git repository, with what it applied already read; `nil` if there is none, or another process does.
  func gitFollower(onFleet: @escaping @Sendable () -> Void) async throws -> GitFollower? {
    guard roles.contains(.control), let git = settings.manifest.git else { return nil }
    let (director, logger) = (director, logger)
    let follower = try GitFollower(git, state: settings.state, registry: registry) { severity, message in
      director.log(director.clock(), severity, "git", nil, message)
      logger.log(
        level: severity == .info ? .notice : severity == .warning ? .warning : .error, "\(message)")
    } overridden: {
      director.overriddenDevices
    } onFleet: {
      onFleet()
    }
    gitView.set(follower)
    // What was applied before is at hand: a host that is slow does not keep devices waiting.
    await follower.look(within: .seconds(5))
    director.change(try settings.director())
    return follower
  }

  /// What takes releases, proposals and attestations, if this process has the role control; the repository's files
  /// are for everybody.
  func writing() throws -> WriteAPI {
    guard roles.contains(.control) else { return WriteAPI(filesOf: settings) }
    let (director, logger) = (director, logger)
    return try WriteAPI(settings, library: director.library) { message in
      director.log(director.clock(), .info, "published", nil, message)
      logger.notice("\(message)")
    }
  }

  func operations(_ follower: ChannelFollower?, _ writing: WriteAPI) -> Operations {
    Operations(
      director: director, store: store, registry: registry, health: health, operators: operators,
      follower: follower, git: gitView, hasAPI: roles.contains(.control), writing: writing)
  }
}
