@testable internal import DHCP
internal import NetworkTypes
@testable internal import TFTP

extension FuzzTarget {
  static let networkTargets = [
    FuzzTarget("dhcp4", maximumLength: 1500, seeds: { dhcp4 }) { bytes in
      let message = try DHCPv4Message(decoding: bytes)
      if message.options.entries.reduce(0, { $0 + $1.value.count }) < 900 {
        let again = try DHCPv4Message(decoding: message.encoded(limit: 4096))
        // Names that were longer than their fields can hold with a zero are cut.
        require(again.kind == message.kind && again.transaction == message.transaction, "a message survives")
      }
      for mode in [DHCPConfiguration.Mode.proxy, .full] {
        var server = DHCPv4Server(
          DHCPConfiguration(mode: mode, subnets: [subnet]), decider: Everybody(), interfaces: [interface],
          now: moment)
        for port in [67, 4011] as [UInt16] {
          let datagram = IncomingDatagram(
            payload: bytes, source: Endpoint(IPv4Address(value: 0xc000_0270), port: 68),
            destination: .v4(.broadcast), port: port, interface: 2)
          for action in server.receive(datagram, now: moment) {
            guard case .send(let reply) = action else { continue }
            require(reply.payload.count <= 1472, "an answer fits an Ethernet frame")
            require((try? DHCPv4Message(decoding: reply.payload)) != nil, "an answer is a message")
          }
        }
      }
    },
    FuzzTarget("dhcp6", maximumLength: 1500, seeds: { dhcp6 }) { bytes in
      let packet = try DHCPv6Packet(decoding: bytes)
      let again = try DHCPv6Packet(decoding: packet.encoded(isReply: false))
      require(again == packet, "a packet survives")
      var server = DHCPv6Server(
        DHCPConfiguration(mode: .full, subnets6: [subnet6]), identifier: [0, 3, 0, 1, 2, 0, 0, 0, 0, 1],
        decider: Everybody(), interfaces: [interface], now: moment)
      for port in [547, 4011] as [UInt16] {
        let datagram = IncomingDatagram(
          payload: bytes, source: Endpoint(.v6(IPv6Address(high: 0xfe80 << 48, low: 9)), port: 546, scope: 2),
          destination: .v6(.allDHCPAgents), port: port, interface: 2)
        for action in server.receive(datagram, now: moment) {
          guard case .send(let reply) = action else { continue }
          require((try? DHCPv6Packet(decoding: reply.payload)) != nil, "an answer is a message")
        }
      }
    },
    FuzzTarget("tftp", maximumLength: 1200, seeds: { tftp }) { bytes in
      var server = TFTPServer(files: Zeros(), interfaces: [interface])
      var actions: [TFTPAction] = []
      // The input is a client's packets, each with its length before it; the first opens the session.
      var rest = bytes[...]
      var session: TFTPSessionID?
      var now = moment
      while rest.count >= 2 {
        let count = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
        let packet = Array(rest.dropFirst(2).prefix(count))
        rest = rest.dropFirst(2 + packet.count)
        if let decoded = try? TFTPPacket(decoding: packet), decoded.encoded.count <= packet.count {
          _ = try TFTPPacket(decoding: decoded.encoded)
        }
        if let session {
          packet.withUnsafeBytes { server.receive($0, session: session, now: now, actions: &actions) }
        } else {
          server.receive(
            IncomingDatagram(
              payload: packet, source: Endpoint(IPv4Address(value: 0xc000_0270), port: 2070),
              destination: .v4(IPv4Address(value: 0xc000_0201)), port: 69, interface: 2), now: now,
            actions: &actions)
        }
        for action in actions {
          switch action {
          case .open(let id, _, _, _): session = id
          case .data(let id, let first, let count):
            guard let size = server.transfer(id)?.blockSize else { continue }
            var buffer = [UInt8](repeating: 0, count: size * count)
            _ = try buffer.withUnsafeMutableBytes {
              try server.read(id, first: first, count: count, into: $0)
            }
          case .packet, .reply, .close, .event: break
          }
        }
        actions = []
        now = now.advanced(seconds: 0.3)
        server.run(now: now, actions: &actions)
      }
    },
  ]

  private static let moment = Moment(monotonic: 1_000_000_000_000, wall: 1_700_000_000)
  private static let interface = NetworkInterface(
    index: 2, name: "eth0", ipv4: [.init(IPv4Address(value: 0xc000_0201), prefixLength: 24)],
    ipv6: [.init(IPv6Address(high: 0x2001_0db8 << 32, low: 1), prefixLength: 64)])
  private static var subnet: DHCPv4Subnet {
    DHCPv4Subnet(
      network: IPv4Network("192.0.2.0/24")!,
      pools: [IPv4Address(value: 0xc000_0264)...IPv4Address(value: 0xc000_0270)])
  }
  private static let subnet6 = DHCPv6Subnet(
    prefix: IPv6Address(high: 0x2001_0db8 << 32, low: 0),
    pool: IPv6Address(high: 0x2001_0db8 << 32, low: 0x100)...IPv6Address(high: 0x2001_0db8 << 32, low: 0x1ff))

  private struct Everybody: BootDecider {
    func decide(_ request: NetbootRequest) -> BootDecision {
      request.client == .pxe ? .boot(.tftp(name: "boot.efi")) : .boot(.url("http://192.0.2.1/boot"))
    }
  }

  private struct Zeros: VirtualFiles, VirtualFile {
    let size = 10_000
    func open(_ name: String, for peer: Endpoint, at local: IPAddress) -> VirtualFileAnswer { .file(self) }
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) {}
  }

  private static var dhcp4: [String: [UInt8]] {
    let mac: [UInt8] = [0x52, 0x54, 0, 0x12, 0x34, 0x56]
    var pxe = DHCPv4Message(kind: .discover, hardwareAddress: mac, transaction: 1)
    pxe.options[60] = Array("PXEClient:Arch:00007:UNDI:003000".utf8)
    pxe.options[93] = [0, 7]
    pxe.options[97] = [0] + [UInt8](1...16)
    var ipxe = pxe
    ipxe.kind = .request
    ipxe.options[77] = Array("iPXE".utf8)
    ipxe.options[175] = [19, 1, 1, 36, 1, 1]
    ipxe.options.set(50, [IPv4Address(value: 0xc000_0264)])
    ipxe.options.set(54, [IPv4Address(value: 0xc000_0201)])
    var relayed = pxe
    relayed.relayAddress = IPv4Address(value: 0xc000_0205)
    relayed.options[82] = [1, 2, 0, 7, 5, 4, 192, 0, 2, 0]
    var long = pxe
    long.options[43] = [UInt8](repeating: 7, count: 400)
    return [
      "pxe": pxe.encoded(), "ipxe": ipxe.encoded(), "relayed": relayed.encoded(),
      "overloaded": long.encoded(),
    ]
  }

  private static var dhcp6: [String: [UInt8]] {
    let duid: [UInt8] = [0, 3, 0, 1, 0x52, 0x54, 0, 0x12, 0x34, 0x56]
    let solicit = DHCPv6Message(
      .solicit, transaction: 1,
      options: DHCPv6Options([
        .init(1, duid), .init(3, DHCPv6Association(identifier: 7).encoded), .init(61, [0, 7]),
        .init(16, [0, 0, 1, 0x57, 0, 9] + Array("PXEClient".utf8)), .init(15, [0, 4] + Array("iPXE".utf8)),
      ]))
    let relayed = DHCPv6Packet(
      solicit, envelopes: [.init(hops: 0, link: IPv6Address(high: 0x2001_0db8 << 32, low: 1), peer: .any)])
    return ["solicit": solicit.encoded, "relayed": relayed.encoded(isReply: false)]
  }

  private static var tftp: [String: [UInt8]] {
    func packets(_ packets: [TFTPPacket]) -> [UInt8] {
      packets.flatMap { packet in
        let bytes = packet.encoded
        return [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xff)] + bytes
      }
    }
    let options = [TFTPOption("tsize", "0"), TFTPOption("blksize", "1468"), TFTPOption("windowsize", "4")]
    let plain = TFTPPacket.read(TFTPRequest(name: "f"))
    return [
      "plain": packets([plain] + (1...20).map { .acknowledge(block: $0) }),
      "window": packets(
        [.read(TFTPRequest(name: "f", options: options))] + [0, 4, 6, 7].map { .acknowledge(block: $0) }),
      "probe": packets([.read(TFTPRequest(name: "f", options: options)), .error(code: 8, message: "stop")]),
      "text": packets([.read(TFTPRequest(name: "f", mode: "netascii")), .acknowledge(block: 1)]),
      "write": packets([.write(TFTPRequest(name: "f"))]),
    ]
  }
}
