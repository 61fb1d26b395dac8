internal import Synchronization

/// How many bytes of bodies may be in memory at the same time, whoever sends them.
package final class HTTPBodyBudget: Sendable {
  private let left: Mutex<Int>

  package init(bytes: Int) { left = Mutex(bytes) }

  /// Counts bytes; false if they would be too many, and then nothing is counted.
  func take(_ count: Int) -> Bool {
    left.withLock { left in
      guard count <= left else { return false }
      left -= count
      return true
    }
  }

  func give(_ count: Int) { left.withLock { $0 += count } }
}
