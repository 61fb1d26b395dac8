import Glibc
import Synchronization

/// A small HTTP server on 127.0.0.1 that serves files from memory, and misbehaves on demand.
package final class LoopbackServer: Sendable {
  /// What to do with a request.
  package enum Reply: Sendable {
    /// The file as it is, from the first byte that the request's Range names.
    case file([UInt8])
    /// The whole file with status 200, whatever the request's Range says.
    case wholeFile([UInt8])
    /// Announces the file, then closes the connection after so many bytes.
    case truncated([UInt8], after: Int)
    /// Announces the file, sends so many bytes, then nothing more for a long time.
    case stalled([UInt8], after: Int)
    /// Bytes without an announced length, for as long as the client takes them, up to this many.
    case endless(limit: Int)
    case status(Int)
    case redirect(to: String)
  }

  /// What a client asked for.
  package struct Request: Sendable, Equatable {
    /// Percent-decoded.
    package let path: String
    /// As it stood in the request.
    package let rawPath: String
    /// The first byte that a Range names.
    package let rangeStart: Int?
  }

  /// Where it listens.
  package let port: UInt16
  private let listener: Int32
  private let state: Mutex<State>

  private struct State {
    var handler: @Sendable (Request) -> Reply
    package var requests: [Request] = []
    var isStopped = false
  }

  package struct Failure: Error {}

  /// Starts it; `handler` runs on a thread of the connection.
  package init(_ handler: @escaping @Sendable (Request) -> Reply) throws {
    state = Mutex(State(handler: handler))
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = listener
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && listen(descriptor, 64) == 0
          && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard isBound else { throw Failure() }
    port = UInt16(bigEndian: address.sin_port)
    Self.detach { [self] in accept() }
  }

  /// The server's address without a trailing slash.
  package var address: String { "http://127.0.0.1:\(port)" }
  /// What has been asked for so far.
  package var requests: [Request] { state.withLock { $0.requests } }

  /// Answers differently from now on.
  package func handle(_ handler: @escaping @Sendable (Request) -> Reply) {
    state.withLock { $0.handler = handler }
  }

  /// Takes no more connections.
  package func stop() {
    state.withLock { $0.isStopped = true }
    shutdown(listener, Int32(SHUT_RDWR))
  }

  private func accept() {
    while true {
      let connection = Glibc.accept(listener, nil, nil)
      if state.withLock({ $0.isStopped }) || connection < 0 {
        if connection >= 0 { close(connection) }
        break
      }
      Self.detach { [self] in
        serve(connection)
        close(connection)
      }
    }
    close(listener)
  }

  private func serve(_ connection: Int32) {
    var head: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while !String(decoding: head, as: UTF8.self).contains("\r\n\r\n") {
      let count = recv(connection, &buffer, buffer.count, 0)
      guard count > 0, head.count < 1 << 16 else { return }
      head += buffer[..<count]
    }
    let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
    guard let path = lines.first?.split(separator: " ").dropFirst().first else { return }
    let range = lines.first { $0.lowercased().hasPrefix("range: bytes=") }
    let start = range.flatMap { Int($0.drop { $0 != "=" }.dropFirst().prefix { $0.isNumber }) }
    let request = Request(path: Self.decoded(path), rawPath: String(path), rangeStart: start)
    let handler = state.withLock { state in
      state.requests.append(request)
      return state.handler
    }
    reply(handler(request), to: request, on: connection)
  }

  private func reply(_ reply: Reply, to request: Request, on connection: Int32) {
    switch reply {
    case .file(let bytes):
      guard let start = request.rangeStart else { return whole(bytes, connection) }
      guard start < bytes.count else { return header(416, 0, connection) }
      header(206, bytes.count - start, connection)
      send(bytes[start...], connection)
    case .wholeFile(let bytes): whole(bytes, connection)
    case .truncated(let bytes, let count):
      let start = request.rangeStart ?? 0
      header(start > 0 ? 206 : 200, bytes.count - start, connection)
      send(bytes[start..<min(bytes.count, start + count)], connection)
    case .stalled(let bytes, let count):
      header(200, bytes.count, connection)
      send(bytes[..<count], connection)
      // Until the client gives up and closes.
      var byte: UInt8 = 0
      _ = recv(connection, &byte, 1, 0)
    case .endless(let limit):
      header(200, nil, connection)
      let block = [UInt8](repeating: 0x20, count: 1 << 16)
      var sent = 0
      while sent < limit, send(block[...], connection) { sent += block.count }
    case .status(let status): header(status, 0, connection)
    case .redirect(let target): header(302, 0, connection, extra: "Location: \(target)\r\n")
    }
  }

  private func whole(_ bytes: [UInt8], _ connection: Int32) {
    header(200, bytes.count, connection)
    send(bytes[...], connection)
  }

  private func header(_ status: Int, _ length: Int?, _ connection: Int32, extra: String = "") {
    let lengthLine = length.map { "Content-Length: \($0)\r\n" } ?? ""
    let text = "HTTP/1.1 \(status) X\r\n\(lengthLine)\(extra)Connection: close\r\n\r\n"
    send(Array(text.utf8)[...], connection)
  }

  @discardableResult
  private func send(_ bytes: ArraySlice<UInt8>, _ connection: Int32) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes {
        Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  private static func decoded(_ path: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(path.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = String(decoding: rest.prefix(2), as: UTF8.self)
      if byte == UInt8(ascii: "%"), let value = UInt8(digits, radix: 16) {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private final class Work {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  private static func detach(_ body: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    let work = Unmanaged.passRetained(Work(body))
    pthread_create(
      &thread, nil,
      { context in
        if let context { Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body() }
        return nil
      }, work.toOpaque())
    pthread_detach(thread)
  }
}

/// A server for the time of a closure.
package func withServer<Result>(
  _ handler: @escaping @Sendable (LoopbackServer.Request) -> LoopbackServer.Reply,
  _ body: (LoopbackServer) async throws -> Result
) async throws -> Result {
  let server = try LoopbackServer(handler)
  defer { server.stop() }
  return try await body(server)
}
