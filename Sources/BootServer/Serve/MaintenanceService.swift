internal import Fleet
internal import Logging
internal import ServerCore
internal import ServiceLifecycle

/// Writes what the director learned, takes in what commands wrote, and looks after the library.
struct MaintenanceService: Service {
  let director: BootDirector
  let store: any FleetStore
  let health: ServerHealth
  let logger: Logger
  /// Whether this process boots the devices; else it only looks on.
  let boots: Bool
  /// How often what was learned is written.
  private static let interval = Duration.milliseconds(200)

  func run() async throws {
    director.sayNotices { [logger] severity, text in
      logger.log(level: severity == .error ? .error : severity == .warning ? .warning : .info, "\(text)")
    }
    // Whoever serves them finds damage; whoever follows the repository repairs it.
    let checker = Task.detached(priority: .background) { [director] in
      while !Task.isCancelled {
        director.library.checkAll { Task.isCancelled }
        try? await Task.sleep(for: .seconds(600))
      }
    }
    let tidier = Task.detached(priority: .background) { [store, logger] in
      while !Task.isCancelled {
        try? await Task.sleep(for: .seconds(10))
        do { try store.tidy() } catch { logger.error("\(error)") }
      }
    }
    defer {
      checker.cancel()
      tidier.cancel()
    }
    var version = try store.version()
    var round = 0
    while !Task.isCancelled, !Task.isShuttingDownGracefully {
      try? await Task.sleep(for: Self.interval)
      flush()
      round += 1
      guard round % 5 == 0 else { continue }
      if director.library.refresh() {
        // What is new is looked at before the first device asks for it.
        Task.detached(priority: .utility) { [director] in director.library.checkAll() }
      }
      do {
        let current = try store.version()
        if current != version {
          try director.reload(from: store, isObserver: !boots)
          version = current
          // Where somebody else boots the devices, that is all the time.
          logger.log(level: boots ? .info : .debug, "read what other processes changed in the store")
        }
      } catch {
        logger.error("\(error)")
      }
    }
    flush()
  }

  private func flush() {
    health.set("leases", director.leaseProblem)
    do {
      try director.flush(to: store)
      health.set("store", nil)
    } catch {
      if !health.problems.contains("\(error)") { logger.error("\(error)") }
      health.set("store", "\(error)")
    }
  }
}
