import NetworkTypes
import PacketIO
import Synchronization
import Testing

@testable import DHCP

/// The service between ports and a store, neither of them real.
@Suite struct DHCPServiceTests {
  /// A port that a test fills and empties.
  final class Wire: DatagramPort {
    var waiting: [IncomingDatagram] = []
    var sent: [OutgoingDatagram] = []
    let journal: Journal
    init(_ journal: Journal) { self.journal = journal }

    func receive() -> [IncomingDatagram] {
      defer { waiting = [] }
      return waiting
    }

    func send(_ datagrams: [OutgoingDatagram]) -> [(OutgoingDatagram, reason: String)] {
      sent += datagrams
      journal.add("send \(datagrams.count)")
      return []
    }
  }

  final class Journal: Sendable {
    private let lines = Mutex<[String]>([])
    func add(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
  }

  struct Store: LeaseStore {
    struct Full: Error {}
    let journal: Journal
    var fails = false

    func loadLeases() -> [Lease] { [] }

    func commitLeases(_ changes: [LeaseChange]) throws {
      if fails { throw Full() }
      journal.add("commit \(changes.count)")
    }
  }

  private func service(
    _ journal: Journal, fails: Bool = false,
    notify: @escaping @Sendable ([DHCPEvent], Moment) -> Void = { _, _ in }
  ) -> (DHCPv4Service, Wire) {
    let wire = Wire(journal)
    let service = DHCPv4Service(
      Lab.full(), ports: [wire], listener: nil, interfaces: Lab.interfaces,
      store: Store(journal: journal, fails: fails), notify: notify)
    return (service, wire)
  }

  @Test func manyLeasesAreWrittenAtOnceAndThenTold() throws {
    let journal = Journal()
    let (service, wire) = service(journal)
    wire.waiting = (1...20).map { Lab.incoming(Client($0).message(.discover)) }
    service.ready(0)
    _ = service.run(now: Lab.start)
    #expect(journal.all == ["send 20"], "an offer is not written down")
    let offers = try wire.sent.map { try DHCPv4Message(decoding: $0.payload) }
    wire.waiting = offers.map { offer in
      Lab.incoming(Client(Int(offer.transaction)).request(offer.yourAddress))
    }
    service.ready(0)
    _ = service.run(now: Lab.start)
    #expect(journal.all == ["send 20", "commit 20", "send 20"])
    #expect(
      Set(try wire.sent.suffix(20).map { try DHCPv4Message(decoding: $0.payload).yourAddress }).count == 20)
  }

  @Test func whatIsNotWrittenDownIsNotTold() throws {
    let journal = Journal()
    let wire: Wire
    let service: DHCPv4Service
    let log = EventLog()
    (service, wire) = self.service(journal, fails: true) { more, _ in log.append(more) }
    wire.waiting = [Lab.incoming(Client(1).message(.discover))]
    service.ready(0)
    _ = service.run(now: Lab.start)
    let offer = try DHCPv4Message(decoding: #require(wire.sent.first).payload)
    wire.waiting = [
      Lab.incoming(Client(1).request(offer.yourAddress)), Lab.incoming(Client(2).message(.discover)),
    ]
    service.ready(0)
    _ = service.run(now: Lab.start)
    let kinds = try wire.sent.map { try DHCPv4Message(decoding: $0.payload).kind }
    #expect(kinds == [.offer, .offer], "the other client is served all the same")
    #expect(
      log.all.contains {
        if case .dropped(_, let reason) = $0 { reason.contains("could not be written down") } else { false }
      })
    #expect(!log.all.contains { if case .leased = $0 { true } else { false } }, "nor reported as given")
  }

  final class EventLog: Sendable {
    private let events = Mutex<[DHCPEvent]>([])
    func append(_ more: [DHCPEvent]) { events.withLock { $0 += more } }
    var all: [DHCPEvent] { events.withLock { $0 } }
  }
}
