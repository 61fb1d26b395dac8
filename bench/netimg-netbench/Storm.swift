internal import CPacketShim
internal import DHCP
internal import Glibc
internal import NetworkTypes
internal import PacketIO
internal import TFTP

/// Many devices behind one relay agent that all boot: DISCOVER and REQUEST as PXE firmware, iPXE by TFTP, DISCOVER and
/// REQUEST as iPXE, the script by HTTP. Each transfers from the address that it was given, which this host has to have
/// (`ip route add local NETWORK dev lo`). What is lost is asked for again, as firmware does.
struct Storm {
  struct Plan {
    var server: IPv4Address
    /// The relay agent's address, in the devices' network.
    var relay: IPv4Address
    var count: Int
    /// Over how many seconds they are switched on.
    var seconds: Double
    /// When whoever has no script yet has failed, in seconds.
    var limit = 120.0
    /// Whether the addresses that the devices were given last are printed.
    var printsLeases = false
  }

  let plan: Plan
  private let epoll = netimg_epoll_open()
  private let relay: UDPPort
  var devices: [StormDevice]
  /// Who was given which address, for the whole time.
  private var owners: [UInt32: Int] = [:]
  private var conflicts: [String] = []
  /// Devices that were offered an address and then refused it: firmware ends its boot there.
  private var refused: Set<Int> = []
  private var connecting: Set<Int> = []
  private var outgoing: [OutgoingDatagram] = []
  var left: Int
  private var buffer = [UInt8](repeating: 0, count: 65_536)

  init(_ plan: Plan) throws {
    self.plan = plan
    relay = try UDPPort(.v4, number: DHCPv4Server.serverPort)
    left = plan.count
    let interval = UInt64(plan.seconds * 1e9 / Double(max(plan.count, 1)))
    devices = (0..<plan.count).map { StormDevice(index: $0, start: UInt64($0) * interval) }
    guard netimg_epoll_add(epoll, relay.file, 0) == 0 else {
      throw PacketIOError(code: .system, "no epoll for the relay agent")
    }
  }

  /// Runs them all to their scripts, and says how it went; false if a device failed or an address had two devices.
  mutating func run() -> Bool {
    let began = netimg_boottime()
    let end = began + UInt64(plan.limit * 1e9)
    for index in devices.indices {
      devices[index].start += began
      devices[index].deadline = devices[index].start
    }
    var tokens = [UInt64](repeating: 0, count: 256)
    var now = began
    while left > 0, now < end {
      let wait: Int64 = connecting.isEmpty ? 5_000_000 : 1_000_000
      let count = netimg_epoll_wait(epoll, &tokens, 256, wait)
      now = netimg_boottime()
      for token in tokens[..<Int(max(count, 0))] {
        if token == 0 { takeReplies(now) } else { take(Int(token) - 1, now) }
      }
      for index in connecting { finishConnecting(index, now) }
      for index in devices.indices where devices[index].deadline <= now && devices[index].step != .done {
        expire(index, now)
      }
      if !outgoing.isEmpty {
        _ = relay.send(outgoing)
        outgoing.removeAll(keepingCapacity: true)
      }
    }
    return report()
  }

  private func report() -> Bool {
    let times = devices.compactMap { $0.finished.map { [start = $0.start] in Double($0 - start) / 1e9 } }
      .sorted()
    func quantile(_ share: Double) -> Double {
      times.isEmpty ? 0 : times[min(times.count - 1, Int(Double(times.count) * share))]
    }
    let repeats = devices.reduce(into: [0, 0, 0]) { sum, device in
      sum[0] += device.repeats.dhcp
      sum[1] += device.repeats.tftp
      sum[2] += device.repeats.http
    }
    print(
      "devices \(devices.count) failed \(left + refused.count) conflicts \(conflicts.count) median \(quantile(0.5)) "
        + "p99 \(quantile(0.99)) last \(times.last ?? 0) dhcp-repeats \(repeats[0]) tftp-repeats \(repeats[1]) "
        + "http-repeats \(repeats[2])")
    if plan.printsLeases {
      for device in devices where device.address != .any { print("lease \(device.mac) \(device.address)") }
    }
    for conflict in conflicts.prefix(10) { print(conflict) }
    for index in refused.sorted().prefix(10) {
      print("device \(devices[index].mac) was refused what it was offered")
    }
    for device in devices.filter({ $0.step != .done }).prefix(10) {
      print(
        "device \(device.mac) stopped at \(device.step)\(device.isIPXE ? " as iPXE" : ""): \(device.trouble)")
    }
    return left == 0 && conflicts.isEmpty && refused.isEmpty
  }

  // MARK: DHCP

  private mutating func send(_ index: Int, _ now: UInt64) {
    outgoing.append(
      OutgoingDatagram(
        payload: devices[index].message(relay: plan.relay).encoded(),
        destination: .endpoint(Endpoint(plan.server, port: DHCPv4Server.serverPort)),
        port: DHCPv4Server.serverPort, source: .v4(plan.relay), interface: 0))
    devices[index].waitForReply(now)
  }

  private mutating func takeReplies(_ now: UInt64) {
    for datagram in relay.receive() {
      guard let reply = try? DHCPv4Message(decoding: datagram.payload), reply.isReply,
        devices.indices.contains(Int(reply.transaction >> 1)),
        devices[Int(reply.transaction >> 1)].transaction == reply.transaction
      else { continue }
      let index = Int(reply.transaction >> 1)
      switch (reply.kind, devices[index].step) {
      case (.offer, .discover):
        devices[index].offer = reply
        devices[index].begin(.request)
        send(index, now)
      case (.ack, .request):
        let address = reply.yourAddress
        if let other = owners[address.value], other != index {
          conflicts.append("\(address) was given to \(devices[other].mac) and to \(devices[index].mac)")
        }
        owners[address.value] = index
        devices[index].address = address
        devices[index].file = reply.bootFileName
        devices[index].isIPXE ? connect(index, now) : request(index, now)
      case (.nak, .request):
        refused.insert(index)
        devices[index].begin(.discover)
        send(index, now)
      default: continue
      }
    }
  }

  private mutating func expire(_ index: Int, _ now: UInt64) {
    switch devices[index].step {
    case .off:
      devices[index].begin(.discover)
      send(index, now)
    case .discover, .request:
      devices[index].repeats.dhcp += 1
      // An offer that leads to nothing is forgotten in the end.
      if devices[index].step == .request, devices[index].attempts >= 4 { devices[index].begin(.discover) }
      send(index, now)
    case .load:
      devices[index].repeats.tftp += 1
      devices[index].attempts += 1
      // A server that knows nothing of this transfer answers nothing: begin anew.
      if devices[index].attempts > 3 { request(index, now) } else { send(devices[index].last, index, now) }
    case .fetch:
      devices[index].trouble = "no answer by HTTP"
      retryFetch(index, now)
    case .pause: connect(index, now)
    case .done: break
    }
  }

  // MARK: TFTP

  private mutating func request(_ index: Int, _ now: UInt64) {
    devices[index].closeSocket()
    devices[index].begin(.load)
    devices[index].peer = Endpoint(plan.server, port: TFTPServer.port)
    devices[index].block = 0
    devices[index].received = 0
    devices[index].size = nil
    let file = netimg_udp_open(4, 0)
    guard file >= 0, netimg_epoll_add(epoll, file, UInt64(index) + 1) == 0 else {
      devices[index].trouble = "no socket"
      devices[index].deadline = now + 1_000_000_000
      return
    }
    devices[index].socket = file
    let options = [TFTPOption("tsize", "0"), TFTPOption("blksize", "1456")]
    send(TFTPPacket.read(TFTPRequest(name: devices[index].file, options: options)).encoded, index, now)
  }

  private mutating func send(_ bytes: [UInt8], _ index: Int, _ now: UInt64) {
    devices[index].last = bytes
    devices[index].deadline = now + 1_000_000_000
    var bytes = bytes
    bytes.withUnsafeMutableBytes {
      var datagram = netimg_datagram()
      datagram.data = $0.baseAddress
      datagram.count = UInt32($0.count)
      datagram.peer = netimg_address(devices[index].peer)
      datagram.local = netimg_address(.v4(devices[index].address))
      _ = netimg_udp_send(devices[index].socket, &datagram, 1)
    }
  }

  private mutating func take(_ index: Int, _ now: UInt64) {
    if devices[index].step == .fetch { return takeBody(index, now) }
    guard devices[index].step == .load else { return }
    var datagram = netimg_datagram()
    let got = buffer.withUnsafeMutableBytes {
      datagram.data = $0.baseAddress
      datagram.size = UInt32($0.count)
      return netimg_udp_receive(devices[index].socket, &datagram, 1)
    }
    guard got == 1, datagram.count >= 4, let peer = datagram.peer.endpoint else { return }
    if devices[index].peer.port == TFTPServer.port { devices[index].peer = peer }
    guard peer == devices[index].peer else { return }
    let number = UInt16(buffer[2]) << 8 | UInt16(buffer[3])
    switch buffer[1] {
    case 6:
      guard devices[index].block == 0,
        case .optionAcknowledge(let options)? = try? TFTPPacket(
          decoding: Array(buffer[..<Int(datagram.count)]))
      else { return }
      devices[index].size = options.first { $0.name == "tsize" }.flatMap { Int($0.value) }
      send([0, 4, 0, 0], index, now)
    case 3 where number == devices[index].block &+ 1:
      let count = Int(datagram.count) - 4
      devices[index].attempts = 0
      devices[index].block = number
      devices[index].received += count
      send([0, 4, buffer[2], buffer[3]], index, now)
      guard count < 1456 else { return }
      guard devices[index].received == devices[index].size else { return request(index, now) }
      devices[index].closeSocket()
      devices[index].isIPXE = true
      devices[index].begin(.discover)
      send(index, now)
    case 5:
      // The server stops, or has too much to do: again in a second.
      devices[index].trouble = "TFTP error \(number)"
      devices[index].peer = Endpoint(plan.server, port: TFTPServer.port)
      devices[index].attempts = 4
      devices[index].deadline = now + 1_000_000_000
    default: return
    }
  }

  // MARK: HTTP

  private mutating func connect(_ index: Int, _ now: UInt64) {
    devices[index].closeSocket()
    devices[index].begin(.fetch)
    devices[index].body = []
    devices[index].deadline = now + 10_000_000_000
    guard let file = devices[index].openStream(to: plan.server),
      netimg_epoll_add(epoll, file, UInt64(index) + 1) == 0
    else {
      devices[index].trouble = "no connection to \(devices[index].file)"
      return retryFetch(index, now)
    }
    connecting.insert(index)
  }

  /// Sends the request as soon as the connection is there.
  private mutating func finishConnecting(_ index: Int, _ now: UInt64) {
    let request = devices[index].httpRequest
    let sent = Glibc.send(devices[index].socket, request, request.count, Int32(MSG_NOSIGNAL))
    if sent < 0, errno == ENOTCONN || errno == EAGAIN || errno == EALREADY || errno == EINPROGRESS { return }
    connecting.remove(index)
    if sent != request.count {
      devices[index].trouble = "no connection: \(String(cString: strerror(errno)))"
      retryFetch(index, now)
    }
  }

  private mutating func takeBody(_ index: Int, _ now: UInt64) {
    let count = recv(devices[index].socket, &buffer, buffer.count, Int32(MSG_DONTWAIT))
    if count < 0 {
      if errno == EAGAIN || errno == ENOTCONN { return }
      devices[index].trouble = "the connection broke: \(String(cString: strerror(errno)))"
      return retryFetch(index, now)
    }
    if count > 0 {
      devices[index].body += buffer[..<count]
      return
    }
    // The end: the answer has to be a script that boots something.
    guard devices[index].hasScript else {
      devices[index].trouble =
        "no script: \(String(decoding: devices[index].body.prefix(300), as: UTF8.self))"
      return retryFetch(index, now)
    }
    connecting.remove(index)
    devices[index].closeSocket()
    devices[index].body = []
    devices[index].begin(.done)
    devices[index].finished = now
    left -= 1
    // Whoever looks on may want to do something in the middle.
    let done = plan.count - left
    if done % max(plan.count / 20, 1) == 0 { say("progress \(done)") }
  }

  private mutating func retryFetch(_ index: Int, _ now: UInt64) {
    connecting.remove(index)
    devices[index].closeSocket()
    devices[index].repeats.http += 1
    devices[index].begin(.pause)
    devices[index].deadline = now + 1_000_000_000
  }
}
