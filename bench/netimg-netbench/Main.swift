internal import DHCP
internal import Glibc
internal import NetworkTypes
internal import PacketIO
internal import TFTP

/// Serves TFTP or DHCP from the command line, and loads TFTP servers: what bench/netboot measures with. Not shipped.
@main
enum Main {
  static let usage = """
    netimg-netbench tftp PORT DIRECTORY [single-port] [no-segments]
    netimg-netbench dhcp NETWORK/LENGTH FIRST LAST LEASE-FILE
    netimg-netbench boot proxy|full DIRECTORY HTTP-URL [NETWORK/LENGTH FIRST LAST]
    netimg-netbench storm SERVER RELAY DEVICES SECONDS [LIMIT [leases]]
    netimg-netbench flood SERVER RELAY DISCOVERIES
    netimg-netbench tftp-flood SERVER NETWORK/LENGTH FILE REQUESTS
    netimg-netbench load ADDRESS PORT FILE SIZE SESSIONS BLOCK-SIZE WINDOW-SIZE

    """

  static func main() {
    let words = Array(CommandLine.arguments.dropFirst())
    do {
      switch words.first {
      case "tftp" where words.count >= 3: try serveTFTP(words)
      case "dhcp" where words.count == 5: try serveDHCP(words)
      case "boot" where words.count == 4 || words.count == 7: try serveBoot(words)
      case "storm" where (5...7).contains(words.count): try storm(words)
      case "flood" where words.count == 4: try flood(words)
      case "tftp-flood" where words.count == 5: try floodTFTP(words)
      case "load" where words.count == 8: try load(words)
      default:
        complain(usage)
        exit(64)
      }
    } catch {
      complain("netimg-netbench: \(error)\n")
      exit(1)
    }
  }

  /// Writes to standard error.
  private static func complain(_ text: String) {
    _ = text.withCString { write(2, $0, strlen($0)) }
  }

  private static func number<Number: FixedWidthInteger>(_ text: String) -> Number {
    guard let number = Number(text) else {
      complain("netimg-netbench: \(text) is not a number\n")
      exit(64)
    }
    return number
  }

  private static func serveTFTP(_ words: [String]) throws {
    let loop = try EventLoop()
    let configuration = TFTPConfiguration(
      isSinglePort: words.contains("single-port"), maximumTransfersPerClient: 4096)
    let isLoud = words.contains("verbose")
    let service = try TFTPService(
      configuration, files: Directory(path: words[2]), on: loop, number: number(words[1]),
      segments: !words.contains("no-segments")
    ) { events, _ in
      for event in events where isLoud { say(event) }
    }
    try loop.start()
    say("ready on port \(service.number)")
    while true { pause() }
  }

  private static func serveDHCP(_ words: [String]) throws {
    guard let network = IPv4Network(words[1]), let first = IPv4Address(words[2]),
      let last = IPv4Address(words[3]),
      first <= last
    else {
      complain(usage)
      exit(64)
    }
    let loop = try EventLoop()
    let subnet = DHCPv4Subnet(network: network, pools: [first...last])
    let service = try DHCPv4Service.start(
      DHCPConfiguration(mode: .full, subnets: [subnet]), decider: Nobody(), store: LeaseFile(words[4]),
      on: loop
    ) { _, _ in }
    try loop.start()
    say("ready")
    withExtendedLifetime(service) { while true { pause() } }
  }

  /// Boots whoever asks: iPXE's own programs for PXE, a URL for HTTP and iPXE. Prints every event.
  private static func serveBoot(_ words: [String]) throws {
    let loop = try EventLoop()
    var configuration = DHCPConfiguration(mode: words[1] == "full" ? .full : .proxy)
    if words.count == 7, let network = IPv4Network(words[4]), let first = IPv4Address(words[5]),
      let last = IPv4Address(words[6]), first <= last
    {
      configuration.subnets = [DHCPv4Subnet(network: network, pools: [first...last])]
    }
    let decider = Anything(url: words[3])
    let dhcp = try DHCPv4Service.start(
      configuration, decider: decider, store: LeaseFile(words[2] + "/leases"), on: loop
    ) { events, _ in
      for event in events { say(event) }
    }
    let dhcp6 = try DHCPv6Service.start(
      configuration, decider: decider, store: LeaseFile(words[2] + "/leases"), on: loop
    ) { events, _ in
      for event in events { say(event) }
    }
    let tftp = try TFTPService(TFTPConfiguration(), files: Directory(path: words[2]), on: loop) { events, _ in
      for event in events { say(event) }
    }
    let watcher = try InterfaceWatcher(loop: loop, known: []) { interfaces in
      dhcp.update(interfaces: interfaces)
      dhcp6.update(interfaces: interfaces)
      tftp.update(interfaces: interfaces)
      say("interfaces: \(interfaces.map(\.name))")
    }
    try loop.start()
    say("ready")
    withExtendedLifetime(watcher) { while true { pause() } }
  }

  private static func storm(_ words: [String]) throws {
    guard let server = IPv4Address(words[1]), let relay = IPv4Address(words[2]),
      let seconds = Double(words[4])
    else {
      complain(usage)
      exit(64)
    }
    var plan = Storm.Plan(server: server, relay: relay, count: number(words[3]), seconds: seconds)
    if words.count > 5, let limit = Double(words[5]) { plan.limit = limit }
    plan.printsLeases = words.count > 6
    var limit = rlimit(rlim_cur: 65_536, rlim_max: 65_536)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    var storm = try Storm(plan)
    exit(storm.run() ? 0 : 1)
  }

  /// Discoveries of PXE firmware from random hardware addresses, through a relay agent, as fast as they go.
  private static func flood(_ words: [String]) throws {
    guard let server = IPv4Address(words[1]), let relay = IPv4Address(words[2]) else {
      complain(usage)
      exit(64)
    }
    let port = try UDPPort(.v4, number: 0)
    var left: Int = number(words[3])
    while left > 0 {
      let batch = (0..<min(left, 64)).map { _ in
        var device = StormDevice(
          index: 0, start: 0, mac: MACAddress(value: .random(in: 0...UInt64.max) & ~(1 << 40)))
        device.begin(.discover)
        return OutgoingDatagram(
          payload: device.message(relay: relay).encoded(),
          destination: .endpoint(Endpoint(server, port: DHCPv4Server.serverPort)), port: port.number,
          source: .v4(relay), interface: 0)
      }
      _ = port.send(batch)
      left -= batch.count
    }
  }

  /// Requests for a file from addresses of a network, which this host has to have, that take no answer.
  private static func floodTFTP(_ words: [String]) throws {
    guard let server = IPv4Address(words[1]), let network = IPv4Network(words[2]) else {
      complain(usage)
      exit(64)
    }
    let port = try UDPPort(.v4, number: 0)
    let request = TFTPPacket.read(TFTPRequest(name: words[3])).encoded
    let count: Int = number(words[4])
    let size = network.broadcast.value - network.address.value + 1
    for start in stride(from: 0, to: count, by: 64) {
      _ = port.send(
        (start..<min(start + 64, count)).map { index in
          OutgoingDatagram(
            payload: request, destination: .endpoint(Endpoint(server, port: TFTPServer.port)),
            port: port.number,
            source: .v4(IPv4Address(value: network.address.value + UInt32(index) % size)), interface: 0)
        })
    }
  }

  private static func load(_ words: [String]) throws {
    guard let address = IPAddress(words[1]) else {
      complain(usage)
      exit(64)
    }
    var load = try Load(
      server: Endpoint(address, port: number(words[2])), name: words[3], size: number(words[4]),
      sessions: number(words[5]), blockSize: number(words[6]), windowSize: number(words[7]))
    try load.run()
  }
}

/// Nobody netboots.
struct Nobody: BootDecider {
  func decide(_ request: NetbootRequest) -> BootDecision { .ignore(reason: "a benchmark") }
}

/// Everybody boots: firmware gets iPXE, HTTP firmware and iPXE get a URL.
struct Anything: BootDecider {
  let url: String

  func decide(_ request: NetbootRequest) -> BootDecision {
    switch (request.client, request.architecture.machine) {
    case (.http, _): .boot(.url(url + "/boot.efi"))
    case (.ipxe, _): .boot(.url(url + "/boot.ipxe"))
    case (.pxe, .bios): .boot(.tftp(name: "undionly.kpxe"))
    case (.pxe, _): .boot(.tftp(name: "snponly.efi"))
    }
  }
}

/// The files of one directory, by their names.
struct Directory: VirtualFiles {
  let path: String

  func open(_ name: String, for peer: Endpoint, at local: IPAddress) -> VirtualFileAnswer {
    guard !name.contains("/"), let file = try? DiskFile(path + "/" + name) else { return .unknown }
    return .file(file)
  }
}

/// Leases appended to a file and synchronised to disk, a batch at a time: the least that a store can do.
struct LeaseFile: LeaseStore {
  private let file: Int32

  init(_ path: String) throws {
    file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw PacketIOError(code: .system, "\(path) cannot be opened") }
  }

  func loadLeases() -> [Lease] { [] }

  func commitLeases(_ changes: [LeaseChange]) throws {
    var text = ""
    for change in changes {
      switch change {
      case .put(let lease): text += "put \(lease.address) \(lease.client) \(lease.expires)\n"
      case .remove(let address): text += "remove \(address)\n"
      }
    }
    let bytes = Array(text.utf8)
    guard write(file, bytes, bytes.count) == bytes.count, fdatasync(file) == 0 else {
      throw PacketIOError(code: .system, "leases cannot be written: errno \(errno)")
    }
  }
}

/// One line to standard output, at once.
func say(_ what: Any) {
  _ = "\(what)\n".withCString { write(1, $0, strlen($0)) }
}
