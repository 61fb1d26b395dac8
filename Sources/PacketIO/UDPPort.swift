internal import CPacketShim
internal import Glibc
package import NetworkTypes

/// A UDP port on every address of one family. It knows where each datagram came in, and sends from where it is told.
package final class UDPPort: DatagramPort {
  package enum Family: Int32, Sendable {
    case v4 = 4
    case v6 = 6
  }

  /// The socket, for an ``EventLoop`` to watch.
  package let file: Int32
  package let number: UInt16
  private let frames: FramePort?
  private let buffer: UnsafeMutableRawBufferPointer
  private var batch: [netimg_datagram]
  private static let batchSize = 64
  /// The longest datagram that is taken; no DHCP message or TFTP request in earnest is as long.
  private static let size = 4096

  /// Opens a port.
  /// - Parameters:
  ///   - number: The port; 0 for any that is free.
  ///   - frames: For clients that have no address yet.
  package init(_ family: Family, number: UInt16, frames: FramePort? = nil) throws(PacketIOError) {
    file = netimg_udp_open(family.rawValue, number)
    guard file >= 0 else { throw PacketIOError("UDP port \(number) cannot be opened") }
    self.number = UInt16(truncatingIfNeeded: netimg_udp_port(file))
    self.frames = frames
    buffer = .allocate(byteCount: Self.size * Self.batchSize, alignment: 16)
    batch = []
    for index in 0..<Self.batchSize {
      var datagram = netimg_datagram()
      datagram.data = buffer.baseAddress?.advanced(by: index * Self.size)
      datagram.size = UInt32(Self.size)
      batch.append(datagram)
    }
  }

  deinit {
    close(file)
    buffer.deallocate()
  }

  /// Joins a multicast group on an interface; that it has joined already is no error.
  package func join(_ group: IPv6Address, interface: UInt32) throws(PacketIOError) {
    guard netimg_udp_join(file, group.bytes, interface) != 0, netimg_packet_errno() != EADDRINUSE else {
      return
    }
    throw PacketIOError("multicast group \(group) cannot be joined on interface \(interface)")
  }

  package func receive() -> [IncomingDatagram] {
    let count = netimg_udp_receive(file, &batch, Int32(batch.count))
    guard count > 0 else { return [] }
    return batch[..<Int(count)].compactMap { datagram in
      guard let source = datagram.peer.endpoint, let destination = datagram.local.address,
        let data = datagram.data
      else { return nil }
      return IncomingDatagram(
        payload: Array(UnsafeRawBufferPointer(start: data, count: Int(datagram.count))), source: source,
        destination: destination, port: number, interface: datagram.interface)
    }
  }

  package func send(_ datagrams: [OutgoingDatagram]) -> [(OutgoingDatagram, reason: String)] {
    var failures: [(OutgoingDatagram, reason: String)] = []
    var rest = datagrams[...]
    while let first = rest.first {
      if case .station(let mac, let endpoint) = first.destination {
        rest = rest.dropFirst()
        guard let frames, case .v4(let to) = endpoint.address, case .v4(let from)? = first.source else {
          failures.append((first, "frames to stations need CAP_NET_RAW"))
          continue
        }
        do {
          try frames.send(
            first.payload, from: from, port: first.port, to: to, port: endpoint.port, station: mac,
            interface: first.interface)
        } catch {
          failures.append((first, error.description))
        }
        continue
      }
      let run = rest.prefix { if case .endpoint = $0.destination { true } else { false } }.prefix(
        Self.batchSize)
      let sent = sendRun(run)
      rest = rest.dropFirst(max(sent, 0))
      if sent < run.count, let failed = rest.first {
        // The one behind those that went is the one that the kernel refused.
        let code = sent <= 0 ? netimg_packet_errno() : 0
        if code == EAGAIN {
          // The send queue is full: what is left is lost, as on a wire that is.
          for lost in run.dropFirst(max(sent, 0)) { failures.append((lost, "the send queue is full")) }
          rest = rest.dropFirst(run.count - max(sent, 0))
        } else if sent <= 0 {
          failures.append((failed, String(cString: strerror(code))))
          rest = rest.dropFirst()
        }
      }
    }
    return failures
  }

  private func sendRun(_ run: ArraySlice<OutgoingDatagram>) -> Int {
    var batch: [netimg_datagram] = []
    batch.reserveCapacity(run.count)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(run.reduce(0) { $0 + $1.payload.count })
    for datagram in run { bytes += datagram.payload }
    return bytes.withUnsafeMutableBytes { bytes in
      var offset = 0
      for datagram in run {
        guard case .endpoint(let endpoint) = datagram.destination else { continue }
        var entry = netimg_datagram()
        entry.data = bytes.baseAddress?.advanced(by: offset)
        entry.count = UInt32(datagram.payload.count)
        entry.peer = netimg_address(endpoint)
        if let source = datagram.source { entry.local = netimg_address(source) }
        entry.interface = datagram.interface
        batch.append(entry)
        offset += datagram.payload.count
      }
      return Int(netimg_udp_send(file, batch, Int32(batch.count)))
    }
  }
}
