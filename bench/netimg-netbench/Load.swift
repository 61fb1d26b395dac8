internal import CPacketShim
internal import Glibc
internal import NetworkTypes
internal import PacketIO
internal import TFTP

/// Many TFTP clients in one thread (RFC 7440 windows), the same for every server.
struct Load {
  private struct Session {
    let file: Int32
    var peer: Endpoint
    var hasPeer = false
    /// The next block that is wanted.
    var expected: UInt64 = 1
    var inWindow = 0
    var window = 1
    var blockSize = 512
    var received = 0
    var heard: UInt64
    var hasGap = false
    var finished: UInt64?
    var last: [UInt8]
  }

  private let server: Endpoint
  private let size: Int
  private let epoll: Int32
  private var sessions: [Session] = []
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 65_536, alignment: 16)
  private var batch: [netimg_datagram] = []
  private var repeats = 0

  init(server: Endpoint, name: String, size: Int, sessions count: Int, blockSize: Int, windowSize: Int) throws
  {
    self.server = server
    self.size = size
    epoll = netimg_epoll_open()
    for index in 0..<64 {
      var datagram = netimg_datagram()
      datagram.data = buffer.baseAddress?.advanced(by: index * 65_536)
      datagram.size = 65_536
      batch.append(datagram)
    }
    var options = [TFTPOption("tsize", "0")]
    if blockSize != 512 { options.append(TFTPOption("blksize", String(blockSize))) }
    if windowSize > 1 { options.append(TFTPOption("windowsize", String(windowSize))) }
    let request = TFTPPacket.read(TFTPRequest(name: name, options: options)).encoded
    for index in 0..<count {
      let file = netimg_udp_open(4, 0)
      guard file >= 0, netimg_epoll_add(epoll, file, UInt64(index)) == 0 else {
        throw PacketIOError(code: .system, "no socket for client \(index)")
      }
      sessions.append(Session(file: file, peer: server, heard: netimg_boottime(), last: request))
    }
  }

  mutating func run() throws {
    let began = netimg_boottime()
    for index in sessions.indices { send(sessions[index].last, index) }
    var tokens = [UInt64](repeating: 0, count: 256)
    var left = sessions.count
    var checked = began
    while left > 0 {
      let count = netimg_epoll_wait(epoll, &tokens, 256, 100_000_000)
      for token in tokens[..<Int(max(count, 0))] { left -= try take(Int(token)) ? 1 : 0 }
      let now = netimg_boottime()
      guard now > checked + 100_000_000 else { continue }
      checked = now
      for index in sessions.indices
      where sessions[index].finished == nil && now > sessions[index].heard + 1_000_000_000 {
        repeats += 1
        sessions[index].heard = now
        sessions[index].inWindow = 0
        send(sessions[index].last, index)
      }
      if now > began + 120_000_000_000 {
        throw PacketIOError(code: .system, "\(left) clients have nothing after 120 s")
      }
    }
    let seconds = Double(netimg_boottime() - began) / 1e9
    let times = sessions.map { Double(($0.finished ?? 0) - began) / 1e9 }.sorted()
    let total = Double(size) * Double(sessions.count)
    print(
      "bytes \(Int(total)) seconds \(seconds) mib/s \(total / seconds / 1_048_576) first \(times[0]) "
        + "median \(times[times.count / 2]) last \(times[times.count - 1]) repeats \(repeats)")
  }

  private func send(_ bytes: [UInt8], _ index: Int) {
    var bytes = bytes
    bytes.withUnsafeMutableBytes {
      var datagram = netimg_datagram()
      datagram.data = $0.baseAddress
      datagram.count = UInt32($0.count)
      datagram.peer = netimg_address(sessions[index].peer)
      _ = netimg_udp_send(sessions[index].file, &datagram, 1)
    }
  }

  private mutating func acknowledge(_ index: Int) {
    let block = UInt16(truncatingIfNeeded: sessions[index].expected - 1)
    sessions[index].last = [0, 4, UInt8(block >> 8), UInt8(block & 0xff)]
    sessions[index].inWindow = 0
    send(sessions[index].last, index)
  }

  /// Takes what has come for a client; whether it has everything now.
  private mutating func take(_ index: Int) throws -> Bool {
    let count = Int(netimg_udp_receive(sessions[index].file, &batch, 64))
    guard count > 0, sessions[index].finished == nil else { return false }
    sessions[index].heard = netimg_boottime()
    for datagram in batch[..<count] {
      guard let data = datagram.data, datagram.count >= 4, let peer = datagram.peer.endpoint else { continue }
      let packet = UnsafeRawBufferPointer(start: data, count: Int(datagram.count))
      if !sessions[index].hasPeer {
        sessions[index].peer = peer
        sessions[index].hasPeer = true
      }
      switch packet[1] {
      case 3:
        let block = UInt16(packet[2]) << 8 | UInt16(packet[3])
        guard block == UInt16(truncatingIfNeeded: sessions[index].expected) else {
          if !sessions[index].hasGap {
            sessions[index].hasGap = true
            acknowledge(index)
          }
          continue
        }
        sessions[index].hasGap = false
        sessions[index].expected += 1
        sessions[index].inWindow += 1
        sessions[index].received += packet.count - 4
        let isLast = packet.count - 4 < sessions[index].blockSize
        if isLast || sessions[index].inWindow >= sessions[index].window { acknowledge(index) }
        if isLast {
          guard sessions[index].received == size else {
            throw PacketIOError(code: .system, "client \(index) got \(sessions[index].received) bytes")
          }
          sessions[index].finished = netimg_boottime()
          close(sessions[index].file)
          return true
        }
      case 5, 6:
        guard case .optionAcknowledge(let options) = try TFTPPacket(decoding: Array(packet)) else {
          throw PacketIOError(code: .system, "the server says: \(try TFTPPacket(decoding: Array(packet)))")
        }
        for option in options {
          if option.name == "blksize" { sessions[index].blockSize = Int(option.value) ?? 512 }
          if option.name == "windowsize" { sessions[index].window = Int(option.value) ?? 1 }
        }
        acknowledge(index)
      default: break
      }
    }
    return false
  }
}
