import BootTypes
import Foundation
import Glibc
import NetworkTypes
import ServerCore
import Synchronization
import TestSupport

/// A file that is served, with bytes that tell their place.
final class SampleFile: ServedFile, @unchecked Sendable {
  // Written before it is served, and closed at the end.
  let size: Int
  let descriptor: Int32
  private let isGood = Atomic<Bool>(true)

  init(size: Int) {
    var path = Array("/tmp/netimg-test-XXXXXX".utf8CString)
    descriptor = mkstemp(&path)
    unlink(path)
    self.size = size
    let bytes = Self.bytes(size)
    _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
  }

  deinit { close(descriptor) }

  static func bytes(_ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
  }

  func spoil() { isGood.store(false, ordering: .relaxed) }

  func isUnchanged() -> Bool { isGood.load(ordering: .relaxed) }
}

/// Answers from a file, some text, and a slow corner.
final class SampleResponder: HTTPResponder {
  let file: SampleFile
  private let deliveries = Mutex<[HTTPDelivery]>([])
  private let requests = Mutex<[HTTPRequest]>([])

  var delivered: [HTTPDelivery] { deliveries.withLock { $0 } }
  var asked: [HTTPRequest] { requests.withLock { $0 } }

  /// Bytes of an answer in memory that no socket's buffers hold.
  static let largeSize = 32 << 20

  init(_ file: SampleFile) { self.file = file }

  func respondAtOnce(to request: HTTPRequest) -> HTTPResponse? {
    requests.withLock { $0.append(request) }
    return request.path.first == "slow" ? nil : answer(request)
  }

  func respond(to request: HTTPRequest) -> HTTPResponse { answer(request) }

  let received = Mutex(Received())

  /// What became of bodies.
  struct Received: Sendable {
    var bodies: [[UInt8]] = []
    var abandoned: [Int] = []
  }

  func plan(for request: HTTPRequest) -> HTTPBodyPlan {
    switch request.path.first {
    case "take": .take(SampleReceiver(self, limit: .max))
    case "little": .take(SampleReceiver(self, limit: 1000))
    case "forbidden": .refuse(.text(403, "not you"))
    case "collect":
      .take(CollectedBody(limit: 1 << 20, budget: budget) { bytes in .text(200, "\(bytes.count) bytes") })
    default: .refuse(.readOnly)
    }
  }

  private let budget = HTTPBodyBudget(bytes: 1 << 20)

  private func answer(_ request: HTTPRequest) -> HTTPResponse {
    switch request.path.first {
    case "file":
      let range = ByteRange.parse(request.header("range"), size: file.size)
      guard case .part(let part) = range else {
        return HTTPResponse(contentType: "application/octet-stream", body: .file(file, 0..<file.size)) {
          delivery in
          self.deliveries.withLock { $0.append(delivery) }
        }
      }
      return HTTPResponse(status: 206, contentType: "application/octet-stream", body: .file(file, part))
    case "large":
      return HTTPResponse(
        contentType: "application/octet-stream", body: .bytes([UInt8](repeating: 7, count: Self.largeSize)))
    case "empty": return HTTPResponse(contentType: "text/plain", body: .file(file, 0..<0))
    default: return .text(200, "path \(request.path) peer \(request.peer)")
    }
  }
}

/// Keeps what it takes.
final class SampleReceiver: HTTPBodyReceiver {
  private let responder: SampleResponder
  private let limit: Int
  private let bytes = Mutex<[UInt8]>([])

  init(_ responder: SampleResponder, limit: Int) {
    self.responder = responder
    self.limit = limit
  }

  func receive(_ more: UnsafeRawBufferPointer) -> HTTPResponse? {
    let piece = Array(more)
    let count = bytes.withLock {
      $0 += piece
      return $0.count
    }
    return count > limit ? .text(413, "too much") : nil
  }

  func finish() async -> HTTPResponse {
    let bytes = bytes.withLock { $0 }
    responder.received.withLock { $0.bodies.append(bytes) }
    return .text(201, "\(bytes.count) bytes")
  }

  func abandon() {
    let count = bytes.withLock { $0.count }
    responder.received.withLock { $0.abandoned.append(count) }
  }
}

/// A running server on a port that the kernel chose.
func withServer(
  file: SampleFile = SampleFile(size: 100), perPeer: Int = 100, times: HTTPServer.Times = HTTPServer.Times(),
  certificate: HTTPServer.Certificate? = nil, limits: ConnectionLimits? = nil,
  _ body: (Int, SampleResponder, HTTPServer) async throws -> Void
) async throws {
  let responder = SampleResponder(file)
  let server = try await HTTPServer(
    listeners: [HTTPServer.Listener(host: "127.0.0.1", port: 0, isSecure: certificate != nil)],
    certificate: certificate, responder: responder,
    limits: limits ?? ConnectionLimits(total: 1000, perPeer: perPeer),
    metrics: HTTPMetrics(MetricsRegistry()), times: times, threads: 2)
  let running = Task { try await server.run() }
  do {
    try await body(server.addresses[0].port, responder, server)
  } catch {
    running.cancel()
    _ = try? await running.value
    throw error
  }
  running.cancel()
  try await running.value
}

/// A TCP connection for bytes as a test wants them.
final class RawConnection {
  let socket: Int32

  init(port: Int, host: String = "127.0.0.1") throws {
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr(host)
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else { throw RawConnectionError() }
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(socket) }

  func send(_ text: String) {
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
  }

  /// What comes until the server closes, or until the text ends so.
  func read(until end: String? = nil) -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = recv(socket, &buffer, buffer.count, 0)
      guard count > 0 else { break }
      bytes += buffer.prefix(count)
      if let end, bytes.suffix(end.utf8.count).elementsEqual(end.utf8) { break }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Reads at least so many bytes, or until the server closes; how many there were.
  func read(count wanted: Int) -> Int {
    var buffer = [UInt8](repeating: 0, count: 65536)
    var done = 0
    while done < wanted {
      let count = recv(socket, &buffer, buffer.count, 0)
      guard count > 0 else { break }
      done += count
    }
    return done
  }
}

struct RawConnectionError: Error {}
