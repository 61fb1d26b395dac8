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
  /// How often what was learned is written.
  private static let interval = Duration.milliseconds(200)

  func run() async throws {
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
      director.library.refresh()
      do {
        let current = try store.version()
        if current != version {
          try director.reload(from: store)
          version = current
          logger.info("read what other commands changed in the store")
        }
      } catch {
        logger.error("\(error)")
      }
    }
    flush()
  }

  private func flush() {
    do {
      try director.flush(to: store)
      health.set("store", nil)
    } catch {
      if !health.problems.contains("\(error)") { logger.error("\(error)") }
      health.set("store", "\(error)")
    }
  }
}
