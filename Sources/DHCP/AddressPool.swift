internal import NetworkTypes

/// Which address of one network is whose: addresses are numbers here, and time is monotonic nanoseconds.
///
/// Every operation costs at most the logarithm of the pool's size, whatever clients do, and memory is bounded by the
/// pool: a flood of strangers can take the addresses that are free, and those that are only offered, and no more.
struct AddressPool<Number: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable {
  enum State: UInt8, Sendable {
    /// Offered: the client may ask for it until the deadline.
    case offered
    case leased
    /// Somebody else uses it.
    case declined
    /// Given back; the client gets it again if it comes back before somebody else needs it.
    case released
  }

  struct Entry: Sendable {
    var client: [UInt8]
    /// The hardware address, if it is known: reservations go by it.
    var hardware: UInt64?
    var state: State
    /// When the state ends; an ended one is as good as free, and is remembered.
    var deadline: UInt64
    /// When it was first granted to this client, in seconds since 1970.
    var granted: Int64
  }

  /// An address and when its entry ends, unless the entry has changed since.
  private struct Ending: Comparable, Sendable {
    let deadline: UInt64
    let address: Number
    static func < (left: Ending, right: Ending) -> Bool {
      (left.deadline, left.address) < (right.deadline, right.address)
    }
  }

  private let ranges: [ClosedRange<Number>]
  private(set) var entries: [Number: Entry] = [:]
  private var addresses: [[UInt8]: Number] = [:]
  private var endings = Heap<Ending>()
  /// Offers in the order in which they were made, for taking one back from a client that may never return.
  private var offers: [Number] = []
  private var firstOffer = 0
  /// The first address that was never tried: a range and a number in it.
  private var cursor: (range: Int, address: Number)?
  private let reserved: Set<Number>

  init(ranges: [ClosedRange<Number>], reserved: Set<Number>) {
    self.ranges = ranges
    self.reserved = reserved
    cursor = ranges.first.map { (0, $0.lowerBound) }
  }

  /// Whether an address is to be given to whoever comes.
  func contains(_ address: Number) -> Bool {
    !reserved.contains(address) && ranges.contains { $0.contains(address) }
  }

  /// The address of a client: offered, leased, or remembered.
  func address(of client: [UInt8]) -> Number? {
    addresses[client]
  }

  /// Whether nobody but that client has a claim to an address now.
  func isFree(_ address: Number, for client: [UInt8], now: UInt64) -> Bool {
    guard let entry = entries[address] else { return true }
    if entry.deadline <= now { return true }
    switch entry.state {
    case .released: return true
    case .declined: return false
    case .offered, .leased: return entry.client == client
    }
  }

  /// Gives an address an entry; whose it was before is forgotten, and what else the client had is free.
  mutating func set(_ address: Number, _ entry: Entry, now: UInt64) {
    if let old = entries[address], addresses[old.client] == address { addresses[old.client] = nil }
    if entry.state != .declined {
      if let other = addresses[entry.client], other != address, var left = entries[other] {
        left.state = .released
        left.client = []
        left.deadline = now
        entries[other] = left
        endings.insert(Ending(deadline: now, address: other))
      }
      addresses[entry.client] = address
    }
    entries[address] = entry
    endings.insert(Ending(deadline: entry.deadline, address: address))
    if entry.state == .offered { offers.append(address) }
    compact()
  }

  /// Ends an entry now, and remembers whose it was.
  mutating func release(_ address: Number, now: UInt64) {
    guard var entry = entries[address] else { return }
    entry.state = .released
    entry.deadline = now
    set(address, entry, now: now)
  }

  /// An address for a new client, which must be given an entry then. Best first: one that nobody has had, the one that
  /// has been free for longest, the one whose offer is oldest. `nil` if every one is leased.
  mutating func take(now: UInt64) -> Number? {
    while let (range, address) = cursor {
      if address < ranges[range].upperBound {
        cursor = (range, address + 1)
      } else {
        cursor = range + 1 < ranges.count ? (range + 1, ranges[range + 1].lowerBound) : nil
      }
      if entries[address] == nil, !reserved.contains(address) { return address }
    }
    while let ending = endings.first, ending.deadline <= now {
      endings.removeFirst()
      guard contains(ending.address) else { continue }
      guard let entry = entries[ending.address] else { return ending.address }
      if entry.deadline <= now { return ending.address }
    }
    while firstOffer < offers.count {
      let address = offers[firstOffer]
      firstOffer += 1
      if entries[address]?.state == .offered, contains(address) { return address }
    }
    return nil
  }

  /// Forgets the endings and offers that no entry has any more, before they are many more than the entries.
  private mutating func compact() {
    if endings.count > 4 * entries.count + 1024 {
      endings = Heap(entries.map { Ending(deadline: $0.value.deadline, address: $0.key) })
    }
    if offers.count > 2 * entries.count + 1024 {
      var seen: Set<Number> = []
      offers = offers[firstOffer...].filter { entries[$0]?.state == .offered && seen.insert($0).inserted }
      firstOffer = 0
    }
  }
}
