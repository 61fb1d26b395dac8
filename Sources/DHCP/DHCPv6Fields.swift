internal import Bytes
package import NetworkTypes

/// IA_NA (RFC 8415, section 21.4): a client's wish for addresses, or what it has.
package struct DHCPv6Association: Hashable, Sendable {
  /// The client's number for it: one interface of it.
  package var identifier: UInt32
  package var renew: UInt32
  package var rebind: UInt32
  package var options: DHCPv6Options

  package init(
    identifier: UInt32, renew: UInt32 = 0, rebind: UInt32 = 0, options: DHCPv6Options = DHCPv6Options()
  ) {
    self.identifier = identifier
    self.renew = renew
    self.rebind = rebind
    self.options = options
  }

  package init(decoding bytes: [UInt8]) throws(DHCPError) {
    var reader = ByteReader(bytes)
    (identifier, renew, rebind) = try reading { () throws(ByteReadError) in
      (
        try reader.bigEndian(UInt32.self, "an IA_NA's IAID"),
        try reader.bigEndian(UInt32.self, "an IA_NA's T1"),
        try reader.bigEndian(UInt32.self, "an IA_NA's T2")
      )
    }
    options = try DHCPv6Options(decoding: bytes[12...])
  }

  package var encoded: [UInt8] {
    var writer = ByteWriter()
    for number in [identifier, renew, rebind] { writer.bigEndian(number) }
    writer.append(options.encoded)
    return writer.bytes
  }

  /// The addresses that are named in it; those that are not valid are left out.
  package var addresses: [IPv6Address] {
    options.all(DHCPv6Option.address).compactMap { $0.count >= 24 ? IPv6Address($0[..<16]) : nil }
  }

  /// Adds an address (IAADDR) with the same valid and preferred lifetime.
  package mutating func add(_ address: IPv6Address, seconds: UInt32) {
    var writer = ByteWriter()
    writer.append(address.bytes)
    writer.bigEndian(seconds)
    writer.bigEndian(seconds)
    options.append(DHCPv6Option.address, writer.bytes)
  }
}

/// Small fields of DHCPv6.
enum DHCPv6Field {
  /// Option 13: a code and a sentence.
  static func status(_ code: UInt16, _ text: String) -> [UInt8] {
    [UInt8(code >> 8), UInt8(code & 0xff)] + Array(text.utf8)
  }

  /// The MAC address in a DUID-LLT or DUID-LL of Ethernet (RFC 8415, section 11).
  static func mac(duid: [UInt8]) -> MACAddress? {
    guard duid.count >= 4, duid[0] == 0, duid[2] == 0, duid[3] == 1 else { return nil }
    switch (duid[1], duid.count) {
    case (1, 14): return MACAddress(duid[8...])
    case (3, 10): return MACAddress(duid[4...])
    default: return nil
    }
  }

  /// The UUID in a DUID-UUID (RFC 6355). iPXE puts it there in the standard's order, UEFI firmware as SMBIOS has it.
  static func uuid(duid: [UInt8], of client: NetbootRequest.Client) -> MachineUUID? {
    guard duid.count == 18, duid[0] == 0, duid[1] == 4 else { return nil }
    let uuid = client == .ipxe ? MachineUUID(standard: duid[2...]) : MachineUUID(wire: duid[2...])
    return uuid.flatMap { $0.isBlank ? nil : $0 }
  }

  /// The MAC address in an interface identifier made of it (RFC 4291, appendix A).
  static func mac(linkLocal address: IPv6Address) -> MACAddress? {
    guard address.isLinkLocal, address.low >> 24 & 0xffff == 0xfffe else { return nil }
    let high = (address.low >> 40) ^ 0x02_0000
    return MACAddress(value: high << 24 | address.low & 0xff_ffff)
  }

  /// The strings of option 15 (each with its length before it), or the rest of option 16.
  static func strings(_ bytes: ArraySlice<UInt8>) -> [String] {
    var result: [String] = []
    var rest = bytes
    while rest.count >= 2 {
      let count = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
      rest = rest.dropFirst(2)
      guard count <= rest.count else { break }
      result.append(textUpToZero(rest.prefix(count)))
      rest = rest.dropFirst(count)
    }
    return result
  }

  /// Intel's enterprise number, which PXE and HTTP firmware puts before its class.
  static let intel: [UInt8] = [0, 0, 0x01, 0x57]

  /// Option 16 with one string.
  static func vendorClass(_ text: String) -> [UInt8] {
    intel + [UInt8(text.utf8.count >> 8), UInt8(text.utf8.count & 0xff)] + Array(text.utf8)
  }
}

extension NetbootRequest {
  /// Who sent that message, or `nil` if it is no client that netboots.
  package init?(
    _ packet: DHCPv6Packet, stage: Stage, source: IPv6Address, interface: String, server: IPv6Address
  ) {
    let options = packet.message.options
    let vendorClass =
      options[DHCPv6Option.vendorClass].flatMap { DHCPv6Field.strings($0.dropFirst(4)).first } ?? ""
    // Counted strings by the standard; some iPXE send the bare text.
    let userClass =
      options[DHCPv6Option.userClass].map { DHCPv6Field.strings($0[...]).first ?? textUpToZero($0) } ?? ""
    let client: Client
    if userClass == "iPXE" || options[DHCPv6Option.userClass].map({ textUpToZero($0) }) == "iPXE" {
      client = .ipxe
    } else if vendorClass.hasBytePrefix("PXEClient") {
      client = .pxe
    } else if vendorClass.hasBytePrefix("HTTPClient") {
      client = .http
    } else {
      return nil
    }
    let duid = options[DHCPv6Option.clientIdentifier] ?? []
    // The relay agent next to the client saw its address.
    let clientAddress = packet.envelopes.last?.peer ?? source
    var mac = DHCPv6Field.mac(duid: duid) ?? DHCPv6Field.mac(linkLocal: clientAddress)
    if let option = packet.envelopes.last?.options[DHCPv6Option.linkLayerAddress], option.count == 8 {
      mac = MACAddress(option[2...])
    }
    let relay = packet.envelopes.last.map { envelope in
      Relay(
        address: .v6(envelope.link), circuit: envelope.options[DHCPv6Option.interfaceIdentifier] ?? [],
        remote: envelope.options[DHCPv6Option.remoteIdentifier] ?? [])
    }
    self.init(
      client: client, stage: stage,
      architecture: Self.architecture(options[DHCPv6Option.architecture], vendorClass: vendorClass),
      hardwareAddress: mac, uuid: DHCPv6Field.uuid(duid: duid, of: client),
      vendorClass: String(vendorClass.prefix(128)),
      userClass: String(userClass.prefix(128)), relay: relay, interface: interface, server: .v6(server))
  }
}
