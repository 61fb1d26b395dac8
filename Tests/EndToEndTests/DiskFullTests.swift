import Foundation
import TestSupport
import Testing

/// Disks that fill up in the middle of an update: one sentence, the old state, and all is well once there is room.
@Suite(
  "Disks that fill up", .serialized, .enabled(if: Bench.isReady, Bench.whyNot),
  .enabled(if: ChannelBench.hasTools && findTool("curl") != nil, "python3, dpkg-deb or curl is missing"),
  .enabled(if: SmallDisk.isAvailable, "only root may mount a small file system"), .timeLimit(.minutes(20)))
struct DiskFullTests {
  private static let place = ChannelBench.place

  /// Takes all room of a disk but so many bytes, whoever else writes to it meanwhile.
  private func fill(_ disk: String, leaving rest: Int = 0) throws {
    let file = open("\(disk)/filler", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    try #require(file >= 0)
    defer { close(file) }
    var zeros = [UInt8](repeating: 0, count: 1 << 20)
    while zeros.count >= 4096 {
      let free = try #require(SmallDisk.freeBytes(at: disk))
      if free < rest + zeros.count || write(file, zeros, zeros.count) <= 0 {
        zeros.removeLast(zeros.count / 2)
        if zeros.count < 4096 { break }
      }
    }
  }

  /// Cut first: a program that another test starts may hold it open for a moment, and its bytes with it.
  private func makeRoom(_ disk: String) throws {
    try #require(truncate("\(disk)/filler", 0) == 0)
    try FileManager.default.removeItem(atPath: "\(disk)/filler")
  }

  /// A refusal for want of room, in one sentence.
  private func expectNoRoom(_ result: SubprocessResult, at location: SourceLocation = #_sourceLocation) {
    let lines = result.errorText.split(separator: "\n").filter { !$0.hasPrefix("note:") }
    #expect(
      result.status == 74 && lines.count == 1, "\(result.status): \(result.errorText)",
      sourceLocation: location)
    #expect(lines.first?.contains("No space left on device") == true, "\(lines)", sourceLocation: location)
    #expect(lines.first?.contains("make room") == true, "\(lines)", sourceLocation: location)
  }

  private struct Report: Decodable { let version: String }

  private func fetch(_ image: String, _ channel: String, _ name: String, _ arguments: [String]) throws
    -> SubprocessResult
  {
    try ChannelBench.netimg(
      [
        "fetch", image, "--channel", channel, "--from", name, "--root", "\(name)/metadata/1.root.json",
        "--json",
      ] + arguments, keys: false)
  }

  private func version(_ result: SubprocessResult) throws -> String {
    try #require(result.status == 0, "\(result.errorText)")
    return try JSONDecoder().decode(Report.self, from: Data(result.output)).version
  }

  private func promote(_ release: ChannelBench.Prepared, in name: String) -> [String] {
    [
      "promote", release.name, release.nextVersion, "--to", "dev", "--reason", "newer", "--signer", "ci",
      "--online", "server", "--repo", name,
    ]
  }

  @Test func metadataThatDoNotFitLeaveWhatWasTrusted() async throws {
    let (name, release) = try await ChannelBench.copy("full-trust")
    try await SmallDisk.with(at: "\(Self.place)/full-trust-disk", bytes: 1 << 20) { disk in
      let ask = ["--trust", "\(disk)/trust", "--dry-run"]
      #expect(try version(fetch(release.name, "dev", name, ask)) == release.version)
      let before = try Bench.digests(below: "\(disk)/trust")
      try ChannelBench.succeed(promote(release, in: name))
      try fill(disk)
      expectNoRoom(try fetch(release.name, "dev", name, ask))
      #expect(try Bench.digests(below: "\(disk)/trust") == before)
      try makeRoom(disk)
      #expect(try version(fetch(release.name, "dev", name, ask)) == release.nextVersion)
    }
  }

  @Test func framesThatDoNotFitLeaveWhatIsThere() async throws {
    let (name, release) = try await ChannelBench.copy("full-store")
    try await SmallDisk.with(at: "\(Self.place)/full-store-disk", bytes: 512 << 20) { disk in
      let store = "\(disk)/store"
      let ask = ["--trust", "full-store-trust", "--output", store]
      #expect(try version(fetch(release.name, "dev", name, ask)) == release.version)
      let before = try Bench.digests(below: store)
      try ChannelBench.succeed(promote(release, in: name))
      for room in [0, 300_000, 8 << 20] {
        try fill(disk, leaving: room)
        expectNoRoom(try fetch(release.name, "dev", name, ask))
        let after = try Bench.digests(below: store)
        // Complete files are what they should be; the rest is marked as a part.
        for (path, digest) in after where !path.hasSuffix(".part") { #expect(path == "./\(digest)") }
        #expect(before.allSatisfy { after[$0.key] == $0.value })
        #expect(after["./\(release.nextDigest)"] == nil)
        try makeRoom(disk)
      }
      #expect(try version(fetch(release.name, "dev", name, ask)) == release.nextVersion)
      let after = try Bench.digests(below: store)
      #expect(after["./\(release.nextDigest)"] != nil && after.allSatisfy { $0.key == "./\($0.value)" })
    }
  }

  @Test func aRepositoryThatIsFullStaysWhatItWas() async throws {
    let release = try await ChannelBench.prepared.value
    try await SmallDisk.with(at: "\(Self.place)/full-repository", bytes: 4 << 20) { disk in
      let name = "full-repository/repository"
      func netimg(_ arguments: [String]) throws -> SubprocessResult {
        try ChannelBench.netimg(arguments + ["--repo", name])
      }
      let signed = ["--signer", "ci", "--online", "server"]
      try ChannelBench.succeed(["repo", "merge", "first.json", "--online", "server", "--repo", name])
      func metadata() throws -> [String: String] { try Bench.digests(below: "\(disk)/repository/metadata") }
      func isWell() throws -> Bool {
        try ChannelBench.netimg(["repo", "status", "--days", "1", "--repo", name], keys: false).status == 0
      }
      let before = try metadata()
      expectNoRoom(try netimg(["publish", "release", "--quiet"] + signed))
      #expect(try metadata() == before)
      #expect(try isWell())
      try SmallDisk.resize(disk, bytes: 512 << 20)
      for path in ["release", "next/release"] {
        let result = try netimg(["publish", path] + signed)
        #expect(result.status == 0, "\(result.errorText)")
      }
      // What was left of the first attempt is whole.
      let objects = try Bench.digests(below: "\(disk)/repository/targets/objects")
      for (path, digest) in objects where !path.contains(".json") && !path.hasSuffix(".recipe") {
        #expect(path.hasSuffix("/\(digest)"), "\(path)")
      }
      let published = try metadata()
      try fill(disk)
      let words = ["promote", release.name, release.version, "--to", "dev", "--reason", "x"]
      expectNoRoom(try netimg(words + signed))
      #expect(try metadata() == published)
      #expect(try isWell())
      try makeRoom(disk)
      #expect(try netimg(words + signed).status == 0)
      #expect(
        try version(fetch(release.name, "dev", name, ["--trust", "full-repository-trust", "--dry-run"]))
          == release.version)
    }
  }

  @Test func aServerWithoutRoomServesWhatItHas() async throws {
    let (name, release) = try await ChannelBench.copy("full-served")
    let repository = "\(Self.place)/\(name)"
    let directory = "\(Bench.scratch)/serve-full"
    let script = "boot/52-54-00-77-00-01/boot.ipxe"
    let fleet = """
      apiVersion: netimg/v1
      kind: Fleet
      name: test
      groups: [{name: edge, channel: dev, image: \(release.name)}]
      devices: [{name: edge-1, mac: ["52:54:00:77:00:01"], group: edge}]

      """
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    try await SmallDisk.with(at: "\(directory)/state", bytes: 512 << 20) { disk in
      let server = try await FollowingServer(
        directory, repository: (repository, "\(repository)/metadata/1.root.json"), fleet: fleet)
      #expect(try server.get(script).contains("/\(release.digest)/"), "\(server.log)")
      // No room for the metadata, then none for the release.
      try fill(disk)
      try ChannelBench.succeed(promote(release, in: name))
      try await server.wait(for: "make room", at: "api/v1/repository")
      #expect(try server.get(script).contains("/\(release.digest)/"))
      // Never room for both: the server looks every second.
      try #require(try run(["truncate", "-s", "-4M", "\(disk)/filler"]).status == 0)
      try await server.wait(for: "make room", at: "api/v1/channels/dev")
      #expect(try server.get(script).contains("/\(release.digest)/"))
      #expect(try server.get("readyz") == "ready\n")
      try makeRoom(disk)
      try await server.wait(for: "/\(release.nextDigest)/", at: script)
      let library = "\(server.state)/library/releases"
      #expect(
        try Bench.digests(below: "\(library)/\(release.nextDigest)")
          == Bench.digests(below: "\(Self.place)/next/release"))
      let left = try FileManager.default.contentsOfDirectory(atPath: library).filter {
        $0.hasPrefix(".incoming")
      }
      #expect(left.isEmpty, "\(left)")
      #expect(server.stop() == 0, "\(server.log)")
    }
  }
}
