internal import CPosixShim
internal import Glibc

/// The wall clock.
package enum BootClock {
  /// Milliseconds since 1970.
  package static let milliseconds: @Sendable () -> Int64 = {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec / 1_000_000)
  }
}
