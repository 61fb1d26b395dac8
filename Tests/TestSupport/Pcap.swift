package import FoundationEssentials

/// One UDP datagram of a packet capture.
package struct CapturedDatagram: Hashable, Sendable {
  /// Seconds since 1970.
  package let time: Double
  package let payload: [UInt8]
  /// 4 or 16 bytes.
  package let source: [UInt8]
  /// 4 or 16 bytes.
  package let destination: [UInt8]
  package let sourcePort: UInt16
  package let destinationPort: UInt16
  /// The 6 bytes of the frame's receiver.
  package let station: [UInt8]
}

/// A capture that is not read: which, and why.
package struct PcapError: Error, CustomStringConvertible {
  package let description: String
}

/// Every UDP datagram of a capture, as tcpdump writes it on this machine's byte order, of Ethernet frames with IPv4 or
/// IPv6 without extension headers. Fragments are left out.
package func readCapture(_ url: URL) throws -> [CapturedDatagram] {
  let bytes = Array(try Data(contentsOf: url))
  func little(_ offset: Int) -> Int { (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) } }
  guard bytes.count >= 24, little(0) == 0xa1b2_c3d4, little(20) == 1 else {
    throw PcapError(description: "\(url.lastPathComponent) is no capture of Ethernet frames in microseconds")
  }
  var datagrams: [CapturedDatagram] = []
  var offset = 24
  while offset + 16 <= bytes.count {
    let count = little(offset + 8)
    let time = Double(little(offset)) + Double(little(offset + 4)) / 1e6
    guard offset + 16 + count <= bytes.count else {
      throw PcapError(description: "\(url.lastPathComponent) is cut at offset \(offset)")
    }
    let frame = Array(bytes[offset + 16..<offset + 16 + count])
    offset += 16 + count
    if let datagram = datagram(frame, time: time) { datagrams.append(datagram) }
  }
  return datagrams
}

private func datagram(_ frame: [UInt8], time: Double) -> CapturedDatagram? {
  func big(_ offset: Int) -> Int { Int(frame[offset]) << 8 | Int(frame[offset + 1]) }
  guard frame.count >= 14 + 28 else { return nil }
  let udp: Int
  let source: ArraySlice<UInt8>
  let destination: ArraySlice<UInt8>
  switch big(12) {
  case 0x0800 where frame[23] == 17 && big(20) & 0x3fff == 0:
    udp = 14 + Int(frame[14] & 15) * 4
    (source, destination) = (frame[26..<30], frame[30..<34])
  case 0x86dd where frame.count >= 62 && frame[20] == 17:
    udp = 54
    (source, destination) = (frame[22..<38], frame[38..<54])
  default: return nil
  }
  guard udp + 8 <= frame.count, big(udp + 4) >= 8, udp + big(udp + 4) <= frame.count else { return nil }
  return CapturedDatagram(
    time: time, payload: Array(frame[udp + 8..<udp + big(udp + 4)]), source: Array(source),
    destination: Array(destination), sourcePort: UInt16(big(udp)), destinationPort: UInt16(big(udp + 2)),
    station: Array(frame[..<6]))
}

/// A file of the checkout, by its path from the top.
package func checkoutFile(_ path: String) -> URL {
  URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
    .appendingPathComponent(path)
}
