import Foundation
import TestSupport

/// A `netimg serve` that the test stops; without DHCP and TFTP, on a port of loopback, unless told otherwise.
final class Server: Sendable {
  let port: Int
  private let process: Background

  /// Starts it and waits until it says that it is ready.
  /// - Parameter prefix: A command that runs it, such as one that enters a network namespace.
  init(
    state: String, arguments: [String] = ["--dhcp", "off", "--no-tftp", "--listen", "127.0.0.1:0"],
    prefix: [String] = []
  ) throws {
    let process = try Background(
      prefix + [Bench.program, "serve", "--state", state] + arguments, output: "\(state).log")
    try process.wait(for: "a server that is ready") { process.text.contains(" ready ") }
    let found = process.text.firstMatch(of: #/serving http://[^ ]*:(\d+)\//#)
    guard let port = found.flatMap({ Int($0.output.1) }) else {
      throw BenchError("the server says no port: \(process.text)")
    }
    self.port = port
    self.process = process
  }

  /// What a server that cannot start says. One that starts all the same is ended.
  static func refused(_ arguments: [String], prefix: [String] = []) throws -> SubprocessResult {
    try run(["timeout", "300"] + prefix + [Bench.program, "serve"] + arguments)
  }

  var log: String { process.text }

  var identifier: pid_t { process.identifier }

  /// Its status, when it ends by itself.
  func wait() -> Int32 { process.wait() }

  func signal(_ number: Int32) { kill(process.identifier, number) }

  /// Ends it and gives its status.
  @discardableResult
  func stop(_ number: Int32 = SIGTERM) -> Int32 {
    if process.isRunning { signal(number) }
    return process.wait()
  }

  func get(_ path: String, _ arguments: [String] = []) throws -> SubprocessResult {
    try run(["curl", "-sS", "--max-time", "60"] + arguments + ["http://127.0.0.1:\(port)/\(path)"])
  }

  /// Waits until something is so, as long as it runs.
  func wait(for what: String, until isSo: () throws -> Bool) throws {
    try process.wait(for: what, until: isSo)
  }

  /// Waits until a page says something.
  func wait(for text: String, at path: String) throws {
    try wait(for: "\(text) at \(path)") { try get(path).text.contains(text) }
  }

  /// Waits until the log says something.
  func wait(forLog text: String) throws {
    try wait(for: "\(text) in the log") { log.contains(text) }
  }
}

/// A scratch directory with a library that holds the sample release, and its digest.
func withServedLibrary(_ name: String, _ body: (String, String, Release) async throws -> Void) async throws {
  let release = try await Bench.release()
  let directory = "\(Bench.scratch)/serve-\(name)"
  try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  let published = try Bench.netimg([
    "publish", release.path, "--to", "\(directory)/state/library", "--unsigned",
  ])
  guard published.status == 0 else { throw BenchError(published.errorText) }
  let digest = try run(["sha256sum", "\(release.path)/release.json"]).text.prefix(64)
  try await body(directory, String(digest), release)
  try FileManager.default.removeItem(atPath: directory)
}

/// A client that has begun to fetch a file, and takes hardly any of it until it is told to: half a megabyte every twenty
/// seconds, so that the server does not give it up.
final class HeldTransfer {
  private let client: Background
  private let gate: String

  /// Comes back when the answer's first line is there.
  /// - Parameters:
  ///   - port: Another port than that of plain HTTP.
  ///   - authority: A PEM file with whom to trust, for HTTPS.
  init(
    _ path: String, from server: Server, to file: String, port: Int? = nil, authority: String? = nil
  ) throws {
    gate = "\(file).gate"
    let script = """
      import os, socket, ssl, sys, time
      port, path, file, gate, authority = sys.argv[1:]
      peer = socket.socket()
      # The kernel is not to take the file for it.
      peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
      peer.connect(("127.0.0.1", int(port)))
      if authority:
          peer = ssl.create_default_context(cafile=authority).wrap_socket(peer, server_hostname="localhost")
      peer.sendall(f"GET /{path} HTTP/1.1\\r\\nHost: test\\r\\nConnection: close\\r\\n\\r\\n".encode())
      data = b""
      while b"\\r\\n\\r\\n" not in data:
          data += peer.recv(1)
      print(data.split(b"\\r\\n")[0].decode(), flush=True)
      length = int(dict(line.lower().split(b": ") for line in data.split(b"\\r\\n")[1:] if line)[b"content-length"])
      body = b""
      parent, taken = os.getppid(), time.monotonic()
      while not os.path.exists(gate) and os.getppid() == parent:
          time.sleep(0.05)
          if time.monotonic() > taken + 20:
              goal, taken = len(body) + (1 << 19), time.monotonic()
              while len(body) < min(goal, length):
                  body += peer.recv(1 << 16) or sys.exit("cut off while it was held")
      while chunk := peer.recv(1 << 16):
          body += chunk
      open(file, "wb").write(body)
      sys.exit(None if len(body) == length else f"{len(body)} of {length} bytes came")
      """
    let client = try Background(
      ["python3", "-c", script, "\(port ?? server.port)", path, file, gate, authority ?? ""],
      output: "\(file).client")
    try client.wait(for: "the beginning of an answer") { client.text.contains("200 OK") }
    self.client = client
  }

  var isRunning: Bool { client.isRunning }

  /// Lets it take the rest, and waits for that.
  func finish() throws {
    try Data().write(to: URL(fileURLWithPath: gate))
    let status = client.wait()
    guard status == 0 else { throw BenchError("the transfer ended with \(status): \(client.text)") }
  }
}
