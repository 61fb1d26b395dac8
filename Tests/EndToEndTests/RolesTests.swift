import Foundation
import TestSupport
import Testing

/// A boot server as two processes under two accounts, one a role, in one state directory.
@Suite(
  "Roles that run apart", .serialized, .enabled(if: Bench.isReady, Bench.whyNot),
  .enabled(if: Bench.isRoot, Bench.needsRoot),
  .enabled(
    if: ["curl", "setpriv", "chown"].allSatisfy { findTool($0) != nil } && ChannelBench.hasTools,
    "python3, dpkg-deb, curl or setpriv is missing"),
  .timeLimit(.minutes(20)))
struct RolesTests {
  private static let script = "boot/52-54-00-77-00-01/boot.ipxe"
  private static let group = 65534

  /// The two accounts, with one group in common and without any capability.
  private enum Account: Int {
    case boot = 65534
    case control = 65533

    var prefix: [String] {
      [
        "setpriv", "--reuid", "\(rawValue)", "--regid", "\(RolesTests.group)", "--clear-groups",
        "--bounding-set=-all", "--inh-caps=-all", "sh", "-c", "umask 027; exec \"$@\"", "sh",
      ]
    }
  }

  /// What both processes share, made as pxe/netimg-serve.conf has it made.
  private struct Site {
    let directory: String
    let name: String
    let repository: String
    let keys: String
    let release: ChannelBench.Prepared
    let fleet: String

    init(_ name: String) async throws {
      self.name = name
      (_, release) = try await ChannelBench.copy(name)
      directory = "\(Bench.scratch)/\(name)"
      repository = "\(ChannelBench.place)/\(name)"
      keys = "\(directory)/keys"
      fleet = """
        apiVersion: netimg/v1
        kind: Fleet
        name: test
        groups: [{name: edge, channel: dev, image: \(release.name)}]
        devices: [{name: edge-1, mac: ["52:54:00:77:00:01"], group: edge}]

        """
      let manager = FileManager.default
      try manager.createDirectory(atPath: "\(directory)/state", withIntermediateDirectories: true)
      for arguments in [
        ["chown", "0:\(RolesTests.group)", "\(directory)/state"], ["chmod", "2770", "\(directory)/state"],
        ["cp", "-r", "\(ChannelBench.place)/keys", keys],
        ["chown", "-R", "\(Account.control.rawValue):\(RolesTests.group)", keys, repository],
        ["chmod", "-R", "go-rwx", keys],
      ] {
        let result = try run(arguments)
        try #require(result.status == 0, "\(result.errorText)")
      }
    }

    func start(_ account: Account, _ arguments: [String] = [], prefix: [String] = []) async throws
      -> FollowingServer
    {
      try await FollowingServer(
        directory, repository: (repository, "\(repository)/metadata/1.root.json"), fleet: fleet,
        settings: "  onlineKey: server\n  keys: \(keys)\n",
        arguments: ["--role", "\(account)", "--listen", "127.0.0.1:0"] + arguments,
        prefix: account.prefix + prefix)
    }

    /// Signed by people alone: the role control makes it visible.
    func promote(_ version: String) throws {
      try ChannelBench.succeed(
        [
          "promote", release.name, version, "--to", "dev", "--reason", "newer", "--signer", "ci", "--repo",
          name,
        ])
    }

    func rollBack(_ version: String) throws {
      try ChannelBench.succeed(
        [
          "rollback", release.name, version, "--in", "dev", "--reason", "older", "--signer", "ci", "--repo",
          name,
        ])
    }
  }

  @Test func eachGoesOnWithoutTheOther() async throws {
    let site = try await Site("roles-apart")
    let release = site.release
    // Nobody has handed over anything yet.
    var boot = try await site.start(.boot)
    #expect(try boot.get("readyz").contains("the role control has handed over nothing yet"), "\(boot.log)")
    #expect(try boot.get(Self.script).contains("handed over nothing yet"))
    var control = try await site.start(.control)
    try await boot.wait(for: "/\(release.digest)/", at: Self.script)
    try await boot.wait(for: "ready\n", at: "readyz")
    let key = try run(Account.boot.prefix + ["sh", "-c", "cat \(site.keys)/*"])
    #expect(key.status != 0 && key.output.isEmpty, "the account of boot cannot read a key")

    // What people signed reaches what devices are told.
    try site.promote(release.nextVersion)
    try await boot.wait(for: "/\(release.nextDigest)/", at: Self.script)
    let uki = "http://127.0.0.1:\(boot.port)/boot/52-54-00-77-00-01/\(release.nextDigest)/uki.efi"
    #expect(try run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", uki]).text == "200")
    // Each answers its own.
    #expect(try control.get("api/v1/channels").contains(release.nextDigest))
    #expect(try control.get("api/v1/devices/edge-1/explanation").contains(release.nextVersion))
    #expect(try boot.get("api/v1/channels").contains("where the role control listens"))
    #expect(try control.get(Self.script).contains("There is nothing by that name"))
    try await control.wait(for: "ready\n", at: "readyz")
    #expect(try control.get("metrics").contains("netimg_role{role=\"boot\"} 0\n"))
    #expect(try boot.get("metrics").contains("netimg_repository_valid 1\n"))
    for role in ["boot", "control"] {
      let second = try Server.refused(["--config", boot.config, "--role", role, "--listen", "127.0.0.1:0"])
      #expect(
        second.status == 69 && second.errorText.contains("in the role \(role): stop it"),
        "\(second.errorText)")
    }

    // Without control, boot goes on, and goes by what it knows; an operator's word reaches it all the same.
    #expect(control.stop(SIGKILL) == 128 + SIGKILL)
    try site.rollBack(release.version)
    let set = try Bench.netimg(["device", "set", "edge-1", "--label", "seen=yes", "--config", boot.config])
    #expect(set.status == 0, "\(set.errorText)")
    #expect(try boot.get(Self.script).contains("/\(release.nextDigest)/"))
    // Also when it is started anew.
    #expect(boot.stop(SIGKILL) == 128 + SIGKILL)
    boot = try await site.start(.boot)
    #expect(try boot.get(Self.script).contains("/\(release.nextDigest)/"), "\(boot.log)")
    #expect(try boot.explain().contains("dev names \(release.name) \(release.nextVersion)"))
    // Without boot, control goes on.
    #expect(boot.stop(SIGKILL) == 128 + SIGKILL)
    control = try await site.start(.control)
    try await control.wait(for: "rolled back from", at: "api/v1/events")
    #expect(try control.get("api/v1/devices/edge-1").contains(#""seen" : "yes""#))
    boot = try await site.start(.boot)
    try await boot.wait(for: "/\(release.digest)/", at: Self.script)
    #expect(boot.stop() == 0, "\(boot.log)")
    #expect(control.stop() == 0, "\(control.log)")
  }

  @Test(.enabled(if: findTool("faketime") != nil, "faketime is missing"))
  func bootBelievesControlNothingThatIsNotSigned() async throws {
    let site = try await Site("roles-hostile")
    let release = site.release
    var control = try await site.start(.control)
    var boot = try await site.start(.boot)
    try await boot.wait(for: "/\(release.digest)/", at: Self.script)
    let handed = "\(boot.state)/verified"
    let old = "\(site.directory)/old"
    #expect(try run(["cp", "-a", handed, old]).status == 0)
    try site.promote(release.nextVersion)
    try await boot.wait(for: "/\(release.nextDigest)/", at: Self.script)
    #expect(control.stop() == 0, "\(control.log)")

    // Whoever has the account of control, and no key: an old state once more, and one that nobody signed.
    let timestamp = URL(fileURLWithPath: "\(handed)/metadata/timestamp.json")
    let good = try Data(contentsOf: timestamp)
    #expect(try run(["sh", "-c", "cp -a \(old)/metadata/* \(handed)/metadata/"]).status == 0)
    while !boot.log.contains("was trusted before") { try await Task.sleep(for: .milliseconds(20)) }
    #expect(try boot.get(Self.script).contains("/\(release.nextDigest)/"))
    #expect(boot.stop() == 0)
    boot = try await site.start(.boot)
    #expect(try boot.get(Self.script).contains("/\(release.nextDigest)/"), "\(boot.log)")
    #expect(try boot.get("metrics").contains("netimg_repository_valid 0\n"))
    let forged = String(decoding: good, as: UTF8.self).replacing(#/"version":[0-9]+/#, with: "\"version\":99")
    try Data(forged.utf8).write(to: timestamp)
    while !boot.log.contains("have signed it") { try await Task.sleep(for: .milliseconds(20)) }
    #expect(try boot.get(Self.script).contains("/\(release.nextDigest)/"))
    try good.write(to: timestamp)
    while !boot.log.contains("is valid again") { try await Task.sleep(for: .milliseconds(20)) }
    // A release that was changed in the library is not served.
    let uki = "\(boot.state)/library/releases/\(release.nextDigest)/uki.efi"
    #expect(try run(["sh", "-c", "printf X | dd of=\(uki) bs=1 seek=100000 conv=notrunc"]).status == 0)
    #expect(
      try boot.get("boot/52-54-00-77-00-01/\(release.nextDigest)/uki.efi").contains(
        "publish the release again"))
    #expect(boot.stop() == 0)

    // Nor does it go by what has expired.
    let clock = ["env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "DONT_FAKE_MONOTONIC=1", "faketime", "-f", "+11d"]
    let later = try await site.start(.boot, prefix: clock)
    let answer = try later.get(Self.script)
    #expect(!answer.contains("/\(release.nextDigest)/") && answer.contains("expired"), "\(answer)")
    #expect(try later.get("readyz").contains("nothing is served from channels"))
    later.stop(SIGKILL)
    // Control comes back, and all is well.
    control = try await site.start(.control)
    boot = try await site.start(.boot)
    try await boot.wait(for: "ready", at: "readyz")
    for server in [boot, control] { #expect(server.stop() == 0, "\(server.log)") }
  }

  @Test(.enabled(if: findTool("git") != nil && findTool("ssh-keygen") != nil, "git or ssh-keygen is missing"))
  func whatControlAppliesFromGitReachesBoot() async throws {
    let site = try await Site("roles-git")
    let origin = "\(site.directory)/origin"
    let signer = "\(site.directory)/ada"
    func commit(_ release: String) throws {
      let manifest = """
        apiVersion: netimg/v1
        kind: Fleet
        name: test
        groups: [{name: edge, release: \(release)}]
        devices: [{name: edge-1, mac: ["52:54:00:77:00:01"], group: edge}]

        """
      try Data(manifest.utf8).write(to: URL(fileURLWithPath: "\(origin)/fleet.yaml"))
      let git = [
        "git", "-C", origin, "-c", "safe.directory=*", "-c", "user.name=t", "-c", "user.email=t@example.org",
      ]
      let signing = ["-c", "gpg.format=ssh", "-c", "user.signingkey=\(signer)", "-c", "commit.gpgsign=true"]
      for arguments in [git + ["add", "-A"], git + signing + ["commit", "-qm", release]] {
        let result = try run(arguments)
        try #require(result.status == 0, "\(result.errorText)")
      }
    }
    try #require(try run(["git", "init", "-q", "-b", "main", origin]).status == 0)
    try #require(try run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", signer]).status == 0)
    let line = try String(contentsOf: URL(fileURLWithPath: "\(signer).pub"), encoding: .utf8)
    try Data("ada@example.org \(line)".utf8).write(to: URL(fileURLWithPath: "\(site.directory)/allowed"))
    try commit("first@1.0")
    // A repository is its owner's to read for git.
    try #require(try run(["chown", "-R", "\(Account.control.rawValue)", origin]).status == 0)
    let settings = "git: {from: origin, allowedSigners: allowed, interval: 1s}"
    func start(_ account: Account) async throws -> FollowingServer {
      try await FollowingServer(
        site.directory, settings: settings,
        arguments: ["--role", "\(account)", "--listen", "127.0.0.1:0"], prefix: account.prefix)
    }
    let boot = try await start(.boot)
    #expect(try boot.get(Self.script).contains("is unknown"))
    let control = try await start(.control)
    try await boot.wait(for: "first@1.0", at: Self.script)
    try commit("second@1.0")
    try #require(try run(["chown", "-R", "\(Account.control.rawValue)", origin]).status == 0)
    try await boot.wait(for: "second@1.0", at: Self.script)
    #expect(try control.get("api/v1/git").contains("second@1.0"))
    for server in [boot, control] { #expect(server.stop() == 0, "\(server.log)") }
  }
}
