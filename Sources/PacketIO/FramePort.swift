internal import CPacketShim
internal import Glibc
package import NetworkTypes

/// Sends IPv4 packets to stations that do not have the address yet and so cannot be found by ARP. Needs CAP_NET_RAW.
package final class FramePort {
  private let file: Int32

  package init() throws(PacketIOError) {
    file = netimg_packet_open()
    guard file >= 0 else { throw PacketIOError("a packet socket cannot be opened") }
  }

  deinit { close(file) }

  /// Sends one UDP datagram in a frame.
  package func send(
    _ payload: [UInt8], from source: IPv4Address, port sourcePort: UInt16, to destination: IPv4Address,
    port destinationPort: UInt16, station: MACAddress, interface: UInt32
  ) throws(PacketIOError) {
    let packet = IPv4Packet.udp(
      payload, from: source, port: sourcePort, to: destination, port: destinationPort)
    guard netimg_packet_send(file, interface, station.bytes, packet, packet.count) == 0 else {
      throw PacketIOError("a frame to \(station) cannot be sent")
    }
  }
}

/// IPv4 and UDP headers (RFC 791, RFC 768), for packets that pass by the kernel's own.
package enum IPv4Packet {
  /// A whole packet with one UDP datagram.
  package static func udp(
    _ payload: [UInt8], from source: IPv4Address, port sourcePort: UInt16, to destination: IPv4Address,
    port destinationPort: UInt16
  ) -> [UInt8] {
    func number(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 0xff), UInt8(value & 0xff)] }
    let length = 8 + payload.count
    var header: [UInt8] = [0x45, 0x10] + number(20 + length) + [0, 0, 0x40, 0, 64, 17, 0, 0]
    header += source.bytes + destination.bytes
    let sum = checksum(header)
    header[10] = UInt8(sum >> 8)
    header[11] = UInt8(sum & 0xff)
    var udp = number(Int(sourcePort)) + number(Int(destinationPort)) + number(length) + [0, 0] + payload
    // The pseudo header: addresses, protocol, length.
    var check = checksum(source.bytes + destination.bytes + [0, 17] + number(length) + udp)
    if check == 0 { check = 0xffff }
    udp[6] = UInt8(check >> 8)
    udp[7] = UInt8(check & 0xff)
    return header + udp
  }

  /// The datagram inside of a packet as a packet socket gives it; `nil` if it is not a whole UDP datagram. Checksums
  /// are not judged: the network card's may not be there yet.
  package static func datagram(_ packet: [UInt8], interface: UInt32) -> IncomingDatagram? {
    guard packet.count >= 28, packet[0] >> 4 == 4, packet[9] == 17 else { return nil }
    let header = Int(packet[0] & 15) * 4
    let total = Int(packet[2]) << 8 | Int(packet[3])
    guard header >= 20, total >= header + 8, total <= packet.count else { return nil }
    func number(_ offset: Int) -> Int { Int(packet[header + offset]) << 8 | Int(packet[header + offset + 1]) }
    let length = number(4)
    guard length >= 8, header + length <= total, let source = IPv4Address(packet[12..<16]),
      let destination = IPv4Address(packet[16..<20])
    else { return nil }
    return IncomingDatagram(
      payload: Array(packet[(header + 8)..<(header + length)]),
      source: Endpoint(source, port: UInt16(number(0))),
      destination: .v4(destination), port: UInt16(number(2)), interface: interface)
  }

  /// The internet checksum (RFC 1071).
  static func checksum(_ bytes: [UInt8]) -> UInt16 {
    var sum: UInt32 = 0
    for index in stride(from: 0, to: bytes.count, by: 2) {
      sum += UInt32(bytes[index]) << 8 | UInt32(index + 1 < bytes.count ? bytes[index + 1] : 0)
      sum = (sum & 0xffff) + (sum >> 16)
    }
    return ~UInt16(truncatingIfNeeded: (sum & 0xffff) + (sum >> 16))
  }
}

/// Hears the DHCP replies of others on every link. Needs CAP_NET_RAW.
package final class ReplyListener {
  package let file: Int32

  package init() throws(PacketIOError) {
    file = netimg_dhcp_listen()
    guard file >= 0 else { throw PacketIOError("DHCP replies cannot be listened to") }
  }

  deinit { close(file) }

  /// What has come in since the last call, at most some dozens.
  package func receive() -> [IncomingDatagram] {
    var result: [IncomingDatagram] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    for _ in 0..<64 {
      var interface: UInt32 = 0
      let count = netimg_packet_take(file, &buffer, buffer.count, &interface)
      if count < 0 { break }
      if count > 0, let datagram = IPv4Packet.datagram(Array(buffer[..<count]), interface: interface) {
        result.append(datagram)
      }
    }
    return result
  }
}
