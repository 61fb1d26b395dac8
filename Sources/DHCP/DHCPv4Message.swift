internal import Bytes
package import NetworkTypes

/// One DHCPv4 message (RFC 2131, section 2).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------+---------------+---------------+---------------+
///     |     op (1)    |   htype (1)   |   hlen (1)    |   hops (1)    |    0
///     +---------------+---------------+---------------+---------------+
///     |                            xid (4)                            |    4
///     +-------------------------------+-------------------------------+
///     |           secs (2)            |           flags (2)           |    8
///     +-------------------------------+-------------------------------+
///     |        ciaddr (4)    yiaddr (4)    siaddr (4)    giaddr (4)    |   12
///     +---------------------------------------------------------------+
///     |    chaddr (16)       sname (64)      file (128)               |   28
///     +---------------------------------------------------------------+
///     |    magic cookie 63 82 53 63       options (variable)          |  236
///     +---------------------------------------------------------------+
package struct DHCPv4Message: Hashable, Sendable {
  /// Option 53.
  package enum Kind: UInt8, Hashable, Sendable {
    case discover = 1
    case offer
    case request
    case decline
    case ack
    case nak
    case release
    case inform
  }

  package var isReply: Bool
  package var kind: Kind
  /// htype: 1 is Ethernet.
  package var hardwareType: UInt8
  /// The first hlen (at most 16) bytes of chaddr.
  package var hardwareAddress: [UInt8]
  package var hops: UInt8
  package var transaction: UInt32
  package var seconds: UInt16
  package var flags: UInt16
  package var clientAddress: IPv4Address
  package var yourAddress: IPv4Address
  package var serverAddress: IPv4Address
  package var relayAddress: IPv4Address
  /// sname, up to its first zero; empty if it holds options.
  package var serverName: [UInt8]
  /// file, up to its first zero; empty if it holds options.
  package var bootFile: [UInt8]
  /// Every option but 52 (overload) and 53 (the kind), from the three places where they can be.
  package var options: DHCPv4Options

  package init(
    isReply: Bool = false, kind: Kind, hardwareType: UInt8 = 1, hardwareAddress: [UInt8], hops: UInt8 = 0,
    transaction: UInt32, seconds: UInt16 = 0, flags: UInt16 = 0, clientAddress: IPv4Address = .any,
    yourAddress: IPv4Address = .any, serverAddress: IPv4Address = .any, relayAddress: IPv4Address = .any,
    serverName: [UInt8] = [], bootFile: [UInt8] = [], options: DHCPv4Options = DHCPv4Options()
  ) {
    self.isReply = isReply
    self.kind = kind
    self.hardwareType = hardwareType
    self.hardwareAddress = hardwareAddress
    self.hops = hops
    self.transaction = transaction
    self.seconds = seconds
    self.flags = flags
    self.clientAddress = clientAddress
    self.yourAddress = yourAddress
    self.serverAddress = serverAddress
    self.relayAddress = relayAddress
    self.serverName = serverName
    self.bootFile = bootFile
    self.options = options
  }

  /// Bytes before the options, the cookie included.
  static let headerSize = 240
  static let cookie: [UInt8] = [0x63, 0x82, 0x53, 0x63]
  /// The flag of clients that can hear no unicast before they have an address.
  package static let broadcastFlag: UInt16 = 0x8000
  /// What every client must take (RFC 2131, section 2): 576 bytes of IP packet less 28 of IP and UDP headers.
  package static let safeSize = 548

  /// The hardware address if it is of Ethernet.
  package var mac: MACAddress? {
    hardwareType == 1 ? MACAddress(hardwareAddress) : nil
  }

  /// The link that a relay agent says the client is on, where its own address does not say so (RFC 3527).
  var link: IPv4Address? { relaySuboption(5) }

  /// What a relay agent wants its clients to know the server by (RFC 5107).
  var serverOverride: IPv4Address? { relaySuboption(11).flatMap { $0.isUnicast ? $0 : nil } }

  /// An address of option 82; without a relay agent's own address nobody vouches for it.
  private func relaySuboption(_ code: UInt8) -> IPv4Address? {
    guard relayAddress != .any, let option = options[DHCPv4Option.relayAgent] else { return nil }
    return PXEOptions.value(code, in: option).flatMap { IPv4Address($0) }
  }

  /// The boot file's name: option 67 if it is there, else the field (RFC 2132, section 9.5).
  package var bootFileName: String {
    options.text(DHCPv4Option.bootFile) ?? textUpToZero(bootFile)
  }
}

extension DHCPv4Message {
  /// The kind that a payload most probably has, if it is a client's; a whole look comes later.
  static func kind(peeking bytes: [UInt8]) -> Kind? {
    var index = headerSize
    while index + 2 < bytes.count, bytes[index] != DHCPv4Option.end {
      if bytes[index] == DHCPv4Option.messageType { return Kind(rawValue: bytes[index + 2]) }
      index += bytes[index] == DHCPv4Option.pad ? 1 : 2 + Int(bytes[index + 1])
    }
    return nil
  }

  /// Decodes one UDP payload.
  /// - Throws: ``DHCPError``; nothing that a stranger sends traps.
  package init(decoding bytes: [UInt8]) throws(DHCPError) {
    guard bytes.count <= 65_535 else {
      throw DHCPError(code: .tooLarge, "a DHCP message has at most 65535 bytes, this has \(bytes.count)")
    }
    var reader = ByteReader(bytes)
    let op = try reading { () throws(ByteReadError) in try reader.bigEndian(UInt8.self, "op") }
    guard op == 1 || op == 2 else {
      throw DHCPError(code: .invalid, "op is 1 (request) or 2 (reply), but is \(op) at offset 0")
    }
    let header = try reading { () throws(ByteReadError) in
      try reader.read(Self.headerSize - 1, "the fixed part")
    }
    let base = header.startIndex - 1
    func field(_ offset: Int, _ count: Int) -> ArraySlice<UInt8> {
      header[base + offset..<base + offset + count]
    }
    func address(_ offset: Int) -> IPv4Address {
      IPv4Address(value: field(offset, 4).reduce(0) { $0 << 8 | UInt32($1) })
    }
    guard field(236, 4).elementsEqual(Self.cookie) else {
      throw DHCPError(
        code: .notDHCP, "no DHCP magic cookie at offset 236: it may be BOOTP, which is not served")
    }
    let addressLength = Int(header[base + 2])
    guard addressLength <= 16 else {
      throw DHCPError(code: .invalid, "hlen is at most 16, but is \(addressLength) at offset 2")
    }

    var options = DHCPv4Options()
    try Self.decode(bytes[Self.headerSize...], at: Self.headerSize, into: &options)
    let overload = options[DHCPv4Option.overload]
    if let overload {
      guard overload.count == 1, (1...3).contains(overload[0]) else {
        throw DHCPError(code: .invalid, "option 52 (overload) is one byte from 1 to 3")
      }
    }
    options[DHCPv4Option.overload] = nil
    let overloaded = overload?.first ?? 0
    // RFC 3396, section 5: the options field, then file, then sname.
    if overloaded & 1 != 0 {
      try Self.decode(field(108, 128), at: 108, into: &options)
    }
    if overloaded & 2 != 0 {
      try Self.decode(field(44, 64), at: 44, into: &options)
    }
    // One inside of those fields says nothing.
    options[DHCPv4Option.overload] = nil
    guard let type = options[DHCPv4Option.messageType] else {
      throw DHCPError(code: .notDHCP, "option 53 (message type) is missing: it is BOOTP, which is not served")
    }
    guard type.count == 1, let kind = Kind(rawValue: type[0]) else {
      throw DHCPError(code: .invalid, "option 53 (message type) is one byte from 1 to 8")
    }
    options[DHCPv4Option.messageType] = nil
    self.init(
      isReply: op == 2, kind: kind, hardwareType: header[base + 1],
      hardwareAddress: Array(field(28, addressLength)), hops: header[base + 3],
      transaction: address(4).value, seconds: UInt16(header[base + 8]) << 8 | UInt16(header[base + 9]),
      flags: UInt16(header[base + 10]) << 8 | UInt16(header[base + 11]), clientAddress: address(12),
      yourAddress: address(16), serverAddress: address(20), relayAddress: address(24),
      serverName: overloaded & 2 == 0 ? Array(field(44, 64).prefix { $0 != 0 }) : [],
      bootFile: overloaded & 1 == 0 ? Array(field(108, 128).prefix { $0 != 0 }) : [], options: options)
  }

  /// Options up to option 255, or to the last byte: some ROMs fill the packet and leave 255 out.
  private static func decode(
    _ bytes: ArraySlice<UInt8>, at offset: Int, into options: inout DHCPv4Options
  ) throws(DHCPError) {
    var index = bytes.startIndex
    while index < bytes.endIndex {
      let code = bytes[index]
      if code == DHCPv4Option.end { return }
      if code == DHCPv4Option.pad {
        index += 1
        continue
      }
      let place = offset + index - bytes.startIndex
      guard index + 1 < bytes.endIndex else {
        throw DHCPError(code: .truncated, "option \(code) at offset \(place) has no length")
      }
      let count = Int(bytes[index + 1])
      guard bytes.endIndex - index - 2 >= count else {
        throw DHCPError(
          code: .truncated,
          "option \(code) at offset \(place) says \(count) bytes, but only \(bytes.endIndex - index - 2) are left"
        )
      }
      options.concatenate(code, bytes[index + 2..<index + 2 + count])
      index += 2 + count
    }
  }
}
