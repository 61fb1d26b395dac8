import Foundation
import TestSupport

/// A program that runs beside the test until it ends or is stopped.
final class Background: @unchecked Sendable {
  // Set up before the first use and only waited for afterwards.
  private let process = Process()
  let output: String

  init(_ arguments: [String], output: String, directory: String = Bench.repository) throws {
    self.output = output
    guard FileManager.default.createFile(atPath: output, contents: nil) else {
      throw BenchError("no \(output)")
    }
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: directory)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = file
    process.standardError = file
    try process.run()
  }

  var identifier: pid_t { process.processIdentifier }
  var isRunning: Bool { process.isRunning }
  var text: String {
    String(decoding: (try? Data(contentsOf: URL(fileURLWithPath: output))) ?? Data(), as: UTF8.self)
  }

  /// The exit status, or 128 plus the signal's number.
  func wait() -> Int32 {
    process.waitUntilExit()
    return process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
  }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
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
