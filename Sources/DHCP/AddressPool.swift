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
  /// The address that a client has on lease. It stays the client's while another is offered to it.
  private var leases: [[UInt8]: Number] = [:]
  private var endings = Heap<Ending>()
  /// Offers in the order in which they were made, for taking one back from a client that may never return.
  private var offers: [Number] = []
  private var firstOffer = 0
  /// How many addresses the ranges have, and how many of them were tried, from `origin` on and round.
  private let total: UInt64
  private var tried: UInt64 = 0
  private var origin: UInt64 = 0
  private(set) var reserved: Set<Number>

  init(ranges: [ClosedRange<Number>], reserved: Set<Number>) {
    self.ranges = ranges
    self.reserved = reserved
    total = ranges.reduce(0) { $0 &+ UInt64($1.upperBound - $1.lowerBound) &+ 1 }
  }

  /// Begins far from that address, and from where it began before. What was offered just before the process ended is
  /// known to nobody but the clients, who still ask for it: it lies near what was granted last.
  mutating func begin(awayFrom address: Number) {
    var before: UInt64 = 0
    for range in ranges {
      if range.contains(address) {
        origin = (before + UInt64(address - range.lowerBound) + total * 5 / 8) % total
        return
      }
      before += UInt64(range.upperBound - range.lowerBound) + 1
    }
  }

  /// The address at that place of all ranges together.
  private func address(at place: UInt64) -> Number? {
    var rest = place
    for range in ranges {
      let last = UInt64(range.upperBound - range.lowerBound)
      if rest <= last { return range.lowerBound + Number(rest) }
      rest -= last + 1
    }
    return nil
  }

  /// These addresses are for nobody, from now on, but for whom they are reserved.
  mutating func reserve(_ addresses: Set<Number>, now: UInt64) {
    // What is free again may lie behind the cursor.
    for address in reserved.subtracting(addresses) where entries[address] == nil {
      endings.insert(Ending(deadline: now, address: address))
    }
    reserved = addresses
  }

  /// Whether an address is to be given to whoever comes.
  func contains(_ address: Number) -> Bool {
    !reserved.contains(address) && ranges.contains { $0.contains(address) }
  }

  /// The address of a client: offered, leased, or remembered.
  func address(of client: [UInt8]) -> Number? {
    addresses[client]
  }

  /// The address that a client has on lease, or had last, whatever it was offered since.
  func leasedAddress(of client: [UInt8]) -> Number? {
    leases[client]
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

  /// Gives an address an entry; whose it was before is forgotten, and what else the client had is free, but for its
  /// lease as long as it is only offered another address.
  mutating func set(_ address: Number, _ entry: Entry, now: UInt64) {
    if let old = entries[address] {
      if addresses[old.client] == address { addresses[old.client] = nil }
      if leases[old.client] == address { leases[old.client] = nil }
    }
    if entry.state != .declined {
      if let other = addresses[entry.client], other != address, leases[entry.client] != other {
        free(other, now: now)
      }
      if entry.state == .leased {
        if let other = leases[entry.client], other != address { free(other, now: now) }
        leases[entry.client] = address
      }
      addresses[entry.client] = address
    }
    entries[address] = entry
    endings.insert(Ending(deadline: entry.deadline, address: address))
    if entry.state == .offered { offers.append(address) }
    compact()
  }

  /// Ends an entry now, and forgets whose it was.
  private mutating func free(_ address: Number, now: UInt64) {
    guard var left = entries[address] else { return }
    left.state = .released
    left.client = []
    left.deadline = now
    entries[address] = left
    endings.insert(Ending(deadline: now, address: address))
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
    while tried < total {
      let place = (origin + tried) % total
      tried += 1
      if let address = address(at: place), entries[address] == nil, !reserved.contains(address) {
        return address
      }
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
