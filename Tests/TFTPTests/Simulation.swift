import NetworkTypes

@testable import TFTP

/// A file in memory, the same bytes for the same size.
struct MemoryFile: VirtualFile {
  let bytes: [UInt8]
  var size: Int { bytes.count }

  init(size: Int) {
    bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
  }

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) {
    bytes.withUnsafeBytes {
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + buffer.count]))
    }
  }
}

/// A file whose disk fails behind some offset.
struct BrokenFile: VirtualFile {
  struct Failure: Error, CustomStringConvertible { let description = "the digest is wrong at offset 1000" }
  let size = 10_000

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws {
    if offset + buffer.count > 1000 { throw Failure() }
  }
}

struct Files: VirtualFiles {
  var files: [String: any VirtualFile] = [:]

  func open(_ name: String, for peer: Endpoint, at local: IPAddress) -> VirtualFileAnswer {
    if name == "secret" { return .refused(reason: "the device is in no group") }
    return files[name].map { .file($0) } ?? .unknown
  }
}

/// A deterministic stream of numbers (SplitMix64).
struct Randomness: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
    return value ^ value >> 31
  }

  mutating func happens(_ probability: Double) -> Bool {
    Double(next() >> 11) / Double(1 << 53) < probability
  }
}

/// The server machine, one client after RFC 7440, and a network between them that loses, delays and repeats packets.
/// Time is the simulation's own.
struct Simulation {
  struct Network {
    var loss = 0.0
    var duplication = 0.0
    var reordering = 0.0
    /// One way, in nanoseconds.
    var latency: UInt64 = 200_000
  }

  var server: TFTPServer
  var network: Network
  var random: Randomness
  let client = Endpoint(IPv4Address(value: 0xc000_0264), port: 2070)
  let address = IPv4Address(value: 0xc000_0201)
  /// What the client has.
  var received: [UInt8] = []
  var events: [TFTPEvent] = []
  /// Data bytes that the server put on the wire.
  var sent = 0
  var packets = 0
  var isDone = false
  private(set) var now: UInt64 = 1_000_000_000_000
  private var queue = Heap<Scheduled>()
  private var order = 0
  private var session: TFTPSessionID?
  private var request: [UInt8]
  private var expected: UInt64 = 1
  private var inWindow = 0
  private var window = 1
  private var blockSize = 512
  private var last: [UInt8]
  private var generation = 0
  private var hasGap = false
  /// When the last packet of each direction arrives: only what is reordered overtakes.
  private var arrivals: [UInt64] = [0, 0]
  /// Whether the client answers every packet that is out of order, as a simple one does.
  var answersEverything = false

  /// Something that is to happen: a packet to the client (0), one to the server (1), the client's timer (2).
  private struct Scheduled: Comparable, Sendable {
    let time: UInt64
    let order: Int
    let kind: UInt8
    let bytes: [UInt8]
    let generation: Int
    static func < (left: Self, right: Self) -> Bool { (left.time, left.order) < (right.time, right.order) }
    static func == (left: Self, right: Self) -> Bool { left.order == right.order }
  }

  init(
    _ files: Files, name: String, options: [TFTPOption], network: Network = Network(), seed: UInt64 = 1,
    configuration: TFTPConfiguration = TFTPConfiguration()
  ) {
    let interface = NetworkInterface(
      index: 2, name: "eth0", mtu: 1500, ipv4: [.init(IPv4Address(value: 0xc000_0201), prefixLength: 24)])
    server = TFTPServer(configuration, files: files, interfaces: [interface])
    self.network = network
    random = Randomness(state: seed)
    request = TFTPPacket.read(TFTPRequest(name: name, options: options)).encoded
    last = request
  }

  private var moment: Moment { Moment(monotonic: now, wall: 1_700_000_000) }

  private mutating func schedule(_ kind: UInt8, _ bytes: [UInt8], after delay: UInt64, generation: Int = 0) {
    order += 1
    queue.insert(Scheduled(time: now + delay, order: order, kind: kind, bytes: bytes, generation: generation))
  }

  /// Puts a packet on the wire: to the client (0) or to the server (1).
  mutating func transmit(_ kind: UInt8, _ bytes: [UInt8]) {
    for _ in 0..<(random.happens(network.duplication) ? 2 : 1) {
      if random.happens(network.loss) { continue }
      let delay = network.latency + UInt64(random.next() % 20_000)
      if random.happens(network.reordering) {
        schedule(kind, bytes, after: delay + UInt64(random.next() % 2_000_000))
      } else {
        arrivals[Int(kind)] = max(arrivals[Int(kind)], now + delay)
        schedule(kind, bytes, after: arrivals[Int(kind)] - now)
      }
    }
  }

  private mutating func carryOut(_ actions: [TFTPAction]) throws {
    var actions = actions
    while !actions.isEmpty {
      let action = actions.removeFirst()
      switch action {
      case .open(let id, _, _, _): session = id
      case .packet(_, let bytes):
        packets += 1
        transmit(0, bytes)
      case .reply(let datagram): transmit(0, datagram.payload)
      case .data(let id, let first, let count):
        var more: [TFTPAction] = []
        let size = server.transfer(id)?.blockSize ?? 512
        var buffer = [UInt8](repeating: 0, count: size * count)
        do {
          let blocks = try buffer.withUnsafeMutableBytes {
            try server.read(id, first: first, count: count, into: $0)
          }
          guard let blocks else { break }
          for index in 0..<count {
            let number = blocks.firstNumber &+ UInt16(truncatingIfNeeded: index)
            let start = min(index * size, blocks.byteCount)
            let end = min(start + size, blocks.byteCount)
            packets += 1
            sent += end - start
            transmit(0, TFTPPacket.data(block: number, Array(buffer[start..<end])).encoded)
          }
        } catch {
          server.fail(id, reason: "\(error)", now: moment, actions: &more)
        }
        actions = more + actions
      case .close(let id): if session == id { session = nil }
      case .event(let event): events.append(event)
      }
    }
  }

  /// Runs until nothing is under way, at most that many seconds of the simulation's time.
  mutating func run(seconds: Double = 300, startsClient: Bool = true) throws {
    let end = now + UInt64(seconds * 1e9)
    if startsClient { sendFromClient(request) }
    while true {
      let nextTimer = server.nextDeadline ?? .max
      let nextPacket = queue.first?.time ?? .max
      let next = min(nextTimer, nextPacket)
      guard next < end else {
        now = end
        return
      }
      now = max(now, next)
      if nextPacket <= nextTimer, let scheduled = queue.first {
        queue.removeFirst()
        switch scheduled.kind {
        case 0: clientTakes(scheduled.bytes)
        case 1: try serverTakes(scheduled.bytes)
        default: if scheduled.generation == generation, !isDone { sendFromClient(last) }
        }
      } else {
        var actions: [TFTPAction] = []
        server.run(now: moment, actions: &actions)
        try carryOut(actions)
      }
    }
  }

  mutating func serverTakes(_ bytes: [UInt8]) throws {
    var actions: [TFTPAction] = []
    if bytes.count > 1, bytes[1] == 1 {
      server.receive(
        IncomingDatagram(payload: bytes, source: client, destination: .v4(address), port: 69, interface: 2),
        now: moment, actions: &actions)
    } else if let session {
      bytes.withUnsafeBytes { server.receive($0, session: session, now: moment, actions: &actions) }
    }
    try carryOut(actions)
  }

  mutating func sendFromClient(_ bytes: [UInt8]) {
    last = bytes
    inWindow = 0
    generation += 1
    schedule(2, [], after: 1_000_000_000, generation: generation)
    transmit(1, bytes)
  }

  private mutating func acknowledge() {
    let block = UInt16(truncatingIfNeeded: expected - 1)
    sendFromClient(TFTPPacket.acknowledge(block: block).encoded)
  }

  private mutating func clientTakes(_ bytes: [UInt8]) {
    guard !isDone || answersEverything else { return }
    switch try? TFTPPacket(decoding: bytes) {
    case .optionAcknowledge(let options):
      for option in options {
        if option.name == "blksize" { blockSize = Int(option.value) ?? 512 }
        if option.name == "windowsize" { window = Int(option.value) ?? 1 }
      }
      if expected == 1 { acknowledge() }
    case .data(let block, let data):
      guard block == UInt16(truncatingIfNeeded: expected), !isDone else {
        if !hasGap || answersEverything {
          hasGap = true
          acknowledge()
        }
        return
      }
      hasGap = false
      expected += 1
      inWindow += 1
      received += data
      if data.count < blockSize {
        isDone = true
        acknowledge()
      } else if inWindow >= window {
        acknowledge()
      }
    default: break
    }
  }
}
