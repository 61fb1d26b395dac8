internal import BootTypes
internal import Fleet

/// The devices that nobody has named, the longest known first: there is room for so many, and then those go that were
/// not seen for longest and never booted.
struct UnknownDevices: Sendable {
  /// Beyond that many, a new one takes an old one's place.
  static let maximum = 65_536
  /// What nobody named and was not seen for that long is forgotten, in seconds: 30 days.
  static let keep: Int64 = 30 * 86_400

  private var members: Set<Int64> = []
  /// In the order in which they were last looked at, with when they had been seen last; of one that is no member any more
  /// there may be a rest.
  private var queue: [(id: Int64, seen: Int64)] = []
  private var first = 0

  var count: Int { members.count }

  /// Begins anew with what is in the table and named by nobody.
  mutating func gather(_ table: DeviceTable, _ inventory: Inventory) {
    let unknown = table.records.values.filter { Self.isUnknown($0, inventory) }
      .sorted { ($0.seen.last, $0.id) < ($1.seen.last, $1.id) }
    members = Set(unknown.map(\.id))
    queue = unknown.map { ($0.id, $0.seen.last) }
    first = 0
  }

  mutating func insert(_ record: DeviceRecord) {
    guard members.insert(record.id).inserted else { return }
    queue.append((record.id, record.seen.last))
    if first > 4096, first > queue.count / 2 {
      queue.removeFirst(first)
      first = 0
    }
  }

  /// The device that is to make room, and is a member no more; `nil` if a short look finds none.
  mutating func evict(_ table: DeviceTable, _ inventory: Inventory) -> Int64? {
    // Each look costs little, and whoever was seen since goes to the end: a flood of strangers pushes out strangers.
    for _ in 0..<8 where first < queue.count {
      let (id, seen) = queue[first]
      first += 1
      guard members.contains(id) else { continue }
      guard let record = table[id], Self.isUnknown(record, inventory) else {
        members.remove(id)
        continue
      }
      guard record.seen.last <= seen, record.health.release == nil else {
        queue.append((id, record.seen.last))
        continue
      }
      members.remove(id)
      return id
    }
    return nil
  }

  /// Those that were not seen since then, in seconds since 1970, and never booted; they are members no more.
  mutating func evict(unseenSince: Int64, _ table: DeviceTable) -> [Int64] {
    let old = members.filter { id in
      guard let record = table[id] else { return true }
      return record.seen.last < unseenSince && record.health.release == nil
    }
    members.subtract(old)
    return old.sorted()
  }

  mutating func remove(_ id: Int64) { members.remove(id) }

  private static func isUnknown(_ record: DeviceRecord, _ inventory: Inventory) -> Bool {
    record.settings == DeviceSettings() && inventory.declaration(of: DeviceIdentity(), known: record) == nil
  }
}
