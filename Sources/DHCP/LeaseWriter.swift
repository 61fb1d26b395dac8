internal import NetworkTypes
internal import PacketIO

/// Gathers what machines want done, writes the leases of many answers down at once, and sends the answers after that.
struct LeaseWriter {
  /// What comes of one datagram: all of it happens, or, if it cannot be written down, nothing.
  private struct Answer {
    var changes: [LeaseChange] = []
    var datagrams: [OutgoingDatagram] = []
    var events: [DHCPEvent] = []
    let port: Int
  }

  private let store: any LeaseStore
  private var answers: [Answer] = []

  init(store: any LeaseStore) {
    self.store = store
  }

  /// Keeps what a machine wants for the next ``flush(ports:events:)``.
  mutating func take(_ actions: [DHCPAction], port: Int) {
    var answer = Answer(port: port)
    for action in actions {
      switch action {
      case .persist(let change): answer.changes.append(change)
      case .send(let datagram): answer.datagrams.append(datagram)
      case .event(let event): answer.events.append(event)
      }
    }
    if !actions.isEmpty { answers.append(answer) }
  }

  /// Writes, then sends, then gives what has happened.
  mutating func flush(ports: [any DatagramPort], events: inout [DHCPEvent]) {
    guard !answers.isEmpty else { return }
    defer { answers.removeAll(keepingCapacity: true) }
    let changes = answers.flatMap(\.changes)
    if !changes.isEmpty {
      do {
        try store.commitLeases(changes)
      } catch {
        // Nobody is told of what is not written down; the clients ask again.
        answers.removeAll { !$0.changes.isEmpty }
        events.append(
          .dropped(
            source: Endpoint(IPv4Address.any, port: 0),
            reason: "\(changes.count) leases could not be written down, so nobody got them: \(error)"))
      }
    }
    for answer in answers { events += answer.events }
    for (index, port) in ports.enumerated() {
      let datagrams = answers.filter { $0.port == index }.flatMap(\.datagrams)
      if datagrams.isEmpty { continue }
      for (datagram, reason) in port.send(datagrams) {
        let endpoint: Endpoint
        switch datagram.destination {
        case .endpoint(let to), .station(_, let to): endpoint = to
        }
        events.append(.dropped(source: endpoint, reason: "an answer could not be sent to it: \(reason)"))
      }
    }
  }
}
