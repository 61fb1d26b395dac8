import NetworkTypes
import TestSupport
import Testing

@testable import DHCP

@Suite struct DHCPv4CodecTests {
  /// A DHCPDISCOVER by hand: the fixed part, then options.
  static func packet(_ options: [UInt8], file: [UInt8] = [], name: [UInt8] = []) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 236)
    bytes[0] = 1  // op
    bytes[1] = 1  // htype
    bytes[2] = 6  // hlen
    bytes.replaceSubrange(4..<8, with: [0xde, 0xad, 0xbe, 0xef])  // xid
    bytes.replaceSubrange(28..<34, with: [0x52, 0x54, 0, 0x12, 0x34, 0x56])  // chaddr
    bytes.replaceSubrange(44..<44 + name.count, with: name)
    bytes.replaceSubrange(108..<108 + file.count, with: file)
    return bytes + [0x63, 0x82, 0x53, 0x63] + options
  }

  private static func changed(_ change: (inout [UInt8]) -> Void) -> [UInt8] {
    var bytes = discover
    change(&bytes)
    return bytes
  }

  static let discover = packet([53, 1, 1, 60, 9] + Array("PXEClient".utf8) + [93, 2, 0, 7, 255])

  @Test func aMessageIsReadAndWritten() throws {
    let message = try DHCPv4Message(decoding: Self.discover)
    #expect(message.kind == .discover)
    #expect(message.transaction == 0xdead_beef)
    #expect(message.mac == Lab.mac)
    #expect(message.options.text(60) == "PXEClient")
    #expect(message.options.entries.map(\.code) == [60, 93])
    // The same options, padded to what BOOTP relays expect.
    #expect(message.encoded() == Self.discover + [UInt8](repeating: 0, count: 300 - Self.discover.count))
  }

  @Test func everyPrefixThrowsThatEndsInsideOfAnything() throws {
    // Behind a whole option the message may end: some ROMs leave option 255 out.
    let whole = [243: [], 254: [60], 258: [60, 93]] as [Int: [UInt8]]
    for count in Self.discover.indices {
      let prefix = Array(Self.discover[..<count])
      if let codes = whole[count] {
        #expect(try DHCPv4Message(decoding: prefix).options.entries.map(\.code) == codes)
      } else {
        #expect(throws: DHCPError.self) { try DHCPv4Message(decoding: prefix) }
      }
    }
  }

  @Test func aMessageThatFillsItsPacketNeedsNoEnd() throws {
    let padded = Self.packet([53, 1, 1, 60, 1, 65] + [UInt8](repeating: 0, count: 300))
    #expect(try DHCPv4Message(decoding: padded).options.text(60) == "A")
  }

  @Test(arguments: [
    "ipxe-bios-full", "ipxe-efi-address-only", "ovmf-pxe4-full", "ovmf-http4-full",
  ])
  func capturedMessagesSurvive(name: String) throws {
    var count = 0
    for datagram in try readCapture(checkoutFile("pxe/captures/\(name).pcap")) {
      guard datagram.source.count == 4, [67, 68].contains(datagram.destinationPort) else { continue }
      let message = try DHCPv4Message(decoding: datagram.payload)
      #expect(try DHCPv4Message(decoding: message.encoded(limit: 1472)) == message)
      count += 1
    }
    #expect(count >= 4)
  }

  @Test(
    arguments: [
      ("BOOTP without a cookie", changed { $0[236] = 0 }, DHCPError.Code.notDHCP),
      ("BOOTP without a type", packet([60, 1, 65, 255]), .notDHCP),
      ("op 3", changed { $0[0] = 3 }, .invalid),
      ("hlen 17 would reach into sname", changed { $0[2] = 17 }, .invalid),
      ("message type 0", changed { $0[242] = 0 }, .invalid),
      ("message type 9", changed { $0[242] = 9 }, .invalid),
      ("a message type of two bytes", packet([53, 2, 1, 1, 255]), .invalid),
      ("an option longer than the packet", packet([53, 1, 1, 60, 200, 65, 255]), .truncated),
      ("a code without a length", packet([53, 1, 1, 60]), .truncated),
      ("overload 0", packet([53, 1, 1, 52, 1, 0, 255]), .invalid),
      ("overload 4", packet([53, 1, 1, 52, 1, 4, 255]), .invalid),
      ("overload of two bytes", packet([53, 1, 1, 52, 2, 1, 1, 255]), .invalid),
      // file holds options: one at its offset 0 that says 127 bytes and has 126.
      ("an option that leaves file", packet([53, 1, 1, 52, 1, 1, 255], file: [60, 127]), .truncated),
      ("an option that leaves sname", packet([53, 1, 1, 52, 1, 2, 255], name: [60, 63]), .truncated),
      ("more than UDP holds", packet([53, 1, 1] + [UInt8](repeating: 0, count: 66_000) + [255]), .tooLarge),
    ] as [(String, [UInt8], DHCPError.Code)])
  func hostileMessagesThrow(what: String, bytes: [UInt8], code: DHCPError.Code) {
    let error = #expect(throws: DHCPError.self, "\(what)") { try DHCPv4Message(decoding: bytes) }
    #expect(error?.code == code, "\(what)")
  }

  // RFC 3396, section 7: parts in the options field, then in file, then in sname.
  @Test func partsOfAnOptionAreJoined() throws {
    let bytes = Self.packet(
      [53, 1, 1, 52, 1, 3, 67, 2, 97, 98, 67, 1, 99, 255], file: [67, 2, 100, 101, 255],
      name: [67, 1, 102, 255])
    let message = try DHCPv4Message(decoding: bytes)
    #expect(message.options.text(67) == "abcdef")
    #expect(message.bootFile.isEmpty)
    #expect(message.serverName.isEmpty)
    #expect(message.options[52] == nil)
  }

  @Test func anOverloadInsideOfAFieldSaysNothing() throws {
    let message = try DHCPv4Message(
      decoding: Self.packet([53, 1, 1, 52, 1, 1, 255], file: [52, 1, 2, 255], name: [67, 1, 65, 255]))
    #expect(message.options[67] == nil)
    #expect(message.serverName == [67, 1, 65, 255])
  }

  @Test func longOptionsAreCutAndOverflowUsesTheFields() throws {
    var message = DHCPv4Message(isReply: true, kind: .ack, hardwareAddress: Lab.mac.bytes, transaction: 7)
    // With its parts' headers, as much as 548 bytes hold beside the kind, the overload, option 82 and the end.
    let long = (0..<289).map { UInt8(truncatingIfNeeded: $0) }
    message.options[43] = long
    message.options[15] = Array("example.org".utf8)
    message.options[82] = [1, 4, 1, 2, 3, 4]
    message.options[12] = Array("a-host-name".utf8)
    let bytes = message.encoded()
    #expect(bytes.count <= DHCPv4Message.safeSize)
    let decoded = try DHCPv4Message(decoding: bytes)
    for code in [43, 15, 82, 12] as [UInt8] { #expect(decoded.options[code] == message.options[code]) }
    // Option 82 is the last one in the options field.
    let end = try #require(bytes.lastIndex(of: 255))
    #expect(Array(bytes[end - 8..<end]) == [82, 6, 1, 4, 1, 2, 3, 4])
  }

  @Test func whatHasNoRoomIsLeftOut() throws {
    var message = DHCPv4Message(
      isReply: true, kind: .ack, hardwareAddress: Lab.mac.bytes, transaction: 7,
      serverName: Array("server".utf8), bootFile: Array("file".utf8))
    message.options[1] = [255, 255, 255, 0]
    message.options[43] = [UInt8](repeating: 1, count: 600)
    message.options[51] = [0, 0, 14, 16]
    let bytes = message.encoded()
    #expect(bytes.count <= DHCPv4Message.safeSize)
    let decoded = try DHCPv4Message(decoding: bytes)
    #expect(decoded.options.entries.map(\.code) == [1, 51])
    #expect(decoded.bootFileName == "file")
  }

  @Test func theClientsRoomIsKept() {
    var message = DHCPv4Message(kind: .discover, hardwareAddress: Lab.mac.bytes, transaction: 1)
    #expect(message.acceptedSize == 548)
    for (value, size) in [([0, 0], 548), ([2, 64], 548), ([5, 192], 1444), ([255, 0], 1472), ([1], 548)] {
      message.options[57] = value.map { UInt8($0) }
      #expect(message.acceptedSize == size)
    }
  }

  @Test func clientsAreRecognised() throws {
    func request(_ name: String) throws -> NetbootRequest? {
      try Lab.requests(name).filter { $0.port == 67 }.compactMap {
        try NetbootRequest(
          DHCPv4Message(decoding: $0.payload), stage: .discover, trustsRelay: true, interface: "br0",
          server: Lab.server)
      }.first
    }
    let bios = try #require(try request("ipxe-bios-full"))
    #expect(bios.client == .ipxe)
    #expect(bios.architecture == .bios)
    #expect(bios.ipxeFeatures.isSuperset(of: [.http, .tftp, .bzImage]))
    #expect(!bios.ipxeFeatures.contains(.https))
    #expect(bios.uuid?.description == "11223344-5566-7788-99aa-bbccddeeff00")
    let efi = try #require(try request("ipxe-efi-address-only"))
    #expect(efi.client == .ipxe)
    #expect(efi.architecture == .uefiX64)
    #expect(efi.ipxeFeatures.contains(.efi))
    let pxe = try #require(try request("ovmf-pxe4-full"))
    #expect(pxe.client == .pxe)
    #expect(pxe.architecture == .uefiX64)
    #expect(pxe.vendorClass == "PXEClient:Arch:00007:UNDI:003001")
    #expect(pxe.hardwareAddress == Lab.mac)
    #expect(pxe.uuid == bios.uuid)
    let http = try #require(try request("ovmf-http4-full"))
    #expect(http.client == .http)
    #expect(http.architecture == .httpX64)
    #expect(http.architecture.machine == .x64)
  }

  @Test func oddClientsAreRecognisedToo() throws {
    func classify(_ options: [(UInt8, [UInt8])], mac: [UInt8] = Lab.mac.bytes) -> NetbootRequest? {
      var message = DHCPv4Message(kind: .discover, hardwareAddress: mac, transaction: 1)
      for (code, value) in options { message.options[code] = value }
      return NetbootRequest(
        message, stage: .discover, trustsRelay: true, interface: "br0", server: Lab.server)
    }
    #expect(classify([]) == nil)
    #expect(classify([(60, Array("MSFT 5.0".utf8))]) == nil)
    let plain = (UInt8(60), Array("PXEClient".utf8))
    // Some ROMs leave option 97 out, or send a blank one, or say the architecture in option 60 only.
    #expect(classify([plain])?.architecture == .bios)
    #expect(classify([plain, (97, [UInt8](repeating: 0, count: 17))])?.uuid == nil)
    #expect(classify([plain, (97, [0, 1, 2])])?.uuid == nil)
    #expect(classify([(60, Array("PXEClient:Arch:00011:UNDI:003000".utf8))])?.architecture == .uefiARM64)
    #expect(classify([plain, (93, [0])])?.architecture == .bios)
    #expect(classify([plain, (93, [0, 9, 0, 7])])?.architecture == .uefiByteCode)
    #expect(classify([plain, (93, [0x12, 0x34])])?.architecture.machine == .other)
    // RFC 3004's form of the user class, and the bare text.
    #expect(classify([plain, (77, [4] + Array("iPXE".utf8))])?.client == .ipxe)
    #expect(classify([plain, (77, Array("iPXE".utf8))])?.client == .ipxe)
    #expect(classify([plain, (77, Array("iPXE\u{301}".utf8))])?.client == .pxe)
    #expect(classify([plain, (77, [200])])?.client == .pxe)
    // EDK2 may send the GUID as a hardware address of 16 bytes.
    #expect(classify([plain], mac: [UInt8](repeating: 7, count: 16))?.hardwareAddress == nil)
  }
}
