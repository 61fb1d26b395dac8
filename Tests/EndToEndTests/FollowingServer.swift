import Foundation
import TestSupport

/// A `netimg serve` that follows a repository, on a port of loopback, without DHCP and TFTP.
final class FollowingServer {
  let state: String
  let config: String
  let port: Int
  private let process: Background

  /// - Parameters:
  ///   - repository: The repository's directory or address, and its root to trust.
  ///   - fleet: The fleet's manifest; `nil` for none.
  ///   - settings: Further lines: of `repository:` if there is one.
  ///   - arguments: Further arguments.
  ///   - prefix: A program that runs the server, such as faketime.
  init(
    _ directory: String, repository: (from: String, root: String)? = nil, fleet: String? = nil,
    settings: String = "", http: String = #"{listen: ["127.0.0.1:0"]}"#, arguments: [String] = [],
    prefix: [String] = []
  ) async throws {
    let followed = repository.map {
      "repository:\n  from: \($0.from)\n  root: \($0.root)\n  interval: 1s"
    }
    state = "\(directory)/state"
    config = "\(directory)/server.yaml"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    try Data(
      """
      apiVersion: netimg/v1
      kind: Server
      state: state
      \(fleet == nil ? "" : "fleet: fleet.yaml")
      http: \(http)
      tftp: {enabled: false}
      dhcp: {mode: off}
      \(followed ?? "")
      \(settings)
      """.utf8
    ).write(to: URL(fileURLWithPath: config))
    if let fleet { try Data(fleet.utf8).write(to: URL(fileURLWithPath: "\(directory)/fleet.yaml")) }
    let log = "\(directory)/server-\(UInt32.random(in: 0 ... .max)).log"
    process = try Background(prefix + [Bench.program, "serve", "--config", config] + arguments, output: log)
    var found: Int?
    while found == nil, process.isRunning {
      try await Task.sleep(for: .milliseconds(10))
      let text = process.text
      guard text.contains(" ready ") else { continue }
      found = text.firstMatch(of: #/serving https?://[^ ]*:(\d+)//#).flatMap { Int($0.output.1) }
    }
    guard let found else { throw BenchError("the server does not start: \(process.text)") }
    port = found
  }

  var log: String { process.text }
  var identifier: pid_t { process.identifier }

  func get(_ path: String) throws -> String {
    try run(["curl", "-sS", "--max-time", "60", "http://127.0.0.1:\(port)/\(path)"]).text
  }

  /// Waits until a page says something; the suite's time limit ends it.
  func wait(for text: String, at path: String) async throws {
    while try !get(path).contains(text) {
      guard process.isRunning else { throw BenchError("the server ended: \(log)") }
      try await Task.sleep(for: .milliseconds(50))
    }
  }

  func explain() throws -> String {
    try Bench.netimg(["explain", "boot", "edge-1", "--config", config]).text
  }

  /// Ends it and gives its status. A program that runs it, such as faketime, does not pass signals on.
  @discardableResult
  func stop(_ signal: Int32 = SIGTERM) -> Int32 {
    let identifier = process.identifier
    let list = try? String(contentsOfFile: "/proc/\(identifier)/task/\(identifier)/children", encoding: .utf8)
    let child = list?.split(separator: " ").first.flatMap { pid_t($0) }
    kill(child ?? identifier, signal)
    return process.wait()
  }
}

// A failed expectation shows the values in it, and would never come to an end with a process of Foundation's.
extension FollowingServer: CustomReflectable {
  var customMirror: Swift.Mirror { Swift.Mirror(self, children: ["config": config, "port": port]) }
}
