/// At most 20 events a second: a flood of bad packets shall not fill a log.
package struct EventBudget: Sendable {
  private var second: UInt64 = 0
  private var count = 0

  package init() {}

  /// Whether one more may be reported now.
  package mutating func allows(now: Moment) -> Bool {
    if now.monotonic / 1_000_000_000 != second {
      second = now.monotonic / 1_000_000_000
      count = 0
    }
    count += 1
    return count <= 20
  }
}
