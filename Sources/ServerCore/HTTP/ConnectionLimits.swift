package import NetworkTypes
internal import Synchronization

/// Counts connections, in all and by address, so that no client can take them all.
package final class ConnectionLimits: Sendable {
  private struct State {
    var total = 0
    var byPeer: [IPAddress: Int] = [:]
    var maximum: Int
    var maximumPerPeer: Int
  }
  private let state: Mutex<State>

  package init(total: Int, perPeer: Int) {
    state = Mutex(State(maximum: total, maximumPerPeer: perPeer))
  }

  /// Counts a connection; false if there are too many already, and then nothing is counted.
  package func open(_ peer: IPAddress) -> Bool {
    state.withLock { state in
      guard state.total < state.maximum, state.byPeer[peer, default: 0] < state.maximumPerPeer else {
        return false
      }
      state.total += 1
      state.byPeer[peer, default: 0] += 1
      return true
    }
  }

  package func close(_ peer: IPAddress) {
    state.withLock { state in
      state.total -= 1
      if let count = state.byPeer[peer], count > 1 {
        state.byPeer[peer] = count - 1
      } else {
        state.byPeer[peer] = nil
      }
    }
  }

  package var count: Int { state.withLock(\.total) }

  /// Takes effect for connections that come from now on.
  package func change(total: Int, perPeer: Int) {
    state.withLock {
      $0.maximum = total
      $0.maximumPerPeer = perPeer
    }
  }
}
