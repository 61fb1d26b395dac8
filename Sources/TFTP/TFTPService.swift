internal import CPacketShim
internal import Glibc
package import NetworkTypes
package import PacketIO

/// The TFTP machine at work on an event loop. Once the loop runs, all of it happens on the loop's thread: from
/// others, use ``EventLoop/perform(_:)``.
package final class TFTPService: EventSource, @unchecked Sendable {
  private var server: TFTPServer
  private let port: UDPPort
  private let port6: UDPPort?
  private let loop: EventLoop
  private var source: UInt32 = 0
  private let notify: @Sendable ([TFTPEvent], Moment) -> Void
  private var actions: [TFTPAction] = []
  private var events: [TFTPEvent] = []
  private var routes: [Route?] = []
  private var input = [UInt8](repeating: 0, count: 2048)
  private var blocks = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 64)
  /// Whether the kernel cuts runs of blocks; not after it has refused.
  private var canSegment: Bool
  private var mtu: [UInt32: Int] = [:]

  /// How packets reach a session's client.
  private struct Route {
    let id: TFTPSessionID
    /// The session's own socket, or the server's.
    let file: Int32
    let isOwn: Bool
    let peer: netimg_address
    let local: netimg_address
    let interface: UInt32
    let blockSize: Int
    let isSegmenting: Bool
  }

  /// Tokens below this are the server's ports, those from it on are slots of sessions.
  private static let firstSlot: UInt32 = 2

  /// Opens the port (IPv4, and IPv6 where the host has it) and serves it on a loop that does not run yet.
  /// - Parameters:
  ///   - number: The port, 69 but in tests.
  ///   - notify: Called on the loop's thread; it must not block.
  package init(
    _ configuration: TFTPConfiguration, files: any VirtualFiles, on loop: EventLoop,
    number: UInt16 = TFTPServer.port, segments: Bool = true,
    notify: @escaping @Sendable ([TFTPEvent], Moment) -> Void
  ) throws(PacketIOError) {
    let interfaces = try Interfaces.current()
    server = TFTPServer(configuration, files: files, interfaces: interfaces)
    port = try UDPPort(.v4, number: number)
    port6 = try? UDPPort(.v6, number: port.number)
    self.loop = loop
    self.notify = notify
    canSegment = segments
    update(interfaces: interfaces)
    source = loop.add(self)
    try loop.watch(port.file, source: source, token: 0)
    if let port6 { try loop.watch(port6.file, source: source, token: 1) }
  }

  deinit {
    for case let route? in routes where route.isOwn { close(route.file) }
    blocks.deallocate()
  }

  /// The port it has.
  package var number: UInt16 { port.number }

  /// The interfaces are these now. Transfers go on.
  package func update(interfaces: [NetworkInterface]) {
    server.update(interfaces: interfaces)
    mtu = Dictionary(interfaces.map { ($0.index, $0.mtu) }, uniquingKeysWith: { _, last in last })
  }

  /// Limits for transfers to come.
  package func update(configuration: TFTPConfiguration) {
    server.update(configuration: configuration)
  }

  /// Transfers under way come to their end, and no other begins.
  package func drain() { server.drain() }

  package var transferCount: Int { server.transferCount }

  /// Ends every transfer; the clients are told.
  package func stop() {
    let now = EventLoop.now()
    server.stop(now: now, actions: &actions)
    carryOut(now: now)
    flush(now)
  }

  package func ready(_ token: UInt32) {
    let now = EventLoop.now()
    if token < Self.firstSlot {
      for datagram in (token == 0 ? port : port6)?.receive() ?? [] {
        server.receive(datagram, now: now, actions: &actions)
      }
    } else {
      take(slot: Int(token - Self.firstSlot), now: now)
    }
    carryOut(now: now)
  }

  /// Takes what a session's client has sent; at most a few packets, so that other clients have their turns.
  private func take(slot: Int, now: Moment) {
    for _ in 0..<4 {
      guard slot < routes.count, let route = routes[slot] else { return }
      let count = input.withUnsafeMutableBytes { netimg_udp_take(route.file, $0.baseAddress, $0.count) }
      if count >= 0 {
        input.withUnsafeBytes {
          server.receive(
            UnsafeRawBufferPointer(rebasing: $0[..<count]), session: route.id, now: now, actions: &actions)
        }
        // An ordinary client sends one packet and waits: a look for another is rarely worth the call.
        return
      }
      // The client's host says that nobody listens there any more.
      if netimg_packet_errno() == ECONNREFUSED {
        server.end(route.id, .timedOut, now: now, actions: &actions)
      }
      return
    }
  }

  package func run(now: Moment) -> UInt64? {
    server.run(now: now, actions: &actions)
    carryOut(now: now)
    flush(now)
    return server.nextDeadline
  }

  /// Few transfers without windows wait for every block; many keep each other's thread awake, and their packets are better
  /// taken several at a time.
  package var longestPoll: UInt64 { (1...2).contains(server.transferCount) ? 100_000 : 0 }

  private func flush(_ now: Moment) {
    guard !events.isEmpty else { return }
    notify(events, now)
    events.removeAll(keepingCapacity: true)
  }

  private func carryOut(now: Moment) {
    var index = 0
    // Carrying out may add actions: a file that cannot be read ends its session.
    while index < actions.count {
      let action = actions[index]
      index += 1
      switch action {
      case .open(let id, let peer, let local, let interface):
        open(id, peer: peer, local: local, interface: interface, now: now)
      case .packet(let id, let bytes): send(bytes, to: id)
      case .data(let id, let first, let count): send(id, first: first, count: count, now: now)
      case .reply(let datagram):
        if case .endpoint(let to) = datagram.destination, case .v6 = to.address {
          _ = port6?.send([datagram])
        } else {
          _ = port.send([datagram])
        }
      case .close(let id):
        guard let route = route(id) else { break }
        routes[Int(id.slot)] = nil
        if route.isOwn { close(route.file) }
      case .event(let event): events.append(event)
      }
    }
    actions.removeAll(keepingCapacity: true)
  }

  private func route(_ id: TFTPSessionID) -> Route? {
    guard Int(id.slot) < routes.count, let route = routes[Int(id.slot)], route.id == id else { return nil }
    return route
  }

  private func open(_ id: TFTPSessionID, peer: Endpoint, local: IPAddress, interface: UInt32, now: Moment) {
    while routes.count <= Int(id.slot) { routes.append(nil) }
    var to = netimg_address(peer)
    let from = netimg_address(local)
    var file: Int32
    let isOwn = !server.configuration.isSinglePort
    if isOwn {
      file = withUnsafePointer(to: from) { from in netimg_udp_connect(from, &to, interface) }
      let token = Self.firstSlot + id.slot
      guard file >= 0, (try? loop.watch(file, source: source, token: token)) != nil else {
        let reason = "no socket for the transfer: \(String(cString: strerror(netimg_packet_errno())))"
        if file >= 0 { close(file) }
        server.fail(id, reason: reason, now: now, actions: &actions)
        return
      }
      to.family = 0
    } else {
      if case .v6 = peer.address { file = port6?.file ?? port.file } else { file = port.file }
    }
    let blockSize = server.transfer(id)?.blockSize ?? 512
    // A packet that the kernel cuts has to go out whole, with the headers of IP, UDP and TFTP.
    let headers: Int
    if case .v6 = peer.address { headers = 40 + 8 + 4 } else { headers = 20 + 8 + 4 }
    routes[Int(id.slot)] = Route(
      id: id, file: file, isOwn: isOwn, peer: to, local: from, interface: isOwn ? 0 : interface,
      blockSize: blockSize, isSegmenting: canSegment && blockSize + headers <= mtu[interface] ?? 1500)
  }

  private func send(_ bytes: [UInt8], to id: TFTPSessionID) {
    guard let route = route(id) else { return }
    var bytes = bytes
    bytes.withUnsafeMutableBytes { buffer in
      var datagram = netimg_datagram()
      datagram.data = buffer.baseAddress
      datagram.count = UInt32(buffer.count)
      datagram.peer = route.peer
      if !route.isOwn { datagram.local = route.local }
      datagram.interface = route.interface
      _ = netimg_udp_send(route.file, &datagram, 1)
    }
  }

  /// Reads blocks and sends them. What the kernel refuses is as good as lost on the way: the machine's timer sees to it.
  private func send(_ id: TFTPSessionID, first: UInt64, count: Int, now: Moment) {
    guard let route = route(id) else { return }
    var first = first
    var left = count
    while left > 0 {
      let run = min(left, max(1, blocks.count / route.blockSize), 64)
      do {
        guard let data = try server.read(id, first: first, count: run, into: blocks) else { return }
        send(data, count: run, route)
      } catch {
        server.fail(id, reason: "\(error)", now: now, actions: &actions)
        return
      }
      first += UInt64(run)
      left -= run
    }
  }

  private func send(_ data: TFTPServer.Blocks, count: Int, _ route: Route) {
    var done = 0
    while done < count {
      let offset = min(done * data.blockSize, data.byteCount)
      let segments = route.isSegmenting && canSegment
      let sent = withUnsafePointer(to: route.peer) { peer in
        withUnsafePointer(to: route.local) { local in
          netimg_tftp_send(
            route.file, peer, local, route.interface, blocks.baseAddress?.advanced(by: offset),
            data.byteCount - offset, data.blockSize, data.firstNumber &+ UInt16(truncatingIfNeeded: done),
            Int32(count - done), segments ? 1 : 0)
        }
      }
      if sent > 0 {
        done += Int(sent)
      } else if segments, netimg_packet_errno() == EIO || netimg_packet_errno() == EINVAL {
        // The interface cannot do checksums for segments: never again.
        canSegment = false
      } else {
        return
      }
    }
  }
}
