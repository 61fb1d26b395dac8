package import NetworkTypes
package import PacketIO

/// The DHCPv6 machine at work on an event loop. Once the loop runs, all of it happens on the loop's thread: from
/// others, use ``EventLoop/perform(_:)``.
package final class DHCPv6Service: EventSource, @unchecked Sendable {
  private var server: DHCPv6Server
  private let ports: [any DatagramPort]
  private let notify: @Sendable ([DHCPEvent], Moment) -> Void
  private let committer: LeaseCommitter
  private var writer = LeaseWriter()
  private var events: [DHCPEvent] = []
  private var isStopped = false
  /// Interfaces that the multicast group was joined on.
  private var joined: Set<UInt32> = []

  /// - Parameters:
  ///   - ports: Where datagrams come from; each answer goes out by the port that its question came in by. Tokens of
  ///     the loop are their indexes.
  ///   - notify: Called on the loop's thread; it must not block.
  init(
    _ server: DHCPv6Server, ports: [any DatagramPort], interfaces: [NetworkInterface],
    committer: LeaseCommitter,
    notify: @escaping @Sendable ([DHCPEvent], Moment) -> Void
  ) {
    self.server = server
    self.ports = ports
    self.notify = notify
    self.committer = committer
    update(interfaces: interfaces)
  }

  /// Opens ports 547 and 4011, and serves them on a loop that does not run yet.
  package static func start(
    _ configuration: DHCPConfiguration, decider: any BootDecider, store: any LeaseStore, on loop: EventLoop,
    notify: @escaping @Sendable ([DHCPEvent], Moment) -> Void
  ) throws -> DHCPv6Service {
    let interfaces = try Interfaces.current()
    let leases = configuration.mode == .full ? try store.loadLeases() : []
    let ports = [
      try UDPPort(.v6, number: DHCPv6Server.serverPort), try UDPPort(.v6, number: DHCPv6Server.binlPort),
    ]
    let server = DHCPv6Server(
      configuration, identifier: DHCPv6Server.identifier(of: interfaces), decider: decider,
      interfaces: interfaces,
      leases: leases, now: EventLoop.now())
    let service = DHCPv6Service(
      server, ports: ports, interfaces: interfaces,
      committer: try LeaseCommitter(store: store, returningTo: loop), notify: notify)
    let source = loop.add(service)
    for (token, port) in ports.enumerated() {
      try loop.watch(port.file, source: source, token: UInt32(token))
    }
    return service
  }

  /// The interfaces are these now; those that are new join the servers' multicast group.
  package func update(interfaces: [NetworkInterface]) {
    server.update(interfaces: interfaces)
    let present = Set(interfaces.map(\.index))
    joined.formIntersection(present)
    let wanted = server.configuration.interfaces
    for interface in interfaces
    where !joined.contains(interface.index) && !interface.ipv6.isEmpty
      && (wanted.isEmpty || wanted.contains(interface.name))
    {
      guard let port = ports.first as? UDPPort else { continue }
      do {
        try port.join(.allDHCPAgents, interface: interface.index)
        joined.insert(interface.index)
      } catch {
        events.append(.dropped(source: Endpoint(.v6(.any), port: 0), reason: error.description))
      }
    }
  }

  /// Answers nothing any more; leases that are on their way to the disk get there.
  package func stop() { isStopped = true }

  deinit { committer.stop() }

  package func ready(_ token: UInt32) {
    let now = EventLoop.now()
    for datagram in ports[Int(token)].receive() where !isStopped {
      writer.take(server.receive(datagram, now: now), port: Int(token))
    }
  }

  package func run(now: Moment) -> UInt64? {
    if let batch = writer.nextBatch() {
      committer.commit(batch) { [weak self] error in self?.writer.finish(batch, error: error) }
    }
    writer.flush(ports: ports, events: &events)
    if !events.isEmpty {
      notify(events, now)
      events.removeAll(keepingCapacity: true)
    }
    return nil
  }
}
