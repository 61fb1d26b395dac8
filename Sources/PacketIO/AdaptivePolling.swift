/// How long a loop stays awake for the next packet before it sleeps.
///
/// To wake an idle processor takes longer than to answer a packet. In lockstep (TFTP without windows) every block pays for
/// it: a client in the next rack has acknowledged long before a sleeper is up. So a loop that was woken soon stays awake a
/// little the next time, twice as long each time that this was too short, up to a limit; and sleeps at once again after the
/// first wait that was longer than that. A client far away, or none at all, costs nothing.
package struct AdaptivePolling: Sendable, Equatable {
  /// The longest poll, in nanoseconds; 0 for none.
  package var limit: UInt64 = 0 {
    didSet { budget = min(budget, limit) }
  }
  /// How long to poll the next time, in nanoseconds.
  package private(set) var budget: UInt64 = 0
  /// The first poll after a short sleep.
  package static let start: UInt64 = 10_000

  package init(limit: UInt64 = 0) { self.limit = limit }

  /// The loop has slept that long (nanoseconds), after polling for ``budget`` in vain.
  package mutating func slept(_ time: UInt64) {
    if time > limit - budget {
      budget = 0
    } else {
      budget = min(limit, max(Self.start, budget * 2))
    }
  }
}
