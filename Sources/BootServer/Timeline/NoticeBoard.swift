/// Which notices are made of what happens over and over: of each kind a few a minute, with the count of the others.
struct NoticeBoard: Sendable {
  private struct Entry: Sendable {
    var since: Int64
    var made: Int
    /// What happened beside that, since the last notice of it.
    var held = 0
  }

  /// The time for which a kind is quiet after its notices, in milliseconds.
  static let silence: Int64 = 60_000
  /// Kinds at a time; what is beyond them is quiet.
  static let limit = 256

  private var entries: [String: Entry] = [:]

  /// How often it happened unsaid before this time, if it is to be said now; else it is counted.
  /// - Parameters:
  ///   - kind: The same for all that is to share its notices.
  ///   - allowance: How many notices a minute.
  ///   - now: Milliseconds since 1970.
  mutating func take(_ kind: String, allowance: Int = 1, now: Int64) -> Int? {
    guard var entry = entries[kind] else {
      if entries.count >= Self.limit {
        entries = entries.filter { abs(now - $0.value.since) < Self.silence }
        guard entries.count < Self.limit else { return nil }
      }
      entries[kind] = Entry(since: now, made: 1)
      return 0
    }
    // A clock that was set back must not keep it quiet for longer.
    if abs(now - entry.since) >= Self.silence { entry = Entry(since: now, made: 0, held: entry.held) }
    guard entry.made < allowance else {
      entry.held += 1
      entries[kind] = entry
      return nil
    }
    let held = entry.held
    entry.made += 1
    entry.held = 0
    entries[kind] = entry
    return held
  }
}
