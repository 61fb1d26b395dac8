import Foundation
import TestSupport
import Testing

/// A fleet whose manifest lives in git, from a signed commit to what a device is told.
@Suite(
  "The fleet in git", .serialized, .enabled(if: Bench.isReady, Bench.whyNot),
  .enabled(
    if: ["git", "ssh-keygen", "curl"].allSatisfy { findTool($0) != nil }, "git, ssh-keygen or curl is missing"
  ),
  .timeLimit(.minutes(10)))
struct GitOpsTests {
  private static let script = "boot/52-54-00-77-00-01/boot.ipxe"

  /// Commits a manifest that pins the device to a release nobody has: what the device is told names it.
  private func commit(_ release: String, in origin: String, key: String?, text: String? = nil) throws {
    let manifest = """
      apiVersion: netimg/v1
      kind: Fleet
      name: test
      groups: [{name: edge, release: \(release)}]
      devices: [{name: edge-1, mac: ["52:54:00:77:00:01"], group: edge}]

      """
    try Data((text ?? manifest).utf8).write(to: URL(fileURLWithPath: "\(origin)/fleet.yaml"))
    let signing = key.map {
      ["-c", "gpg.format=ssh", "-c", "user.signingkey=\($0)", "-c", "commit.gpgsign=true"]
    }
    let git = ["git", "-C", origin, "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for arguments in [
      ["add", "-A"], (signing ?? ["-c", "commit.gpgsign=false"]) + ["commit", "-qm", release],
    ] {
      let result = try run(git + arguments)
      try #require(result.status == 0, "\(result.errorText)")
    }
  }

  @Test func signedCommitsAreAppliedAndNothingElse() async throws {
    let directory = "\(Bench.scratch)/gitops"
    let origin = "\(directory)/origin"
    let key = "\(directory)/ada"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    try #require(try run(["git", "init", "-q", "-b", "main", origin]).status == 0)
    try #require(try run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]).status == 0)
    let allowed = "\(directory)/allowed_signers"
    let line = try String(contentsOf: URL(fileURLWithPath: "\(key).pub"), encoding: .utf8)
    try Data("ada@example.org \(line)".utf8).write(to: URL(fileURLWithPath: allowed))
    try commit("first@1.0", in: origin, key: key)
    let server = try await FollowingServer(
      directory,
      settings: "git: {from: \(origin), allowedSigners: \(allowed), interval: 1s}")
    // The start waits for a slow host only so long.
    try await server.wait(for: "first@1.0", at: Self.script)
    #expect(try server.get(Self.script).contains("first@1.0"), "\(server.log)")
    try commit("second@1.0", in: origin, key: key)
    try await server.wait(for: "second@1.0", at: Self.script)
    let view = try server.get("api/v1/git")
    #expect(
      view.contains(#""signer" : "ada@example.org""#) && view.contains(#""subject" : "second@1.0""#),
      "\(view)")
    #expect(try server.get("metrics").contains("netimg_git_synced 1\n"))

    // Nobody's commit is not applied, and a good one with a manifest that is wrong is not either.
    try commit("stranger@1.0", in: origin, key: nil)
    try await server.wait(for: "is not signed", at: "api/v1/git")
    #expect(try server.get(Self.script).contains("second@1.0"))
    #expect(try server.get("metrics").contains("netimg_git_synced 0\n"))
    _ = try run(["git", "-C", origin, "reset", "-q", "--hard", "HEAD~1"])
    try commit("wrong", in: origin, key: key, text: "kind: Fleet\nnonsense: 1\n")
    try await server.wait(for: "fleet.yaml at", at: "api/v1/git")
    #expect(try server.get(Self.script).contains("second@1.0"))
    try await server.wait(for: "is not followed, and what was applied stays", at: "api/v1/events")
    _ = try run(["git", "-C", origin, "reset", "-q", "--hard", "HEAD~1"])
    // By hand: it is put right, and said.
    let applied = "\(server.state)/git/fleet.yaml"
    try Data("apiVersion: netimg/v1\nkind: Fleet\nname: mine\n".utf8).write(to: URL(fileURLWithPath: applied))
    try await server.wait(for: "was changed by hand", at: "api/v1/git")
    #expect(try String(contentsOf: URL(fileURLWithPath: applied), encoding: .utf8).contains("second@1.0"))
    // And what an operator said beside it.
    #expect(
      try Bench.netimg(["device", "set", "edge-1", "--release", "mine@1.0", "--config", server.config]).status
        == 0)
    try await server.wait(for: "1 devices have settings", at: "api/v1/git")
    #expect(server.stop() == 0, "\(server.log)")

    // The same on the command line, from what was applied; a rewritten branch changes nothing.
    try commit("rewritten@1.0", in: origin, key: key)
    _ = try run(["git", "-C", origin, "checkout", "-q", "--orphan", "other"])
    try commit("rewritten@2.0", in: origin, key: key)
    _ = try run(["git", "-C", origin, "branch", "-q", "-f", "main", "other"])
    let again = try await FollowingServer(
      "\(directory)", arguments: ["--fleet", origin, "--allowed-signers", allowed])
    #expect(try again.get("api/v1/git").contains("was rewritten"), "\(again.log)")
    #expect(try again.get("api/v1/devices").contains("edge-1"))
    #expect(again.stop() == 0)
  }

  @Test func aHostThatSaysNothingKeepsNobodyWaiting() async throws {
    let directory = "\(Bench.scratch)/gitops-silent"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let allowed = "\(directory)/allowed_signers"
    let key = "\(directory)/ada"
    try #require(try run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]).status == 0)
    let line = try String(contentsOf: URL(fileURLWithPath: "\(key).pub"), encoding: .utf8)
    try Data("ada@example.org \(line)".utf8).write(to: URL(fileURLWithPath: allowed))
    let script = """
      import socket, time
      server = socket.create_server(("127.0.0.1", 0))
      print("port", server.getsockname()[1], flush=True)
      kept = []
      while True: kept.append(server.accept())
      """
    let host = try Background(["python3", "-c", script], output: "\(directory)/host.log")
    defer { kill(host.identifier, SIGKILL) }
    while !host.text.hasSuffix("\n"), host.isRunning { try await Task.sleep(for: .milliseconds(20)) }
    let port = try #require(host.text.split(whereSeparator: \.isWhitespace).last)
    let server = try await FollowingServer(
      directory,
      settings: """
        git: {from: "http://127.0.0.1:\(port)/fleet.git", allowedSigners: \(allowed), interval: 1s}
        """)
    #expect(try server.get("healthz") == "ok\n")
    #expect(try server.get("api/v1/git").contains("it has said nothing for 5 seconds"), "\(server.log)")
    #expect(server.stop() == 0, "\(server.log)")
  }
}
