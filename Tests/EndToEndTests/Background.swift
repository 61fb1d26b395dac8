import Foundation
import Synchronization
import TestSupport

/// A program that runs beside the test until it ends or is stopped.
final class Background: Sendable {
  let identifier: pid_t
  /// The file that has what it writes to standard output and error.
  let output: String
  private let status = Mutex<Int32?>(nil)

  init(_ arguments: [String], output: String, directory: String = Bench.repository) throws {
    self.output = output
    let file = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer {
      close(file)
      close(nothing)
    }
    guard file >= 0, nothing >= 0 else { throw BenchError("no \(output)") }
    identifier = try spawn(arguments, input: nothing, output: file, errors: file, directory: directory)
  }

  var isRunning: Bool { ended(WNOHANG) == nil }
  var text: String {
    String(decoding: (try? Data(contentsOf: URL(fileURLWithPath: output))) ?? Data(), as: UTF8.self)
  }

  /// The exit status, or 128 plus the signal's number.
  func wait() -> Int32 { ended(0) ?? -1 }

  private func ended(_ options: Int32) -> Int32? {
    status.withLock { status in
      if status == nil {
        var word: Int32 = 0
        var result = waitpid(identifier, &word, options)
        while result < 0, errno == EINTR { result = waitpid(identifier, &word, options) }
        if result == identifier { status = exitStatus(word) }
      }
      return status
    }
  }

  /// Looks again and again until something is so. It keeps its thread meanwhile: tests that wait for emulators would
  /// not give it back for minutes.
  /// - Throws: ``BenchError`` with all that the process said, if it ends before, or after five minutes.
  func wait(for what: String, until isSo: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(300)
    while true {
      // Asked first: what it did before its end counts.
      let isOver = !isRunning || ContinuousClock.now > deadline
      if try isSo() { return }
      guard !isOver else { throw BenchError("in vain for \(what); the process said: \(text)") }
      usleep(20_000)
    }
  }

  deinit {
    guard isRunning else { return }
    kill(identifier, SIGKILL)
    _ = wait()
  }
}

/// A mirror of the packages of the sample's lock, on this machine.
final class Mirror: Sendable {
  let flags: [String]
  private let server: Background

  init(at directory: String) async throws {
    struct Lock: Decodable {
      struct Package: Decodable {
        let archive: String
        let path: String
        let sha256: String
      }
      let packages: [Package]
    }
    _ = try await Bench.release()
    let lock = try JSONDecoder().decode(
      Lock.self,
      from: Data(
        contentsOf: URL(fileURLWithPath: "\(Bench.scratch)/checkout-shared/manifests/minimal.lock.json")))
    let manager = FileManager.default
    for package in lock.packages {
      let place = "\(directory)/\(package.archive)/\(package.path)"
      try manager.createDirectory(
        atPath: URL(fileURLWithPath: place).deletingLastPathComponent().path,
        withIntermediateDirectories: true)
      let blob = "\(Bench.store)/blobs/sha256/\(package.sha256.prefix(2))/\(package.sha256.dropFirst(2))"
      try manager.createSymbolicLink(atPath: place, withDestinationPath: blob)
    }
    let script = """
      import http.server, functools
      handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=".")
      server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
      print("port", server.server_address[1], flush=True)
      server.serve_forever()
      """
    server = try Background(
      ["python3", "-c", script], output: "\(directory)/server.log", directory: directory)
    var port: Substring?
    while port == nil, server.isRunning {
      try await Task.sleep(for: .milliseconds(20))
      // A half-written line has no end yet.
      port = server.text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().first?.dropFirst(
        5)
    }
    guard let port else { throw BenchError("the mirror does not start: \(server.text)") }
    flags = Set(lock.packages.map(\.archive)).sorted().flatMap {
      ["--mirror", "\($0)=http://127.0.0.1:\(port)/\($0)"]
    }
  }
}
