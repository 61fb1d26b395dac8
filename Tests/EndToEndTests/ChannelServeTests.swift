import Foundation
import TestSupport
import Testing

/// A boot server that follows channels, from the metadata to what a device is told.
@Suite(
  "A boot server follows channels", .serialized, .enabled(if: Bench.isReady, Bench.whyNot),
  .enabled(if: ChannelBench.hasTools && findTool("curl") != nil, "python3, dpkg-deb or curl is missing"),
  .timeLimit(.minutes(20)))
struct ChannelServeTests {
  private static let script = "boot/52-54-00-77-00-01/boot.ipxe"

  private static func fleet(_ channel: String, _ image: String) -> String {
    """
    apiVersion: netimg/v1
    kind: Fleet
    name: test
    groups: [{name: edge, channel: \(channel), image: \(image)}]
    devices: [{name: edge-1, mac: ["52:54:00:77:00:01"], group: edge}]

    """
  }

  @Test func aPromotionReachesBootDecisionsAndATamperedRepositoryDoesNot() async throws {
    let (name, release) = try await ChannelBench.copy("served")
    let repository = "\(ChannelBench.place)/\(name)"
    let directory = "\(Bench.scratch)/serve-channels"
    let server = try await FollowingServer(
      directory, repository: (repository, "\(repository)/metadata/1.root.json"),
      fleet: Self.fleet("dev", release.name))
    // It was imported before the first answer.
    #expect(try server.get(Self.script).contains("/\(release.digest)/"), "\(server.log)")
    #expect(try server.get("readyz") == "ready\n")
    let imported = "\(server.state)/library/releases/\(release.digest)"
    #expect(try Bench.digests(below: imported) == Bench.digests(below: "\(ChannelBench.place)/release"))
    #expect(try server.explain().contains("dev names \(release.name) \(release.version) since "))

    let signed = ["--signer", "ci", "--online", "server", "--repo", name]
    try ChannelBench.succeed(
      ["promote", release.name, release.nextVersion, "--to", "dev", "--reason", "newer"] + signed)
    try await server.wait(for: "/\(release.nextDigest)/", at: Self.script)
    try ChannelBench.succeed(
      ["rollback", release.name, release.version, "--in", "dev", "--reason", "it flaps"] + signed)
    try await server.wait(for: "/\(release.digest)/", at: Self.script)
    let channels = try server.get("api/v1/channels")
    #expect(channels.contains(#""rollbackFrom" : "\#(release.nextVersion)""#), "\(channels)")
    let history = try server.get("api/v1/channels/dev/history")
    #expect(history.contains("it flaps") && history.contains(#""ci""#), "\(history)")
    #expect(try server.get("api/v1/repository/releases").contains(release.nextDigest))
    try await server.wait(for: "rolled back from \(release.nextVersion): it flaps", at: "api/v1/events")

    // Somebody who has the disk, and no key.
    let timestamp = "\(repository)/metadata/timestamp.json"
    let good = try Data(contentsOf: URL(fileURLWithPath: timestamp))
    let forged = String(decoding: good, as: UTF8.self).replacing(#/"version":[0-9]+/#, with: "\"version\":99")
    try Data(forged.utf8).write(to: URL(fileURLWithPath: timestamp), options: .atomic)
    try await server.wait(for: "is refused", at: "api/v1/events")
    #expect(try server.get(Self.script).contains("/\(release.digest)/"))
    #expect(try server.get("metrics").contains("netimg_repository_valid 0\n"))
    let explained = try server.get("api/v1/devices/edge-1/explanation")
    #expect(explained.contains("what was trusted before counts until it expires"), "\(explained)")
    try good.write(to: URL(fileURLWithPath: timestamp), options: .atomic)
    try await server.wait(for: "is valid again", at: "api/v1/events")
    #expect(server.stop() == 0, "\(server.log)")
  }

  private static func clock(_ offset: String) -> [String] {
    ["env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "DONT_FAKE_MONOTONIC=1", "faketime", "-f", offset]
  }

  @Test(.enabled(if: findTool("faketime") != nil, "faketime is missing"))
  func nothingIsServedFromAnExpiredRepository() async throws {
    let (name, release) = try await ChannelBench.copy("expired")
    let repository = "\(ChannelBench.place)/\(name)"
    let directory = "\(Bench.scratch)/serve-expired"
    let root = "\(ChannelBench.place)/expired-root.json"
    try FileManager.default.copyItem(atPath: "\(repository)/metadata/1.root.json", toPath: root)
    let start = { (clock: [String]) in
      try await FollowingServer(
        directory, repository: (repository, root),
        fleet: Self.fleet("dev", release.name), prefix: clock)
    }
    let today = try await start([])
    #expect(try today.get(Self.script).contains("/\(release.digest)/"), "\(today.log)")
    #expect(today.stop() == 0)
    // The server was started anew, and the repository is gone: what was trusted counts until it expires.
    try FileManager.default.moveItem(atPath: "\(repository)/metadata", toPath: "\(repository)/gone")
    let alone = try await start([])
    #expect(try alone.get(Self.script).contains("/\(release.digest)/"), "\(alone.log)")
    let explained = try alone.explain()
    #expect(explained.contains("dev names"), "\(explained)")
    #expect(alone.stop() == 0)
    try FileManager.default.moveItem(atPath: "\(repository)/gone", toPath: "\(repository)/metadata")
    for days in ["+11d", "+400d"] {
      let later = try await start(
        Self.clock(days))
      let script = try later.get(Self.script)
      #expect(!script.contains("/\(release.digest)/") && script.contains("expired"), "\(script)")
      #expect(try later.get("readyz").contains("nothing is served from channels"))
      #expect(try later.get("metrics").contains("netimg_repository_valid 0\n"))
      let log = later.log
      #expect(log.contains("is refused: ") && log.contains("it expired on"), "\(log)")
      // Its timers do not run under another clock: it cannot come to an orderly end.
      later.stop(SIGKILL)
    }
    // A clock that is a year behind believes what is signed, and takes nothing back that it has seen.
    let earlier = try await start(
      Self.clock("-365d"))
    #expect(try earlier.get(Self.script).contains("/\(release.digest)/"), "\(earlier.log)")
    earlier.stop(SIGKILL)
  }

  @Test func theServerSignsFreshnessAndMergesWhatAllHaveSigned() async throws {
    let (name, release) = try await ChannelBench.copy("tended")
    let repository = "\(ChannelBench.place)/\(name)"
    try FileManager.default.createDirectory(
      atPath: "\(repository)/proposals", withIntermediateDirectories: true)
    let server = try await FollowingServer(
      "\(Bench.scratch)/serve-tended", repository: (repository, "\(repository)/metadata/1.root.json"),
      fleet: Self.fleet("prod", release.name),
      settings: "  onlineKey: server\n  keys: \(ChannelBench.place)/keys\n")
    #expect(try server.get(Self.script).contains("/\(release.digest)/"), "\(server.log)")
    // Merged without the online key: the server makes it visible.
    let words = ["--signer", "ci", "--repo", name]
    try ChannelBench.succeed(
      ["promote", release.name, release.nextVersion, "--to", "dev", "--reason", "newer"] + words)
    try await server.wait(for: release.nextDigest, at: "api/v1/channels/dev")
    // A proposal waits for its second signature, and is merged once it has it.
    let file = "\(repository)/proposals/prod.json"
    try ChannelBench.succeed(
      [
        "promote", release.name, release.nextVersion, "--to", "prod", "--reason", "soaked", "--signer", "ada",
        "--proposal", "tended.json", "--repo", name,
      ])
    try FileManager.default.copyItem(atPath: "\(ChannelBench.place)/tended.json", toPath: file)
    try await server.wait(for: "1 of 2 keys (ada)", at: "api/v1/repository/proposals")
    #expect(try server.get("metrics").contains("netimg_repository_proposals 1\n"))
    try ChannelBench.succeed(["repo", "sign", file, "--signer", "eve", "--repo", name])
    try await server.wait(for: "/\(release.nextDigest)/", at: Self.script)
    #expect(try server.get("api/v1/channels/prod/history").contains(#""ada","#))
    #expect(try server.get("api/v1/repository/proposals") == "[\n\n]\n")
    #expect(server.stop() == 0, "\(server.log)")
    #expect(
      try ChannelBench.netimg(["repo", "status", "--repo", name, "--days", "1"], keys: false).status == 0)
  }

  @Test func aRepositoryBehindAnAddressIsFollowedToo() async throws {
    let (name, release) = try await ChannelBench.copy("remote")
    let repository = "\(ChannelBench.place)/\(name)"
    let script = """
      import http.server, functools
      handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory="\(repository)")
      server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
      print("port", server.server_address[1], flush=True)
      server.serve_forever()
      """
    let mirror = try Background(["python3", "-c", script], output: "\(Bench.scratch)/remote.log")
    var port: Substring?
    while port == nil, mirror.isRunning {
      try await Task.sleep(for: .milliseconds(20))
      port = mirror.text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().first?.dropFirst(
        5)
    }
    let address = "http://127.0.0.1:\(try #require(port, "the mirror does not start"))"
    let server = try await FollowingServer(
      "\(Bench.scratch)/serve-remote", repository: (address, "\(repository)/metadata/1.root.json"),
      fleet: Self.fleet("dev", release.name))
    try await server.wait(for: "/\(release.digest)/", at: Self.script)
    let signed = ["--signer", "ci", "--online", "server", "--repo", name]
    try ChannelBench.succeed(
      ["promote", release.name, release.nextVersion, "--to", "dev", "--reason", "newer"] + signed)
    try await server.wait(for: "/\(release.nextDigest)/", at: Self.script)
    // What the second has of the first was not fetched again.
    let uki = try run(["sha256sum", "\(ChannelBench.place)/next/release/uki.efi"]).text.prefix(64)
    #expect(!mirror.text.contains("/\(uki) "), "the UKI was put together from parts")
    let library = "\(server.state)/library/releases/\(release.nextDigest)"
    #expect(try Bench.digests(below: library) == Bench.digests(below: "\(ChannelBench.place)/next/release"))
    #expect(server.stop() == 0, "\(server.log)")
    kill(mirror.identifier, SIGKILL)
  }

  @Test func aDamagedReleaseIsMendedFromTheRepository() async throws {
    let (name, release) = try await ChannelBench.copy("mended")
    let repository = "\(ChannelBench.place)/\(name)"
    let server = try await FollowingServer(
      "\(Bench.scratch)/serve-mended", repository: (repository, "\(repository)/metadata/1.root.json"),
      fleet: Self.fleet("dev", release.name))
    #expect(try server.get(Self.script).contains("/\(release.digest)/"), "\(server.log)")
    let library = "\(server.state)/library/releases/\(release.digest)"
    let good = try Bench.digests(below: library)
    // The server has looked at it, and looks again when it is asked for it.
    let kernel = "\(library)/vmlinuz"
    var bytes = try Data(contentsOf: URL(fileURLWithPath: kernel))
    bytes[bytes.count / 2] ^= 1
    try bytes.write(to: URL(fileURLWithPath: kernel))
    let address = "boot/52-54-00-77-00-01/\(release.digest)/vmlinuz"
    let refused = try server.get(address)
    #expect(!refused.utf8.elementsEqual(bytes), "the damaged kernel was served")
    try await server.wait(for: "is repaired from the repository", at: "api/v1/events")
    #expect(try Bench.digests(below: library) == good)
    #expect(try server.get(Self.script).contains("/\(release.digest)/"))
    // All of it is gone.
    try FileManager.default.removeItem(atPath: library)
    while (try? Bench.digests(below: library)) != good { try await Task.sleep(for: .milliseconds(50)) }
    try await server.wait(for: "/\(release.digest)/", at: Self.script)
    #expect(server.stop() == 0, "\(server.log)")
  }

  @Test func withoutTheRootNothingBegins() throws {
    let directory = "\(Bench.scratch)/serve-rootless"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    try Data(
      """
      apiVersion: netimg/v1
      kind: Server
      state: state
      http: {listen: ["127.0.0.1:0"]}
      tftp: {enabled: false}
      dhcp: {mode: off}
      repository: {from: /nonexistent, root: none.json}
      """.utf8
    ).write(to: URL(fileURLWithPath: "\(directory)/server.yaml"))
    let result = try Bench.netimg(["serve", "--config", "\(directory)/server.yaml"])
    #expect(result.status != 0 && result.errorText.contains("\(directory)/none.json"), "\(result.errorText)")
  }
}
