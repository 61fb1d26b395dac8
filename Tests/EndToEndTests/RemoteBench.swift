import Foundation
import TestSupport
import Testing

/// A repository with nothing in it, kept by a server, and people on machines of their own: each has one key, a copy of the
/// first root, and no way to the repository but the server's API.
final class RemoteBench {
  static let manifest = """
    kind: Repository
    people: {ada: ada, bob: bob, eve: eve, ci: ci, lab: lab, server: server}
    roles:
      root: {signers: [ada, bob, eve], threshold: 2, count: people}
      targets: {signers: [ada, bob]}
      releases: {signers: [ci]}
      snapshot: {signers: [server], days: 30}
      timestamp: {signers: [server], days: 10}
    channels:
      dev: {signers: [ci]}
      staging: {signers: [ada, bob], after: dev, builtBy: ci, attestations: {lab: lab}}
      prod: {signers: [ada, bob, eve], threshold: 2, after: staging}

    """

  let place: String
  let release: ChannelBench.Prepared
  private(set) var server: FollowingServer
  private let settings: String

  var repository: String { "\(place)/repository" }
  private var isSecure = false
  var url: String { "\(isSecure ? "https" : "http")://127.0.0.1:\(server.port)" }

  /// - Parameters:
  ///   - uploads: The server's settings of uploads.
  init(_ name: String, uploads: String = "reserve: 0", keepsOnlineKey: Bool = true) async throws {
    release = try await ChannelBench.prepared.value
    place = "\(Bench.scratch)/remote-\(name)"
    let all = "\(ChannelBench.place)/keys"
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    try Data(Self.manifest.utf8).write(to: URL(fileURLWithPath: "\(place)/repository.yaml"))
    for machine in ["ada", "bob", "eve", "ci", "lab", "nobody"] {
      try FileManager.default.createDirectory(
        atPath: "\(place)/\(machine)/keys", withIntermediateDirectories: true)
      guard machine != "nobody" else { continue }
      for ending in ["key", "pub"] {
        try FileManager.default.copyItem(
          atPath: "\(all)/\(machine).\(ending)", toPath: "\(place)/\(machine)/keys/\(machine).\(ending)")
      }
    }
    let steps: [[String]] =
      [["repo", "init", "repository.yaml", "--proposal", "first.json"]]
      + ["ada", "eve", "ci"].map { ["repo", "sign", "first.json", "--signer", $0] }
      + [["repo", "merge", "first.json", "--online", "server"]]
    for step in steps {
      let result = try Bench.netimg(step + ["--keys", all], in: place)
      guard result.status == 0 else { throw BenchError("\(step): \(result.errorText)") }
    }
    let root = "\(place)/repository/metadata/1.root.json"
    for machine in ["ada", "bob", "eve", "ci", "lab", "nobody"] {
      try FileManager.default.copyItem(atPath: root, toPath: "\(place)/\(machine)/root.json")
    }
    settings = """
        keys: \(all)
      \(keepsOnlineKey ? "  onlineKey: server" : "")
      uploads: {keys: [\(all)/ci.pub], \(uploads)}
      """
    server = try await Self.start(place, settings, release)
  }

  private static func start(
    _ place: String, _ settings: String, _ release: ChannelBench.Prepared,
    _ secure: (certificate: String, key: String)? = nil
  ) async throws -> FollowingServer {
    try await FollowingServer(
      "\(place)/server", repository: ("\(place)/repository", "\(place)/repository/metadata/1.root.json"),
      fleet: """
        apiVersion: netimg/v1
        kind: Fleet
        name: test
        groups: [{name: edge, channel: prod, image: \(release.name)}]
        devices: [{name: edge-1, mac: ["52:54:00:77:00:01"], group: edge}]

        """, settings: settings,
      http: secure.map {
        "{listen: [], listenSecure: [\"127.0.0.1:0\"], certificate: \($0.certificate), key: \($0.key)}"
      } ?? "{listen: [\"127.0.0.1:0\"]}")
  }

  /// The server dies, and is started anew on another port.
  func killServer() async throws {
    server.stop(SIGKILL)
    server = try await Self.start(place, settings, release)
  }

  /// Starts it anew, with HTTPS alone if there is a certificate and its key.
  func restart(secure: (certificate: String, key: String)? = nil) async throws {
    isSecure = secure != nil
    server = try await Self.start(place, settings, release, secure)
  }

  /// Runs netimg on somebody's machine; `--repo` is the server.
  func netimg(_ machine: String, _ arguments: [String], keys: Bool = true) throws -> SubprocessResult {
    try Bench.netimg(
      arguments + ["--repo", url, "--root", "root.json", "--trust", "trust"]
        + (keys ? ["--keys", "keys"] : []),
      in: "\(place)/\(machine)")
  }

  @discardableResult
  func succeed(_ machine: String, _ arguments: [String], keys: Bool = true) throws -> String {
    let result = try netimg(machine, arguments, keys: keys)
    guard result.status == 0 else {
      throw BenchError("\(machine): \(arguments): \(result.errorText)\n\(server.log)")
    }
    return result.text
  }

  /// What a publication says that it sent, in bytes.
  static func sent(_ text: String) -> Int? {
    text.contains("nothing was sent")
      ? 0 : text.firstMatch(of: #/ were sent, (\d+) bytes in all/#).flatMap { Int($0.output.1) }
  }

  static let first = "\(ChannelBench.place)/release"
  static let second = "\(ChannelBench.place)/next/release"

  /// The size and SHA-256 of each file of a release that is sent by itself.
  static func files(_ release: String) throws -> [String: Int] {
    var files: [String: Int] = [:]
    for (path, digest) in try Bench.digests(below: release)
    where !path.hasSuffix(".dsse.json") && path != "./release.json" {
      let size = try FileManager.default.attributesOfItem(atPath: "\(release)/\(path)")[.size] as? Int
      files[digest] = size ?? 0
    }
    return files
  }
}

extension RemoteBench: CustomReflectable {
  var customMirror: Swift.Mirror { Swift.Mirror(self, children: ["place": place]) }
}
