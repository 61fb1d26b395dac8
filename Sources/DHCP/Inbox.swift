internal import NetworkTypes

/// Datagrams that were taken from the ports and wait to be answered.
///
/// The kernel drops whatever comes when its queue is full. Here those that are furthest go first: a client that requests
/// has an offer, and another discovery would be work on top. Of discoveries, too many are not kept: an offer that comes
/// late is an offer for nothing, since the client has asked again meanwhile.
struct Inbox {
  /// About as many as are answered in the time in which a client expects an answer.
  static let maximumDiscoveries = 1024
  static let maximumOthers = 4096

  private var discoveries = Queue()
  private var others = Queue()

  var isEmpty: Bool { discoveries.isEmpty && others.isEmpty }
  /// Whether more can be taken without dropping anything.
  var hasRoom: Bool { others.count < Self.maximumOthers }

  /// Takes a datagram; the oldest discovery goes if there are too many.
  mutating func add(_ datagram: IncomingDatagram, port: Int) {
    guard DHCPv4Message.kind(peeking: datagram.payload) == .discover else {
      return others.append((datagram, port))
    }
    if discoveries.count >= Self.maximumDiscoveries { _ = discoveries.popFirst() }
    discoveries.append((datagram, port))
  }

  /// The next one to answer.
  mutating func next() -> (datagram: IncomingDatagram, port: Int)? {
    others.popFirst() ?? discoveries.popFirst()
  }

  /// First in, first out.
  private struct Queue {
    private var elements: [(datagram: IncomingDatagram, port: Int)] = []
    private var start = 0

    var count: Int { elements.count - start }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ element: (datagram: IncomingDatagram, port: Int)) { elements.append(element) }

    mutating func popFirst() -> (datagram: IncomingDatagram, port: Int)? {
      guard start < elements.count else { return nil }
      defer {
        start += 1
        if start == elements.count || start >= 4096 {
          elements.removeFirst(start)
          start = 0
        }
      }
      return elements[start]
    }
  }
}
