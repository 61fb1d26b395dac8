package import NetworkTypes

/// Notices other servers' offers to boot among the DHCP replies that pass on a link. A value, like the servers.
///
/// It sees what is broadcast, and of the rest what the network floods. It never answers.
package struct DHCPSensor: Sendable {
  /// One event for the same server, boot file and interface in this time.
  private static let silence: UInt64 = 60_000_000_000
  private static let limit = 256

  private struct Key: Hashable {
    let server: IPv4Address
    let bootFile: String
    let interface: String
  }

  private var noticed: [Key: UInt64] = [:]
  private var interfaces: [UInt32: NetworkInterface] = [:]

  package init(interfaces: [NetworkInterface]) {
    update(interfaces: interfaces)
  }

  /// The interfaces are these now; what they send is our own.
  package mutating func update(interfaces: [NetworkInterface]) {
    self.interfaces = Dictionary(interfaces.map { ($0.index, $0) }, uniquingKeysWith: { _, last in last })
  }

  /// What a reply to some client says of another server; `nil` if that is nothing, known already, or our own.
  package mutating func notice(_ datagram: IncomingDatagram, now: Moment) -> DHCPEvent? {
    guard let message = try? DHCPv4Message(decoding: datagram.payload), message.isReply,
      message.kind == .offer || message.kind == .ack, case .v4(let source) = datagram.source.address
    else { return nil }
    let server = message.options.address(DHCPv4Option.serverIdentifier) ?? source
    let isOwn = interfaces.values.contains {
      $0.ipv4.contains { $0.address == server || $0.address == source }
    }
    guard !isOwn else { return nil }
    let vendorClass = message.options.text(DHCPv4Option.vendorClass) ?? ""
    let isBootOffer = vendorClass.hasBytePrefix("PXEClient") || vendorClass.hasBytePrefix("HTTPClient")
    let bootFile = String(message.bootFileName.prefix(255))
    guard isBootOffer || !bootFile.isEmpty else { return nil }
    let name = interfaces[datagram.interface]?.name ?? ""
    let key = Key(server: server, bootFile: bootFile, interface: name)
    if let last = noticed[key], now.monotonic < last &+ Self.silence { return nil }
    if noticed.count >= Self.limit {
      noticed = noticed.filter { now.monotonic < $0.value &+ Self.silence }
      guard noticed.count < Self.limit else { return nil }
    }
    noticed[key] = now.monotonic
    return .competitor(
      CompetingOffer(
        server: server, hardwareAddress: message.mac, bootFile: bootFile,
        isProxy: message.yourAddress == .any, interface: name))
  }
}
