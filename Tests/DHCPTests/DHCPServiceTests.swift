import Glibc
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

  final class Store: LeaseStore {
    struct Full: Error {}
    let journal: Journal
    private let isFull: Mutex<Bool>

    init(journal: Journal, fails: Bool) {
      self.journal = journal
      isFull = Mutex(fails)
    }

    func makeRoom() { isFull.withLock { $0 = false } }

    func loadLeases() -> [Lease] { [] }

    func commitLeases(_ changes: [LeaseChange]) throws {
      if isFull.withLock(\.self) { throw Full() }
      journal.add("commit \(changes.count)")
    }
  }

  private func service(
    _ journal: Journal, store: Store? = nil,
    notify: @escaping @Sendable ([DHCPEvent], Moment) -> Void = { _, _ in }
  ) -> (DHCPv4Service, Wire) {
    let wire = Wire(journal)
    let service = DHCPv4Service(
      Lab.full(), ports: [wire], listener: nil, interfaces: Lab.interfaces,
      committer: LeaseCommitter(store: store ?? Store(journal: journal, fails: false)), notify: notify)
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
    let store = Store(journal: journal, fails: true)
    (service, wire) = self.service(journal, store: store) { more, _ in log.append(more) }
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
        if case .leaseStore(let problem?) = $0 {
          problem.hasPrefix("1 leases could not be written down, so nobody got them")
        } else {
          false
        }
      })
    #expect(!log.all.contains { if case .leased = $0 { true } else { false } }, "nor reported as given")
    // Once they can be again, that is said once.
    store.makeRoom()
    for _ in 0..<2 {
      wire.waiting = [Lab.incoming(Client(1).request(offer.yourAddress))]
      service.ready(0)
      _ = service.run(now: Lab.start)
    }
    #expect(log.all.count { $0 == .leaseStore(problem: nil) } == 1)
    #expect(try wire.sent.suffix(2).map { try DHCPv4Message(decoding: $0.payload).kind } == [.ack, .ack])
  }

  @Test func aServiceThatStopsTellsNobodyAnything() throws {
    let (service, wire) = service(Journal())
    service.stop()
    wire.waiting = (1...20).map { Lab.incoming(Client($0).message(.discover)) }
    service.ready(0)
    _ = service.run(now: Lab.start)
    #expect(wire.sent.isEmpty && wire.waiting.isEmpty, "what comes is taken and thrown away")
  }

  /// Answers go out by it; what comes in is put into it on the loop's thread.
  final class LoopWire: DatagramPort, @unchecked Sendable {
    var waiting: [IncomingDatagram] = []
    let kinds = Mutex<[DHCPv4Message.Kind]>([])
    let offered = Mutex<[UInt32: IPv4Address]>([:])

    func receive() -> [IncomingDatagram] {
      defer { waiting = [] }
      return waiting
    }

    func send(_ datagrams: [OutgoingDatagram]) -> [(OutgoingDatagram, reason: String)] {
      for datagram in datagrams {
        guard let message = try? DHCPv4Message(decoding: datagram.payload) else { continue }
        offered.withLock { $0[message.transaction] = message.yourAddress }
        kinds.withLock { $0.append(message.kind) }
      }
      return []
    }
  }

  /// A disk that takes as long as the test wants.
  final class SlowStore: LeaseStore {
    private let isOpen = Mutex(false)
    let batches = Mutex<[Int]>([])

    func loadLeases() -> [Lease] { [] }

    func commitLeases(_ changes: [LeaseChange]) {
      batches.withLock { $0.append(changes.count) }
      while !isOpen.withLock(\.self) { usleep(1000) }
    }

    func open() { isOpen.withLock { $0 = true } }
  }

  /// Waits, for as long as it may take on a busy machine.
  private func wait(until condition: () -> Bool) async throws {
    for _ in 0..<3000 where !condition() { try await Task.sleep(for: .milliseconds(10)) }
    try #require(condition())
  }

  @Test func nobodyElseWaitsForTheDisk() async throws {
    let store = SlowStore()
    let wire = LoopWire()
    let loop = try EventLoop()
    let service = DHCPv4Service(
      Lab.full(), ports: [wire], listener: nil, interfaces: Lab.interfaces,
      committer: try LeaseCommitter(store: store, returningTo: loop)
    ) { _, _ in }
    _ = loop.add(service)
    try loop.start()
    defer {
      store.open()
      loop.stop()
    }
    func hear(_ datagrams: [IncomingDatagram]) {
      loop.perform {
        wire.waiting += datagrams
        service.ready(0)
      }
    }
    func request(_ number: Int) throws -> IncomingDatagram {
      let address = try #require(wire.offered.withLock { $0[UInt32(number)] })
      return Lab.incoming(Client(number).request(address))
    }
    hear((1...4).map { Lab.incoming(Client($0).message(.discover)) })
    try await wait { wire.kinds.withLock(\.count) == 4 }
    hear([try request(1)])
    try await wait { store.batches.withLock { $0 == [1] } }
    // The disk is busy with the first lease, and the others gather.
    hear([try request(2), try request(3), Lab.incoming(Client(5).message(.discover))])
    try await wait { wire.kinds.withLock(\.count) == 5 }
    #expect(
      wire.kinds.withLock { $0.allSatisfy { $0 == .offer } }, "no lease is told before it is written down")
    store.open()
    try await wait { wire.kinds.withLock(\.count) == 8 }
    #expect(store.batches.withLock { $0 == [1, 2] }, "those that gathered are one write")
    #expect(wire.kinds.withLock { $0.suffix(3) == [.ack, .ack, .ack] })
  }

  @Test func requestsGoBeforeDiscoveriesAndFloodsAreBounded() {
    var inbox = Inbox()
    for number in 1...(Inbox.maximumDiscoveries + 500) {
      inbox.add(Lab.incoming(Client(number).message(.discover)), port: 0)
    }
    inbox.add(Lab.incoming(Client(1).request(IPv4Address(value: 0x0a000001))), port: 1)
    let first = inbox.next()
    #expect(first?.port == 1)
    #expect(first.map { DHCPv4Message.kind(peeking: $0.datagram.payload) } == .request)
    var transactions: [UInt32] = []
    while let (datagram, _) = inbox.next() {
      if let message = try? DHCPv4Message(decoding: datagram.payload) {
        transactions.append(message.transaction)
      }
    }
    #expect(
      transactions == Array(501...UInt32(Inbox.maximumDiscoveries + 500)), "the oldest have asked again")
    #expect(inbox.isEmpty)
  }

  @Test func aPeekAtTheKindIsAsGoodAsALook() throws {
    for kind in [DHCPv4Message.Kind.discover, .request, .decline, .release, .inform] {
      let bytes = Client(1).message(kind).encoded()
      #expect(DHCPv4Message.kind(peeking: bytes) == kind)
      for count in 0..<bytes.count { _ = DHCPv4Message.kind(peeking: Array(bytes.prefix(count))) }
    }
    let padded = [UInt8](repeating: 0, count: 300)
    #expect(DHCPv4Message.kind(peeking: padded) == nil)
    #expect(DHCPv4Message.kind(peeking: [UInt8](repeating: 0xfe, count: 242)) == nil)
  }

  final class EventLog: Sendable {
    private let events = Mutex<[DHCPEvent]>([])
    func append(_ more: [DHCPEvent]) { events.withLock { $0 += more } }
    var all: [DHCPEvent] { events.withLock { $0 } }
  }
}
