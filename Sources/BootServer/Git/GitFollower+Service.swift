internal import Foundation
internal import Manifest
internal import ServiceLifecycle
internal import Synchronization

extension GitFollower: Service {
  /// How long a host may say nothing.
  private static let patience = Duration.seconds(60)
  /// Threads that hosts may keep; after that many nobody is asked before one of them has answered.
  private static let maximumWaiting = 8

  /// Looks at the repository in a thread of its own, and waits for that no longer than `patience`: libgit2 waits for ever
  /// for a host that took the connection and says nothing, and neither the start nor the end of the server, nor the next
  /// look, may wait with it.
  func look(within patience: Duration) async {
    let mayLook = waiting.withLock { count in
      guard count < Self.maximumWaiting else { return false }
      count += 1
      return true
    }
    guard mayLook else {
      return fail("\(Self.maximumWaiting) questions to it have no answer yet: is the host well?")
    }
    let isOver = Flag()
    let (answers, answer) = AsyncStream.makeStream(of: Bool.self)
    Thread.detachNewThread { [self] in
      look { isOver.isSet }
      waiting.withLock { $0 -= 1 }
      answer.yield(true)
    }
    let timer = Task {
      try await Task.sleep(for: patience)
      answer.yield(false)
    }
    await withGracefulShutdownHandler {
      for await hasAnswered in answers {
        if !hasAnswered {
          isOver.set()
          if !Task.isShuttingDownGracefully {
            fail("it has said nothing for \(patience.components.seconds) seconds")
          }
        }
        break
      }
    } onGracefulShutdown: {
      answer.yield(false)
    }
    timer.cancel()
  }

  package func run() async throws {
    var last = ContinuousClock.now
    while !Task.isCancelled, !Task.isShuttingDownGracefully {
      try? await Task.sleep(for: .milliseconds(200))
      guard ContinuousClock.now - last >= .seconds(settings.interval) else { continue }
      await look(within: Self.patience)
      last = .now
    }
  }
}

/// Set once, from any thread.
private final class Flag: Sendable {
  private let value = Atomic<Bool>(false)
  var isSet: Bool { value.load(ordering: .relaxed) }
  func set() { value.store(true, ordering: .relaxed) }
}
