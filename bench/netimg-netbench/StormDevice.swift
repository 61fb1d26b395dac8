internal import CPacketShim
internal import DHCP
internal import Glibc
internal import NetworkTypes
internal import PacketIO

/// One device of a ``Storm``.
struct StormDevice {
  enum Step {
    case off, discover, request, load, fetch, pause, done
  }

  let index: Int
  let mac: MACAddress
  /// When it is switched on, and when it has its script; nanoseconds.
  var start: UInt64
  var finished: UInt64?
  /// When it does something by itself.
  var deadline: UInt64 = 0
  private(set) var step = Step.off
  /// What went wrong last.
  var trouble = "no answer"
  var isIPXE = false
  var attempts = 0
  var repeats = (dhcp: 0, tftp: 0, http: 0)

  var offer: DHCPv4Message?
  var address = IPv4Address.any
  var file = ""

  var socket: Int32 = -1
  var peer = Endpoint(IPv4Address.any, port: 0)
  var last: [UInt8] = []
  var block: UInt16 = 0
  var received = 0
  var size: Int?
  var body: [UInt8] = []

  init(index: Int, start: UInt64, mac: MACAddress? = nil) {
    self.index = index
    self.start = start
    self.mac = mac ?? MACAddress(value: 0x5254_0000_0000 + UInt64(index))
  }

  /// The device's place and the program that asks.
  var transaction: UInt32 { UInt32(index) << 1 | (isIPXE ? 1 : 0) }

  mutating func begin(_ step: Step) {
    self.step = step
    attempts = 0
  }

  mutating func closeSocket() {
    if socket >= 0 { close(socket) }
    socket = -1
  }

  /// A second, then twice as long each time, up to four.
  mutating func waitForReply(_ now: UInt64) {
    deadline = now + UInt64(1 << min(attempts, 2)) * 1_000_000_000
    attempts += 1
  }

  /// DHCPDISCOVER or DHCPREQUEST as its relay agent passes it on.
  func message(relay: IPv4Address) -> DHCPv4Message {
    var message = DHCPv4Message(
      kind: step == .request ? .request : .discover, hardwareAddress: mac.bytes, hops: 1,
      transaction: transaction,
      relayAddress: relay)
    if step == .request, let offer {
      message.options.set(DHCPv4Option.requestedAddress, [offer.yourAddress])
      message.options[DHCPv4Option.serverIdentifier] = offer.options[DHCPv4Option.serverIdentifier]
    }
    message.options[DHCPv4Option.maximumSize] = [0x05, 0xc0]
    message.options[DHCPv4Option.vendorClass] = Array("PXEClient:Arch:00000:UNDI:002001".utf8)
    message.options[DHCPv4Option.architecture] = [0, 0]
    message.options[DHCPv4Option.networkInterface] = [1, 2, 1]
    message.options[DHCPv4Option.machineIdentifier] = [0] + [UInt8](repeating: 0x11, count: 10) + mac.bytes
    message.options[DHCPv4Option.parameterRequest] = [1, 3, 6, 12, 15, 43, 54, 60, 66, 67]
    if isIPXE { message.options[DHCPv4Option.userClass] = Array("iPXE".utf8) }
    return message
  }

  /// The URL's host, port and path.
  private var target: (host: String, port: UInt16, path: String)? {
    guard file.hasPrefix("http://") else { return nil }
    let rest = file.utf8.dropFirst(7)
    let host = rest.prefix { $0 != UInt8(ascii: "/") }
    let path = rest.dropFirst(host.count).prefix { $0 != UInt8(ascii: "?") }
    let parts = String(decoding: host, as: UTF8.self).split(separator: ":")
    guard let name = parts.first else { return nil }
    return (
      String(name), parts.count > 1 ? UInt16(parts[1]) ?? 80 : 80, String(decoding: path, as: UTF8.self)
    )
  }

  var httpRequest: [UInt8] {
    guard let target else { return [] }
    return Array(
      """
      GET \(target.path)?serial=S\(index) HTTP/1.1\r\nConnection: close\r\nUser-Agent: iPXE/1.21.1\r\nHost: \(target.host):\(target.port)\r\n\r\n
      """.utf8)
  }

  /// Whether the answer is a script that loads a kernel.
  var hasScript: Bool {
    let text = String(decoding: body, as: UTF8.self)
    return text.hasPrefix("HTTP/1.1 200 ") && text.contains("#!ipxe") && text.contains("\nkernel http://")
  }

  /// Begins to connect from its own address.
  mutating func openStream(to server: IPv4Address) -> Int32? {
    guard let target else { return nil }
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    socket = Glibc.socket(AF_INET, kind, 0)
    guard socket >= 0 else { return nil }
    func call(_ address: IPv4Address, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32)
      -> Int32
    {
      var name = sockaddr_in()
      name.sin_family = sa_family_t(AF_INET)
      name.sin_port = port.bigEndian
      name.sin_addr.s_addr = address.value.bigEndian
      return withUnsafePointer(to: &name) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
    }
    let file = socket
    guard call(address, 0, { bind(file, $0, $1) }) == 0 else { return nil }
    let code = call(server, target.port) { Glibc.connect(file, $0, $1) }
    return code == 0 || errno == EINPROGRESS ? file : nil
  }
}
