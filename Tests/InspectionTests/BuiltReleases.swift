import Foundation
import TestSupport
import Testing

/// Two real releases of the sample manifest that differ in a few known ways; built once by the real program.
enum BuiltReleases {
  static let program = ProcessInfo.processInfo.environment["NETIMG_BIN"] ?? ""
  static let isReady = program.contains("/") && findTool(program) != nil
  static let whyNot: Comment = "NETIMG_BIN does not name a built netimg: run make test"

  struct Pair: Sendable {
    let old: String
    let new: String
    /// The public key that signed both.
    let key: String
  }

  static func pair() async throws -> Pair { try await built.value }

  /// What the newer image has beyond the older one.
  static let addition = """

    files:
      - {path: /etc/probe, content: "new\\n", mode: "0640"}
      - path: /etc/systemd/system/probe.socket
        content: |
          [Socket]
          ListenStream=2222
          ListenDatagram=/run/probe
          [Install]
          WantedBy=sockets.target
      - path: /etc/systemd/system/probe.service
        content: |
          [Service]
          ExecStart=/usr/lib/systemd/systemd-sysctl
    links:
      - {path: /etc/probe-link, target: probe}
    units: {enable: [probe.socket]}
    permissions:
      - {path: /usr/bin/udevadm, capabilities: [cap_net_admin, cap_bpf], reason: a test}
      - {path: /usr/lib/systemd/systemd-sysctl, mode: "4755", reason: a test}
    exceptions:
      - {rule: setuid, path: /usr/lib/systemd/systemd-sysctl, reason: a test of differences}

    """

  private static let scratch: String = {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("netimg-inspection-\(getpid())")
      .path
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    atexit { try? FileManager.default.removeItem(atPath: BuiltReleases.scratch) }
    return path
  }()

  private static let repository = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  private static let built = Task { () throws -> Pair in
    try check(["cp", "-a", "\(repository)/manifests", "\(repository)/images", scratch])
    let manifest = "\(scratch)/manifests/minimal.yaml"
    let keys = "\(scratch)/keys"
    try check([program, "key", "new", "test", "--no-passphrase", "--keys", keys])
    let text = try String(contentsOfFile: manifest, encoding: .utf8)
    for (name, version, addition) in [("old", "1.0", ""), ("new", "1.1", Self.addition)] {
      try "\(text)version: \"\(version)\"\n\(addition)".write(
        toFile: manifest, atomically: true, encoding: .utf8)
      try check([
        program, "build", manifest, "--output", "\(scratch)/\(name)", "--compression", "3", "--signer",
        "test",
        "--keys", keys, "--quiet",
      ])
    }
    return Pair(old: "\(scratch)/old", new: "\(scratch)/new", key: "\(keys)/test.pub")
  }

  private static func check(_ arguments: [String]) throws {
    let result = try run(arguments)
    guard result.status == 0 else { throw Failed(description: "\(arguments): \(result.errorText)") }
  }

  struct Failed: Error, CustomStringConvertible {
    let description: String
  }
}
