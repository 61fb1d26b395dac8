package import Manifest

extension BootHealth {
  /// Whether a device may be answered now.
  package enum Readiness: Sendable, Hashable {
    case ready
    /// It waits until then, in seconds since 1970, after that many failed boots.
    case waiting(until: Int64, failures: Int)
    /// It stays down, after that many failed boots.
    case down(failures: Int)
  }

  /// The failed boots in a row that count for a release, given when an operator last armed the device.
  package func failures(of release: String, armed: Int64) -> Int {
    self.release == release && lastFailure > armed ? failures : 0
  }

  package func readiness(for release: String, armed: Int64, retry: RetryPolicy, now: Int64) -> Readiness {
    let count = failures(of: release, armed: armed)
    guard count > 0 else { return .ready }
    if retry.failures > 0, count >= retry.failures { return .down(failures: count) }
    let doubled = retry.backOff.multipliedReportingOverflow(by: 1 << min(count - 1, 20))
    let wait = doubled.overflow ? retry.maximumBackOff : min(doubled.partialValue, retry.maximumBackOff)
    // A clock that was set back must not keep a device waiting for longer than the wait.
    guard now < lastFailure + Int64(wait), now >= lastFailure - Int64(wait) else { return .ready }
    return .waiting(until: lastFailure + Int64(wait), failures: count)
  }

  /// The device got all of `release`.
  package mutating func handOver(_ release: String, now: Int64) {
    if self.release != release {
      failures = 0
      lastFailure = 0
    }
    self.release = release
    handedOver = now
  }

  /// The device asks to boot anew. If it had its image less than `retry.settle` ago, that boot failed.
  /// - Returns: Whether it did.
  package mutating func bootAgain(retry: RetryPolicy, armed: Int64, now: Int64) -> Bool {
    guard handedOver > 0 else { return false }
    let elapsed = now - handedOver
    handedOver = 0
    guard elapsed >= 0, elapsed < Int64(retry.settle) else {
      failures = 0
      return false
    }
    failures = (lastFailure > armed ? failures : 0) + 1
    lastFailure = max(now, armed + 1)
    return true
  }
}
