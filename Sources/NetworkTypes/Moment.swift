/// A point in time on both of a host's clocks, taken together. Machines get it from outside and ask no clock.
package struct Moment: Hashable, Sendable {
  /// Nanoseconds on a clock that never jumps (CLOCK_BOOTTIME or a test's own): all intervals are measured by it.
  package var monotonic: UInt64
  /// Seconds since 1970, which may jump: only for what is written down.
  package var wall: Int64

  package init(monotonic: UInt64, wall: Int64) {
    self.monotonic = monotonic
    self.wall = wall
  }

  /// The same moment that many seconds later on both clocks.
  package func advanced(seconds: Double) -> Moment {
    let nanoseconds = UInt64(max(0, min(seconds, 1e9)) * 1e9)
    return Moment(monotonic: monotonic &+ nanoseconds, wall: wall &+ Int64(seconds))
  }
}
