package import NetworkTypes

/// What the TFTP machine wants done, in this order.
package enum TFTPAction: Sendable {
  /// A session has begun: it gets a port of its own, unless the server has one port only.
  case open(TFTPSessionID, peer: Endpoint, local: IPAddress, interface: UInt32)
  /// Send this to the session's client.
  case packet(TFTPSessionID, [UInt8])
  /// Send these blocks of the session's file to its client; see ``TFTPServer/read(_:first:count:into:)``.
  case data(TFTPSessionID, first: UInt64, count: Int)
  /// Answer a request from the server's own port.
  case reply(OutgoingDatagram)
  /// The session is over and its port can go.
  case close(TFTPSessionID)
  case event(TFTPEvent)
}

/// The TFTP protocol machine: read-only, many transfers. A value: packets and time in, actions out; no clock, no socket.
package struct TFTPServer: Sendable {
  package static let port: UInt16 = 69

  package private(set) var configuration: TFTPConfiguration
  let files: any VirtualFiles
  var interfaces: [UInt32: NetworkInterface] = [:]
  var slots: [TFTPSession?] = []
  private var freeSlots: [UInt32] = []
  private var generation: UInt32 = 0
  var sessionByPeer: [Endpoint: TFTPSessionID] = [:]
  var countByClient: [IPAddress: Int] = [:]
  /// Sessions that were not heard of when they began, the oldest first; those that were heard since, or are over, are
  /// among them until they are looked at.
  private var unheard: [TFTPSessionID] = []
  private var firstUnheard = 0
  /// How many of them were looked at so far.
  private(set) var looks = 0
  private var lastTransfer: UInt64 = 0
  private var drops = EventBudget()
  private(set) var isDraining = false

  /// When a session wants to be looked at, unless that has changed since.
  private struct Due: Comparable, Sendable {
    let time: UInt64
    let slot: UInt32
    let generation: UInt32
    static func < (left: Due, right: Due) -> Bool { left.time < right.time }
  }
  private var queue = Heap<Due>()

  package init(
    _ configuration: TFTPConfiguration = .init(), files: any VirtualFiles, interfaces: [NetworkInterface]
  ) {
    self.configuration = configuration
    self.files = files
    update(interfaces: interfaces)
  }

  /// The interfaces are these now. Transfers go on.
  package mutating func update(interfaces: [NetworkInterface]) {
    self.interfaces = Dictionary(interfaces.map { ($0.index, $0) }, uniquingKeysWith: { _, last in last })
  }

  /// Limits for transfers to come; whether there is a single port cannot change.
  package mutating func update(configuration: TFTPConfiguration) {
    let isSinglePort = self.configuration.isSinglePort
    self.configuration = configuration
    self.configuration.isSinglePort = isSinglePort
  }

  /// No other transfer begins; the clients that ask get no answer, so that they ask the next server process.
  package mutating func drain() { isDraining = true }

  /// Transfers that are under way.
  package var transferCount: Int { sessionByPeer.count }

  /// The state of a transfer.
  package func transfer(_ id: TFTPSessionID) -> TFTPTransfer? {
    session(id)?.transfer
  }

  /// When ``run(now:actions:)`` is due, in monotonic nanoseconds; `nil` if nothing is under way.
  package var nextDeadline: UInt64? { queue.first?.time }

  func session(_ id: TFTPSessionID) -> TFTPSession? {
    guard Int(id.slot) < slots.count, let session = slots[Int(id.slot)], session.id == id else { return nil }
    return session
  }

  /// Whether that session is under way. Reading one field in its place is much cheaper than a copy of the session.
  private func isCurrent(_ id: TFTPSessionID) -> Bool {
    Int(id.slot) < slots.count && slots[Int(id.slot)]?.id == id
  }

  /// What comes of a datagram to the server's port.
  package mutating func receive(_ datagram: IncomingDatagram, now: Moment, actions: inout [TFTPAction]) {
    let operation = datagram.payload.count >= 2 ? datagram.payload[1] : 0
    if operation != 1, operation != 2, let id = sessionByPeer[datagram.source], configuration.isSinglePort {
      datagram.payload.withUnsafeBytes { receive($0, session: id, now: now, actions: &actions) }
      return
    }
    do {
      switch try TFTPPacket(decoding: datagram.payload) {
      case .read(let request): begin(request, datagram, now: now, actions: &actions)
      case .write(let request):
        refuse(
          datagram, TFTPErrorCode.accessViolation, "this server is read-only", name: request.name,
          actions: &actions)
      // Of a session that is over, or of nobody's: an answer would serve only those who forge sources.
      case .data, .acknowledge, .error, .optionAcknowledge: break
      }
    } catch {
      if operation == 1 || operation == 2 {
        refuse(datagram, TFTPErrorCode.illegalOperation, error.description, name: "", actions: &actions)
      } else {
        dropped(datagram.source, error.description, now: now, actions: &actions)
      }
    }
  }

  /// What comes of a datagram to a session's port. Its sender must be the session's client.
  package mutating func receive(
    _ payload: UnsafeRawBufferPointer, session id: TFTPSessionID, now: Moment, actions: inout [TFTPAction]
  ) {
    guard isCurrent(id) else { return }
    guard payload.count >= 4, payload[0] == 0 else {
      return dropped(
        peer(id), "a packet of \(payload.count) bytes is none of a transfer", now: now, actions: &actions)
    }
    let number = UInt16(payload[2]) << 8 | UInt16(payload[3])
    switch payload[1] {
    case 4:
      let answer = slots[Int(id.slot)]?.acknowledge(number, now: now.monotonic) ?? .stale
      switch answer {
      case .stale: break
      case .proceed: sendNext(id, now: now, actions: &actions)
      case .complete: return end(id, .complete, now: now, actions: &actions)
      }
      schedule(id)
    case 5:
      let message = String(decoding: payload[4...].prefix(256).prefix { $0 != 0 }, as: UTF8.self)
      let isProbe =
        session(id)?.acknowledged == 0 && session(id)?.highest == 0
        && (number == TFTPErrorCode.optionRefused || number == TFTPErrorCode.undefined)
      end(id, isProbe ? .probed : .aborted(code: number, message: message), now: now, actions: &actions)
    default:
      dropped(peer(id), "operation \(payload[1]) is none of a client's", now: now, actions: &actions)
    }
  }

  /// Does what is due by now.
  package mutating func run(now: Moment, actions: inout [TFTPAction]) {
    while let due = queue.first, due.time <= now.monotonic {
      queue.removeFirst()
      let id = TFTPSessionID(slot: due.slot, generation: due.generation)
      guard isCurrent(id), let deadline = slots[Int(id.slot)]?.deadline,
        let timer = slots[Int(id.slot)]?.timer
      else { continue }
      slots[Int(id.slot)]?.queued = nil
      if deadline <= now.monotonic {
        expire(id, timer, now: now, actions: &actions)
      }
      schedule(id)
    }
  }

  private mutating func expire(
    _ id: TFTPSessionID, _ timer: TFTPSession.Timer, now: Moment, actions: inout [TFTPAction]
  ) {
    if timer == .piece { return sendNext(id, now: now, actions: &actions) }
    slots[Int(id.slot)]?.expire(now: now.monotonic)
    guard let session = session(id) else { return }
    let silence = now.monotonic - session.progressed
    // A client that has never answered may not exist: few packets for it.
    guard silence < UInt64(configuration.silenceSeconds * 1e9), !session.isUnheard || session.timeouts <= 4
    else {
      actions.append(
        .packet(id, TFTPPacket.error(code: TFTPErrorCode.undefined, message: "timeout").encoded))
      return end(id, .timedOut, now: now, actions: &actions)
    }
    if let packet = session.optionAcknowledge {
      actions.append(.packet(id, packet))
      slots[Int(id.slot)]?.wait(now: now.monotonic)
    } else {
      sendNext(id, now: now, actions: &actions)
    }
  }

  mutating func sendNext(_ id: TFTPSessionID, now: Moment, actions: inout [TFTPAction]) {
    guard let (first, count) = slots[Int(id.slot)]?.send(now: now.monotonic) else { return }
    actions.append(.data(id, first: first, count: Int(count)))
  }

  /// Puts a session's deadline into the queue, unless the queue wakes up for it earlier.
  mutating func schedule(_ id: TFTPSessionID) {
    guard isCurrent(id), let deadline = slots[Int(id.slot)]?.deadline else { return }
    if let queued = slots[Int(id.slot)]?.queued, queued <= deadline { return }
    slots[Int(id.slot)]?.queued = deadline
    queue.insert(Due(time: deadline, slot: id.slot, generation: id.generation))
  }

  private func peer(_ id: TFTPSessionID) -> Endpoint {
    session(id)?.transfer.peer ?? Endpoint(IPv4Address.any, port: 0)
  }

  mutating func dropped(_ peer: Endpoint, _ reason: String, now: Moment, actions: inout [TFTPAction]) {
    if drops.allows(now: now) { actions.append(.event(.dropped(peer: peer, reason: reason))) }
  }

  // MARK: Sessions

  /// A place for a new session.
  mutating func reserve() -> TFTPSessionID {
    generation &+= 1
    if let slot = freeSlots.popLast() { return TFTPSessionID(slot: slot, generation: generation) }
    slots.append(nil)
    return TFTPSessionID(slot: UInt32(slots.count - 1), generation: generation)
  }

  mutating func insert(_ session: TFTPSession) {
    slots[Int(session.id.slot)] = session
    sessionByPeer[session.transfer.peer] = session.id
    countByClient[session.transfer.peer.address, default: 0] += 1
    unheard.append(session.id)
    if unheard.count > 2 * slots.count + 1024 {
      unheard = unheard[firstUnheard...].filter { isCurrent($0) && slots[Int($0.slot)]?.isUnheard == true }
      firstUnheard = 0
    }
    schedule(session.id)
  }

  /// The session that has waited for longest to be heard of; each is looked at once.
  mutating func nextUnheard() -> TFTPSessionID? {
    while firstUnheard < unheard.count {
      let id = unheard[firstUnheard]
      firstUnheard += 1
      looks += 1
      if isCurrent(id), slots[Int(id.slot)]?.isUnheard == true { return id }
    }
    return nil
  }

  mutating func nextTransfer() -> UInt64 {
    lastTransfer += 1
    return lastTransfer
  }

  /// Ends a session; its place is free.
  package mutating func end(_ id: TFTPSessionID, _ reason: TFTPEnd, now: Moment, actions: inout [TFTPAction])
  {
    guard let session = session(id) else { return }
    slots[Int(id.slot)] = nil
    freeSlots.append(id.slot)
    let peer = session.transfer.peer
    if sessionByPeer[peer] == id { sessionByPeer[peer] = nil }
    let left = (countByClient[peer.address] ?? 1) - 1
    countByClient[peer.address] = left > 0 ? left : nil
    actions.append(.close(id))
    actions.append(.event(.ended(session.transfer, reason, at: now)))
  }

  /// Ends every session: the server stops.
  package mutating func stop(now: Moment, actions: inout [TFTPAction]) {
    for id in slots.compactMap({ $0?.id }) {
      actions.append(
        .packet(id, TFTPPacket.error(code: TFTPErrorCode.undefined, message: "the server stops").encoded))
      end(id, .stopped, now: now, actions: &actions)
    }
  }

  /// A session's file could not be read, or its socket not be had: the client is told, and it is over.
  package mutating func fail(_ id: TFTPSessionID, reason: String, now: Moment, actions: inout [TFTPAction]) {
    guard session(id) != nil else { return }
    actions.append(
      .packet(id, TFTPPacket.error(code: TFTPErrorCode.undefined, message: "the file cannot be read").encoded)
    )
    end(id, .unreadable(reason: reason), now: now, actions: &actions)
  }
}
