internal import Channels
internal import ServiceLifecycle

/// Forgets uploads that nobody goes on with, and proposals that another change has overtaken.
struct UploadSweeper: Service {
  let stores: [UploadStore]
  let intake: ProposalIntake?

  func run() async throws {
    while !Task.isCancelled, !Task.isShuttingDownGracefully {
      for store in stores { store.sweep() }
      intake?.sweep()
      for _ in 0..<600 where !Task.isCancelled && !Task.isShuttingDownGracefully {
        try? await Task.sleep(for: .milliseconds(100))
      }
    }
  }
}

extension WriteAPI {
  var sweeper: UploadSweeper { UploadSweeper(stores: Array(stores.values), intake: intake) }
}
