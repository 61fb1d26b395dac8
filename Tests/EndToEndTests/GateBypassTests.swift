import Foundation
import TestSupport
import Testing

/// A release that is current in a channel and did not come through the one before: clients and the boot server look
/// themselves.
@Suite(
  "A release that went past a gate", .serialized, .enabled(if: Bench.isReady, Bench.whyNot),
  .enabled(if: ChannelBench.hasTools && findTool("curl") != nil, "python3, dpkg-deb or curl is missing"),
  .timeLimit(.minutes(20)))
struct GateBypassTests {
  private static let script = "boot/52-54-00-77-00-01/boot.ipxe"

  /// Makes the second release current in dev, which then asks for a channel before it, where that has never been.
  private func bypass(_ name: String, _ release: ChannelBench.Prepared) throws {
    let signed = ["--signer", "ci", "--online", "server", "--repo", name]
    try ChannelBench.succeed(
      ["promote", release.name, release.nextVersion, "--to", "dev", "--reason", "newer"] + signed)
    let manifest = ChannelBench.manifest.replacing(
      "  dev: {signers: [ci]}", with: "  early: {signers: [ci]}\n  dev: {signers: [ci], after: early}")
    try Data(manifest.utf8).write(to: URL(fileURLWithPath: "\(ChannelBench.place)/\(name).yaml"))
    try ChannelBench.succeed([
      "repo", "propose", "\(name).yaml", "--proposal", "\(name).json", "--repo", name,
    ])
    for signer in ["ada", "ci"] {
      try ChannelBench.succeed(["repo", "sign", "\(name).json", "--signer", signer, "--repo", name])
    }
    try ChannelBench.succeed(["repo", "merge", "\(name).json", "--online", "server", "--repo", name])
  }

  @Test func aClientRefusesItUntilItWasThere() async throws {
    let (name, release) = try await ChannelBench.copy("bypass")
    let fetch = [
      "fetch", release.name, "--channel", "dev", "--from", name, "--trust", "bypass-trust", "--root",
      "\(name)/metadata/1.root.json", "--dry-run",
    ]
    #expect(try ChannelBench.netimg(fetch, keys: false).status == 0)
    try bypass(name, release)
    let refused = try ChannelBench.netimg(fetch, keys: false)
    #expect(
      refused.status == 77 && refused.errorText.contains("has never been in early"), "\(refused.errorText)")
    // Who has it already has it.
    let here = try ChannelBench.netimg(fetch + ["--have", "next/release"], keys: false)
    #expect(here.status == 0, "\(here.errorText)")
    try ChannelBench.succeed(
      [
        "promote", release.name, release.nextVersion, "--to", "early", "--reason", "late", "--signer", "ci",
        "--online", "server", "--repo", name,
      ])
    let good = try ChannelBench.netimg(fetch, keys: false)
    #expect(
      good.status == 0 && good.text.contains("it came through early, where it is since"), "\(good.text)")
    // Early goes on, and its past is hidden: that is said, and in the way of nobody.
    try ChannelBench.succeed(
      [
        "rollback", release.name, release.version, "--in", "early", "--reason", "x", "--signer", "ci",
        "--online", "server", "--repo", name,
      ])
    try FileManager.default.removeItem(
      atPath: "\(ChannelBench.place)/\(name)/metadata/2.channel-early.json")
    let hidden = try ChannelBench.netimg(fetch, keys: false)
    #expect(
      hidden.status == 0
        && hidden.errorText.contains("cannot be proved: version 2 of early is not to be had"),
      "\(hidden.status): \(hidden.errorText)")
  }

  @Test func theBootServerStaysWithTheOneBefore() async throws {
    let (name, release) = try await ChannelBench.copy("bypass-served")
    let repository = "\(ChannelBench.place)/\(name)"
    let fleet = """
      apiVersion: netimg/v1
      kind: Fleet
      name: test
      groups: [{name: edge, channel: dev, image: \(release.name)}]
      devices: [{name: edge-1, mac: ["52:54:00:77:00:01"], group: edge}]

      """
    let directory = "\(Bench.scratch)/serve-bypass"
    let before = try await FollowingServer(
      directory, repository: (repository, "\(repository)/metadata/1.root.json"), fleet: fleet)
    #expect(try before.get(Self.script).contains("/\(release.digest)/"), "\(before.log)")
    #expect(before.stop() == 0)
    // While nobody looked.
    try bypass(name, release)
    let server = try await FollowingServer(
      directory, repository: (repository, "\(repository)/metadata/1.root.json"), fleet: fleet)
    try await server.wait(for: "has never been in early", at: "api/v1/channels/dev")
    #expect(!FileManager.default.fileExists(atPath: "\(server.state)/library/releases/\(release.nextDigest)"))
    #expect(try !server.get(Self.script).contains("/\(release.nextDigest)/"))
    try ChannelBench.succeed(
      [
        "promote", release.name, release.nextVersion, "--to", "early", "--reason", "late", "--signer", "ci",
        "--online", "server", "--repo", name,
      ])
    try await server.wait(for: "/\(release.nextDigest)/", at: Self.script)
    #expect(server.stop() == 0, "\(server.log)")
  }
}
