import Foundation
import TestSupport
import Testing

/// A fleet in a git repository that not everybody may read, over SSH and over HTTPS, from real hosts on loopback.
@Suite(
  "The fleet in a private git repository", .serialized, .enabled(if: Bench.isReady, Bench.whyNot),
  .enabled(if: findTool("curl") != nil, "curl is missing"), .timeLimit(.minutes(10)))
struct GitAccessTests {
  private static let script = "boot/52-54-00-77-00-01/boot.ipxe"

  private func write(_ text: String, to path: String, mode: mode_t = 0o600) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    chmod(path, mode)
  }

  @Test(.enabled(if: SSHHost.hasTools, "sshd, ssh-keygen or git is missing"))
  func overSSHOnlyTheKnownHostIsTalkedTo() async throws {
    let directory = "\(Bench.scratch)/git-ssh"
    let origin = try GitOrigin(directory)
    try origin.commit("first@1.0")
    let reader = try GitOrigin.key("\(directory)/reader")
    let host = try SSHHost("\(directory)/host", reader: reader)
    let known = "\(directory)/known_hosts"
    try write("\(host.knownHost)\n", to: known)
    let user = try GitOrigin.succeed(["id", "-un"]).trimmingCharacters(in: .whitespacesAndNewlines)
    let server = try await FollowingServer(
      directory,
      settings: """
        git: {from: "ssh://\(user)@127.0.0.1:\(host.port)\(origin.path)", allowedSigners: \(origin.allowedSigners), \
        key: reader, knownHosts: known_hosts, interval: 1s}
        """)
    let log = server.log
    // The start waits for a slow host only so long.
    try await server.wait(for: "first@1.0", at: Self.script)
    #expect(try server.get(Self.script).contains("first@1.0"), "\(log)\n\(host.log)")
    try origin.commit("second@1.0")
    try await server.wait(for: "second@1.0", at: Self.script)

    // Somebody in between, a host that nobody knows, one that is revoked; then the same name hashed.
    let other = try GitOrigin.key("\(directory)/other")
    let name = "[127.0.0.1]:\(host.port)"
    for (list, sentence) in [
      ("\(name) \(other)\n", "has another key than git.knownHosts says (ssh-ed25519"),
      (
        "other.example.org \(other)\n127.0.0.1 \(host.knownHost.split(separator: " ").dropFirst().joined(separator: " "))\n",
        "is not in git.knownHosts"
      ),
      ("\(host.knownHost)\n@revoked \(host.knownHost)\n", "is marked as revoked"),
    ] {
      try write(list, to: known)
      try await server.wait(for: sentence, at: "api/v1/git")
      #expect(try server.get(Self.script).contains("second@1.0"))
    }
    try origin.commit("third@1.0")
    try write("\(host.knownHost)\n", to: known)
    try GitOrigin.succeed(["ssh-keygen", "-q", "-H", "-f", known])
    let hashed = try String(contentsOf: URL(fileURLWithPath: known), encoding: .utf8)
    #expect(hashed.hasPrefix("|1|"))
    try await server.wait(for: "third@1.0", at: Self.script)

    // A key that the host does not take, and one that everybody may read.
    let key = try String(contentsOf: URL(fileURLWithPath: "\(directory)/reader"), encoding: .utf8)
    try write(
      try String(contentsOf: URL(fileURLWithPath: "\(directory)/other"), encoding: .utf8),
      to: "\(directory)/reader")
    try await server.wait(for: "does not take the key of git.key", at: "api/v1/git")
    try write(key, to: "\(directory)/reader", mode: 0o604)
    try await server.wait(for: "chmod o=", at: "api/v1/git")
    chmod("\(directory)/reader", 0o600)
    try origin.commit("fourth@1.0")
    try await server.wait(for: "fourth@1.0", at: Self.script)
    #expect(server.stop() == 0, "\(server.log)")
  }

  @Test(.enabled(if: HTTPSHost.hasTools, "python3, openssl or git is missing"))
  func aTokenGoesToItsHostAloneAndIsSeenNowhere() async throws {
    let directory = "\(Bench.scratch)/git-https"
    let origin = try GitOrigin(directory)
    try origin.commit("first@1.0")
    let token = "glpat-\(UInt64.random(in: 0 ... .max))"
    for name in ["host", "stranger"] { try HTTPSHost.certificate("\(directory)/\(name)") }
    let host = try HTTPSHost(directory, certificate: "\(directory)/host", token: token)
    try write("\(token)\n", to: "\(directory)/token")
    func settings(_ port: Int, _ authority: String) -> String {
      """
      git: {from: "https://localhost:\(port)/origin/.git", allowedSigners: \(origin.allowedSigners), \
      tokenFile: token, authority: \(authority).pem, interval: 1s}
      """
    }
    let server = try await FollowingServer(directory, settings: settings(host.port, "host"))
    let log = server.log
    // The start waits for a slow host only so long.
    try await server.wait(for: "first@1.0", at: Self.script)
    #expect(try server.get(Self.script).contains("first@1.0"), "\(log)\n\(host.log)")
    try origin.commit("second@1.0")
    try await server.wait(for: "second@1.0", at: Self.script)
    #expect(host.log.contains("asked by git:\(token) GET"))
    let arguments = try String(
      contentsOf: URL(fileURLWithPath: "/proc/\(server.identifier)/cmdline"), encoding: .utf8)
    #expect(!arguments.contains(token))
    try write("wrong-token", to: "\(directory)/token")
    try await server.wait(for: "does not take the token of git.tokenFile", at: "api/v1/git")
    try write("two words", to: "\(directory)/token")
    try await server.wait(for: "holds no token", at: "api/v1/git")
    try write(token, to: "\(directory)/token")
    try origin.commit("third@1.0")
    try await server.wait(for: "third@1.0", at: Self.script)
    var said = try server.get("api/v1/git") + server.get("api/v1/events") + server.get("metrics")
    #expect(server.stop() == 0)
    said += server.log
    #expect(!said.contains(token) && !said.contains("wrong-token"))

    // A certificate of nobody who is trusted: the token does not even leave.
    let before = host.log.split(separator: "\n").count
    let stranger = try await FollowingServer(directory, settings: settings(host.port, "stranger"))
    try await stranger.wait(for: "name the certificates that it comes from", at: "api/v1/git")
    #expect(stranger.stop() == 0)
    #expect(host.log.split(separator: "\n").count == before, "\(host.log)")

    // Somewhere else, by the host's own word: the token stays.
    let lure = try HTTPSHost(
      directory, certificate: "\(directory)/host", token: nil, redirect: "https://localhost:\(host.port)")
    let mark = host.log.split(separator: "\n").count
    let sent = try await FollowingServer(directory, settings: settings(lure.port, "host"))
    try await sent.wait(for: "sends us to another place, which the token is not for", at: "api/v1/git")
    #expect(sent.stop() == 0)
    let asked = host.log.split(separator: "\n").dropFirst(mark)
    #expect(asked.allSatisfy { $0.hasPrefix("asked by nobody ") } && !lure.log.contains(token), "\(lure.log)")
  }

  @Test func addressesAndFilesThatDoNotGoTogetherAreSaid() async throws {
    let directory = "\(Bench.scratch)/git-words"
    let origin = try GitOrigin(directory)
    try write("t", to: "\(directory)/token")
    for (settings, sentence) in [
      ("from: \"ssh://git@127.0.0.1:1/x\"", "needs a private key and the keys of its host"),
      ("from: \"git@127.0.0.1:x\"", "needs a private key and the keys of its host"),
      ("from: \"http://127.0.0.1:1/x\", tokenFile: token", "a token goes by HTTPS alone"),
      ("from: \"https://127.0.0.1:1/x\", tokenFile: none", "cannot read \(directory)/none, the token"),
    ] {
      let server = try await FollowingServer(
        directory, settings: "git: {\(settings), allowedSigners: \(origin.allowedSigners), interval: 1s}")
      #expect(try server.get("api/v1/git").contains(sentence), "\(settings): \(server.log)")
      #expect(server.stop() == 0)
    }
    // A password in the address is never repeated.
    let result = try Bench.netimg([
      "serve", "--state", "\(directory)/other", "--fleet", "https://me:hunter2@example.org/x", "--dhcp",
      "off",
    ])
    #expect(result.status != 0 && result.errorText.contains("git.tokenFile"), "\(result.errorText)")
    #expect(!(result.text + result.errorText).contains("hunter2"))
  }
}
