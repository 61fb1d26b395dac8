internal import Bytes
package import NetworkTypes

/// Option numbers of DHCPv6 (IANA's registry; RFC 8415 unless another is named).
package enum DHCPv6Option {
  package static let clientIdentifier: UInt16 = 1
  package static let serverIdentifier: UInt16 = 2
  /// IA_NA: addresses that are not temporary.
  package static let addresses: UInt16 = 3
  package static let address: UInt16 = 5
  package static let optionRequest: UInt16 = 6
  package static let preference: UInt16 = 7
  package static let elapsedTime: UInt16 = 8
  package static let relayMessage: UInt16 = 9
  package static let status: UInt16 = 13
  package static let rapidCommit: UInt16 = 14
  package static let userClass: UInt16 = 15
  package static let vendorClass: UInt16 = 16
  package static let interfaceIdentifier: UInt16 = 18
  /// RFC 3646.
  package static let nameServers: UInt16 = 23
  /// RFC 4649.
  package static let remoteIdentifier: UInt16 = 37
  /// RFC 5970.
  package static let bootFileURL: UInt16 = 59
  package static let bootFileParameters: UInt16 = 60
  package static let architecture: UInt16 = 61
  package static let networkInterface: UInt16 = 62
  /// RFC 6939.
  package static let linkLayerAddress: UInt16 = 79
}

/// Status codes of option 13.
package enum DHCPv6Status {
  package static let success: UInt16 = 0
  package static let noAddresses: UInt16 = 2
  package static let noBinding: UInt16 = 3
  package static let notOnLink: UInt16 = 4
  package static let useMulticast: UInt16 = 5
}

/// The options of a message or of an option that holds options: a code may be there more than once.
package struct DHCPv6Options: Hashable, Sendable {
  package struct Entry: Hashable, Sendable {
    package let code: UInt16
    package let value: [UInt8]

    package init(_ code: UInt16, _ value: [UInt8]) {
      self.code = code
      self.value = value
    }
  }

  package private(set) var entries: [Entry] = []

  package init(_ entries: [Entry] = []) {
    self.entries = entries
  }

  /// The value of the first option of that code.
  package subscript(code: UInt16) -> [UInt8]? {
    entries.first { $0.code == code }?.value
  }

  /// The values of all options of that code.
  package func all(_ code: UInt16) -> [[UInt8]] {
    entries.filter { $0.code == code }.map(\.value)
  }

  package mutating func append(_ code: UInt16, _ value: [UInt8]) {
    entries.append(Entry(code, value))
  }

  /// Decodes code, length and value until the bytes end.
  package init(decoding bytes: some Sequence<UInt8>) throws(DHCPError) {
    var reader = ByteReader(Array(bytes))
    while reader.remaining > 0 {
      let place = reader.offset
      let entry = try reading { () throws(ByteReadError) in
        let code = try reader.bigEndian(UInt16.self, "an option's code")
        let count = try reader.bigEndian(UInt16.self, "the length of option \(code) at offset \(place)")
        return Entry(code, Array(try reader.read(Int(count), "option \(code) at offset \(place)")))
      }
      entries.append(entry)
    }
  }

  /// The bytes; values longer than 65535 bytes are left out.
  package var encoded: [UInt8] {
    var writer = ByteWriter()
    for entry in entries {
      guard let count = UInt16(exactly: entry.value.count) else { continue }
      writer.bigEndian(entry.code)
      writer.bigEndian(count)
      writer.append(entry.value)
    }
    return writer.bytes
  }
}

/// One DHCPv6 message between a client and a server (RFC 8415, section 8).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------+-----------------------------------------------+
///     |    msg-type   |               transaction-id                  |
///     +---------------+-----------------------------------------------+
///     |                     options (variable)                        |
///     +---------------------------------------------------------------+
package struct DHCPv6Message: Hashable, Sendable {
  package enum Kind: UInt8, Hashable, Sendable {
    case solicit = 1
    case advertise
    case request
    case confirm
    case renew
    case rebind
    case reply
    case release
    case decline
    case reconfigure
    case informationRequest
  }

  package var kind: Kind
  /// 24 bits.
  package var transaction: UInt32
  package var options: DHCPv6Options

  package init(_ kind: Kind, transaction: UInt32, options: DHCPv6Options = DHCPv6Options()) {
    self.kind = kind
    self.transaction = transaction & 0xff_ffff
    self.options = options
  }

  package init(decoding bytes: [UInt8]) throws(DHCPError) {
    guard bytes.count >= 4 else {
      throw DHCPError(code: .truncated, "a DHCPv6 message has at least 4 bytes, this has \(bytes.count)")
    }
    guard let kind = Kind(rawValue: bytes[0]) else {
      throw DHCPError(code: .invalid, "no DHCPv6 message between client and server has type \(bytes[0])")
    }
    self.init(
      kind, transaction: bytes[1..<4].reduce(0) { $0 << 8 | UInt32($1) },
      options: try DHCPv6Options(decoding: bytes[4...]))
  }

  package var encoded: [UInt8] {
    [kind.rawValue, UInt8(transaction >> 16), UInt8(transaction >> 8 & 0xff), UInt8(transaction & 0xff)]
      + options.encoded
  }
}

/// A client's message and the relay agents that it came through (RFC 8415, section 9).
///
///     +---------------+---------------+
///     | 12 or 13      |   hop-count   |
///     +---------------+---------------+-------------------------------+
///     |            link-address (16)          peer-address (16)       |
///     +---------------------------------------------------------------+
///     |           options, of which option 9 is the message           |
///     +---------------------------------------------------------------+
package struct DHCPv6Packet: Hashable, Sendable {
  /// One relay agent's envelope.
  package struct Envelope: Hashable, Sendable {
    package var hops: UInt8
    package var link: IPv6Address
    package var peer: IPv6Address
    /// What the relay agent added, without the message.
    package var options: DHCPv6Options

    package init(hops: UInt8, link: IPv6Address, peer: IPv6Address, options: DHCPv6Options = DHCPv6Options())
    {
      self.hops = hops
      self.link = link
      self.peer = peer
      self.options = options
    }
  }

  /// The relay agents, that next to the server first.
  package var envelopes: [Envelope]
  package var message: DHCPv6Message

  package init(_ message: DHCPv6Message, envelopes: [Envelope] = []) {
    self.message = message
    self.envelopes = envelopes
  }

  /// RFC 8415, section 7.6: HOP_COUNT_LIMIT.
  static let maximumDepth = 8

  /// Decodes one UDP payload: a client's or server's message, or a Relay-forward or Relay-reply.
  package init(decoding bytes: [UInt8]) throws(DHCPError) {
    guard bytes.count <= 65_535 else {
      throw DHCPError(code: .tooLarge, "a DHCPv6 message has at most 65535 bytes, this has \(bytes.count)")
    }
    var rest = bytes
    envelopes = []
    while rest.first == 12 || rest.first == 13 {
      guard envelopes.count < Self.maximumDepth else {
        throw DHCPError(
          code: .tooLarge, "the message came through more than \(Self.maximumDepth) relay agents")
      }
      guard rest.count >= 34, let link = IPv6Address(rest[2..<18]), let peer = IPv6Address(rest[18..<34])
      else {
        throw DHCPError(code: .truncated, "a relay agent's header has 34 bytes, this has \(rest.count)")
      }
      let options = try DHCPv6Options(decoding: rest[34...])
      guard let inner = options[DHCPv6Option.relayMessage] else {
        throw DHCPError(code: .invalid, "a relay agent's message lacks option 9, the client's message")
      }
      envelopes.append(
        Envelope(
          hops: rest[1], link: link, peer: peer,
          options: DHCPv6Options(options.entries.filter { $0.code != DHCPv6Option.relayMessage })))
      rest = inner
    }
    message = try DHCPv6Message(decoding: rest)
  }

  /// The packet, in Relay-reply envelopes if `isReply`, else in Relay-forward ones.
  package func encoded(isReply: Bool) -> [UInt8] {
    var bytes = message.encoded
    for envelope in envelopes.reversed() {
      var options = envelope.options
      options.append(DHCPv6Option.relayMessage, bytes)
      bytes =
        [isReply ? 13 : 12, envelope.hops] + envelope.link.bytes + envelope.peer.bytes + options.encoded
    }
    return bytes
  }
}
