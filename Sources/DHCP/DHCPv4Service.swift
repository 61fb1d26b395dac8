package import NetworkTypes
package import PacketIO

/// The DHCPv4 machine at work on an event loop: ports in, store and ports out. Once the loop runs, all of
/// it happens on the loop's thread: from others, use ``EventLoop/perform(_:)``.
package final class DHCPv4Service: EventSource, @unchecked Sendable {
  private var server: DHCPv4Server
  private var sensor: DHCPSensor
  private let ports: [any DatagramPort]
  private let listener: ReplyListener?
  private let notify: @Sendable ([DHCPEvent], Moment) -> Void
  private let committer: LeaseCommitter
  private var writer = LeaseWriter()
  private var inbox = Inbox()
  private var isStopped = false
  private var events: [DHCPEvent] = []

  /// - Parameters:
  ///   - ports: Where datagrams come from; each answer goes out by the port that its question came in by. Tokens of
  ///     the loop are their indexes, and their count is the listener's.
  ///   - notify: Called on the loop's thread; it must not block.
  init(
    _ server: DHCPv4Server, ports: [any DatagramPort], listener: ReplyListener?,
    interfaces: [NetworkInterface],
    committer: LeaseCommitter, notify: @escaping @Sendable ([DHCPEvent], Moment) -> Void
  ) {
    self.server = server
    sensor = DHCPSensor(interfaces: interfaces)
    self.ports = ports
    self.listener = listener
    self.committer = committer
    self.notify = notify
  }

  /// Opens ports 67 and 4011, and serves them on a loop that does not run yet.
  package static func start(
    _ configuration: DHCPConfiguration, decider: any BootDecider, store: any LeaseStore, on loop: EventLoop,
    notify: @escaping @Sendable ([DHCPEvent], Moment) -> Void
  ) throws -> DHCPv4Service {
    let interfaces = try Interfaces.current()
    // In every mode: a server that gives no addresses now may do so after a reload, and then has to know whose they are.
    let leases = try store.loadLeases()
    let frames = try FramePort()
    let ports = [
      try UDPPort(.v4, number: DHCPv4Server.serverPort, frames: frames),
      try UDPPort(.v4, number: DHCPv4Server.binlPort, frames: frames),
    ]
    let listener = try ReplyListener()
    let server = DHCPv4Server(
      configuration, decider: decider, interfaces: interfaces, leases: leases, now: EventLoop.now())
    let service = DHCPv4Service(
      server, ports: ports, listener: listener, interfaces: interfaces,
      committer: try LeaseCommitter(store: store, returningTo: loop), notify: notify)
    let source = loop.add(service)
    for (token, port) in ports.enumerated() {
      try loop.watch(port.file, source: source, token: UInt32(token))
    }
    try loop.watch(listener.file, source: source, token: UInt32(ports.count))
    return service
  }

  /// The interfaces are these now.
  package func update(interfaces: [NetworkInterface]) {
    server.update(interfaces: interfaces, now: EventLoop.now())
    sensor.update(interfaces: interfaces)
  }

  /// A new configuration, from the next datagram on.
  package func update(configuration: DHCPConfiguration, now: Moment) {
    server.update(configuration: configuration, now: now)
  }

  /// What it goes by now.
  package var configuration: DHCPConfiguration { server.configuration }

  /// Answers nothing any more; leases that are on their way to the disk get there.
  package func stop() { isStopped = true }

  deinit { committer.stop() }

  package func ready(_ token: UInt32) {
    let now = EventLoop.now()
    let index = Int(token)
    guard index < ports.count else {
      for datagram in listener?.receive() ?? [] {
        if let event = sensor.notice(datagram, now: now) { events.append(event) }
      }
      return
    }
    // A few batches at a time, so that other ports have their turns.
    for _ in 0..<8 where inbox.hasRoom {
      let datagrams = ports[index].receive()
      if !isStopped { for datagram in datagrams { inbox.add(datagram, port: index) } }
      if datagrams.count < 64 { break }
    }
  }

  package func run(now: Moment) -> UInt64? {
    // Not all at once: more may be waiting to be taken.
    for _ in 0..<64 {
      guard let (datagram, port) = inbox.next() else { break }
      writer.take(server.receive(datagram, now: now), port: port)
    }
    if let batch = writer.nextBatch() {
      committer.commit(batch) { [weak self] error in self?.writer.finish(batch, error: error) }
    }
    writer.flush(ports: ports, events: &events)
    if !events.isEmpty {
      notify(events, now)
      events.removeAll(keepingCapacity: true)
    }
    return inbox.isEmpty ? nil : now.monotonic
  }
}
