internal import NetworkTypes
internal import PacketIO

/// What comes of one datagram: all of it happens, or, if it cannot be written down, nothing.
struct LeaseAnswer: Sendable {
  var changes: [LeaseChange] = []
  var datagrams: [OutgoingDatagram] = []
  var events: [DHCPEvent] = []
  let port: Int
}

/// Gathers what machines want done. Answers that grant nothing go out at once; the others wait until their leases are
/// on the disk, many in one write: while one batch is on its way there, the next one gathers.
struct LeaseWriter {
  /// More answers than that do not wait for the disk; their clients ask again.
  static let maximumWaiting = 8192

  /// What may be sent.
  private var ready: [LeaseAnswer] = []
  /// What has to be written down before.
  private var waiting: [LeaseAnswer] = []
  private var isWriting = false
  private var refused = 0
  private var hasFailed = false

  /// Keeps what a machine wants until it can be done.
  mutating func take(_ actions: [DHCPAction], port: Int) {
    if actions.isEmpty { return }
    var answer = LeaseAnswer(port: port)
    for action in actions {
      switch action {
      case .persist(let change): answer.changes.append(change)
      case .send(let datagram): answer.datagrams.append(datagram)
      case .event(let event): answer.events.append(event)
      }
    }
    if answer.changes.isEmpty {
      ready.append(answer)
    } else if waiting.count < Self.maximumWaiting {
      waiting.append(answer)
    } else {
      refused += 1
    }
  }

  /// The answers whose leases are to be written now, in order; `nil` if there are none, or the last ones are not there
  /// yet. ``finish(_:error:)`` follows.
  mutating func nextBatch() -> [LeaseAnswer]? {
    guard !isWriting, !waiting.isEmpty else { return nil }
    isWriting = true
    defer { waiting.removeAll(keepingCapacity: true) }
    return waiting
  }

  /// A batch is on the disk, or with an error it is not: then nobody is told of it, and the clients ask again.
  mutating func finish(_ batch: [LeaseAnswer], error: (any Error)?) {
    isWriting = false
    guard let error else {
      if hasFailed { note(.leaseStore(problem: nil)) }
      hasFailed = false
      return ready += batch
    }
    hasFailed = true
    let count = batch.reduce(0) { $0 + $1.changes.count }
    note(.leaseStore(problem: "\(count) leases could not be written down, so nobody got them: \(error)"))
  }

  /// Sends what may be sent, then gives what has happened.
  mutating func flush(ports: [any DatagramPort], events: inout [DHCPEvent]) {
    if refused > 0 {
      note(
        .dropped(
          source: Endpoint(IPv4Address.any, port: 0),
          reason: "\(refused) requests came while \(Self.maximumWaiting) leases waited for the disk"))
      refused = 0
    }
    guard !ready.isEmpty else { return }
    defer { ready.removeAll(keepingCapacity: true) }
    for answer in ready { events += answer.events }
    for (index, port) in ports.enumerated() {
      let datagrams = ready.lazy.filter { $0.port == index }.flatMap(\.datagrams)
      if datagrams.isEmpty { continue }
      for (datagram, reason) in port.send(Array(datagrams)) {
        let endpoint: Endpoint
        switch datagram.destination {
        case .endpoint(let to), .station(_, let to): endpoint = to
        }
        events.append(.dropped(source: endpoint, reason: "an answer could not be sent to it: \(reason)"))
      }
    }
  }

  private mutating func note(_ event: DHCPEvent) {
    var answer = LeaseAnswer(port: 0)
    answer.events = [event]
    ready.append(answer)
  }
}
