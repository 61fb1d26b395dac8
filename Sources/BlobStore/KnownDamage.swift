internal import Synchronization

/// Paths of entries that failed their check and stay where they are: in a store that cannot be, or must not be, written.
/// To this process they are missing, so that it fetches or makes them elsewhere.
final class KnownDamage: Sendable {
  private let paths = Mutex<Set<String>>([])

  func note(_ path: String) { paths.withLock { _ = $0.insert(path) } }

  func contains(_ path: String) -> Bool { paths.withLock { $0.contains(path) } }
}
