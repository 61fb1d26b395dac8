import Foundation
import TestSupport
import Testing

/// A release is built, published, promoted by signatures and fetched; then somebody tampers with the server's disk.
@Suite("Repository and channels", .serialized, .enabled(if: Bench.isReady, Bench.whyNot))
struct ChannelTests {
  private static let place = "\(Bench.scratch)/channels"
  private static let manifest = """
    kind: Repository
    people: {ada: ada, bob: bob, eve: eve, ci: ci, server: server}
    roles:
      root: {signers: [ada, bob, eve], threshold: 2, count: people}
      targets: {signers: [ada, bob]}
      releases: {signers: [ci]}
      snapshot: {signers: [server]}
      timestamp: {signers: [server]}
    channels:
      dev: {signers: [ci]}
      prod: {signers: [ada, bob, eve], threshold: 2, after: dev}
    """

  private static func netimg(_ arguments: [String], keys: Bool = true) throws -> SubprocessResult {
    try Bench.netimg(arguments + (keys ? ["--keys", "\(place)/keys"] : []), in: place)
  }

  private static func succeed(_ arguments: [String], keys: Bool = true) throws {
    let result = try netimg(arguments, keys: keys)
    guard result.status == 0 else { throw BenchError("\(arguments): \(result.errorText)") }
  }

  /// A repository with a signed release that both channels have; the image's name and version.
  private static let prepared = Task { () throws -> (name: String, version: String) in
    _ = try await Bench.release()
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    try Data(manifest.utf8).write(to: URL(fileURLWithPath: "\(place)/repository.yaml"))
    for name in ["ada", "bob", "eve", "ci", "server"] {
      try succeed(["key", "new", name, "--no-passphrase"])
    }
    try succeed(["repo", "init", "repository.yaml", "--proposal", "first.json"])
    for name in ["ada", "eve", "ci"] { try succeed(["repo", "sign", "first.json", "--signer", name]) }
    try succeed(["repo", "merge", "first.json", "--online", "server"])
    let build = try Bench.netimg(
      [
        "build", Bench.manifest, "--offline", "--signer", "ci", "--keys", "\(place)/keys", "--output",
        "\(place)/release",
      ], in: "\(Bench.scratch)/checkout-shared")
    guard build.status == 0 else { throw BenchError("the signed build failed: \(build.errorText)") }
    try succeed(["publish", "release", "--signer", "ci", "--online", "server"])
    struct Document: Decodable {
      let name: String
      let version: String
    }
    let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(place)/release/release.json"))
    let release = try JSONDecoder().decode(Document.self, from: bytes)
    let words = [release.name, release.version, "--reason", "a test"]
    try succeed(["promote"] + words + ["--to", "dev", "--signer", "ci", "--online", "server"])
    try succeed(["promote"] + words + ["--to", "prod", "--signer", "ada", "--proposal", "prod.json"])
    try succeed(["repo", "sign", "prod.json", "--signer", "bob"])
    try succeed(["repo", "merge", "prod.json", "--online", "server"])
    return (release.name, release.version)
  }

  private func fetch(_ arguments: [String], trust: String) async throws -> SubprocessResult {
    let image = try await Self.prepared.value.name
    return try Self.netimg(
      [
        "fetch", image, "--channel", "prod", "--from", "repository", "--trust", trust,
        "--root", "repository/metadata/1.root.json",
      ] + arguments, keys: false)
  }

  private struct Report: Decodable {
    let version: String
    let files: Int
    let missingFiles: Int
    let missingBytes: Int
  }

  @Test func whatIsHereIsNotFetched() async throws {
    let version = try await Self.prepared.value.version
    let all = try await fetch(["--dry-run", "--json"], trust: "trust-all")
    let report = try JSONDecoder().decode(Report.self, from: Data(all.output))
    #expect(report.version == version && report.missingFiles == report.files && report.files > 10)
    let none = try await fetch(["--dry-run", "--json", "--have", "release"], trust: "trust-none")
    #expect(try JSONDecoder().decode(Report.self, from: Data(none.output)).missingBytes == 0)
    let fetched = try await fetch(["--output", "store"], trust: "trust-fetched")
    #expect(fetched.status == 0, "\(fetched.errorText)")
    // Every file lies under its own digest.
    for (path, digest) in try Bench.digests(below: "\(Self.place)/store") { #expect(path == "./\(digest)") }
  }

  @Test func publishingAgainChangesNothing() async throws {
    _ = try await Self.prepared.value
    let before = try Bench.digests(below: "\(Self.place)/repository/targets")
    try Self.succeed(["publish", "release", "--signer", "ci"])
    #expect(try Bench.digests(below: "\(Self.place)/repository/targets") == before)
    #expect(try Self.netimg(["repo", "status"], keys: false).status == 0)
  }

  @Test func aPromotionWithoutTheOthersIsOnlyAProposal() async throws {
    let release = try await Self.prepared.value
    let again = try Self.netimg(
      ["promote", release.name, release.version, "--to", "prod", "--reason", "x", "--signer", "ada"])
    #expect(again.status == 77 && again.errorText.contains("nothing to do"), "\(again.errorText)")
    let frozen = try Self.netimg(
      ["channel", "freeze", "prod", "--reason", "x", "--signer", "ada", "--proposal", "freeze.json"])
    #expect(frozen.status == 0)
    let merge = try Self.netimg(["repo", "merge", "freeze.json", "--online", "server"])
    #expect(merge.status == 77 && merge.errorText.contains("1 of the 2 keys"), "\(merge.errorText)")
    let history = try Self.netimg(["channel", "history", "prod"], keys: false)
    #expect(history.text.contains("(ada, bob)"), "\(history.text)")
  }

  @Test(arguments: ["timestamp", "snapshot", "channel", "release", "frame"])
  func aServerThatIsBrokenIntoConvincesNobody(_ attack: String) async throws {
    _ = try await Self.prepared.value
    let image = try await Self.prepared.value.name
    let copy = "\(Self.place)/tampered-\(attack)"
    #expect(try run(["cp", "-a", "\(Self.place)/repository", copy]).status == 0)
    func files(_ pattern: String) throws -> [String] {
      try run(["sh", "-c", "ls -v \(copy)/\(pattern)"]).text.split(separator: "\n").map(String.init)
    }
    func replace(_ path: String, with bytes: Data) throws { try bytes.write(to: URL(fileURLWithPath: path)) }
    func read(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }
    switch attack {
    case "timestamp":
      let path = "\(copy)/metadata/timestamp.json"
      let text = String(decoding: try read(path), as: UTF8.self)
      try replace(path, with: Data(text.replacing("\"version\":1", with: "\"version\":9").utf8))
    case "snapshot":
      let versions = try files("metadata/*.snapshot.json")
      try replace(try #require(versions.last), with: read(try #require(versions.first)))
    case "channel":
      // What dev's keys signed, under prod's name.
      let path = try #require(try files("metadata/*.channel-prod.json").last)
      try replace(path, with: read(try #require(try files("metadata/*.channel-dev.json").last)))
    case "release":
      try replace(try #require(try files("targets/channels/prod/*.\(image)").first), with: Data("{}".utf8))
    default:
      let frame = try #require(
        try files("../release/frames/*").first.map { ($0 as NSString).lastPathComponent })
      var bytes = try read("\(copy)/targets/objects/\(frame.prefix(2))/\(frame)")
      bytes[bytes.count / 2] ^= 1
      try replace("\(copy)/targets/objects/\(frame.prefix(2))/\(frame)", with: bytes)
    }
    let result = try Self.netimg(
      [
        "fetch", image, "--channel", "prod", "--from", copy, "--trust", "trust-\(attack)",
        "--root", "repository/metadata/1.root.json", "--output", "store-\(attack)",
      ], keys: false)
    #expect(result.status == 77, "\(result.status): \(result.errorText)")
  }

  @Test func theClientForAnyRepositoryReadsItToo() async throws {
    let release = try await Self.prepared.value
    let (trust, out) = ("\(Self.place)/tuf", "\(Self.place)/tuf-out")
    try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
    try Self.succeed(
      ["tuf", "--metadata-dir", trust, "init", "repository/metadata/1.root.json"], keys: false)
    let target = "channels/prod/\(release.name)"
    let url = "file://\(Self.place)/repository"
    try Self.succeed(
      [
        "tuf", "--metadata-url", "\(url)/metadata", "--metadata-dir", trust, "--target-name", target,
        "--target-dir", out, "--target-base-url", "\(url)/targets", "download",
      ], keys: false)
    let got = try Data(contentsOf: URL(fileURLWithPath: "\(out)/channels%2Fprod%2F\(release.name)"))
    #expect(try got == Data(contentsOf: URL(fileURLWithPath: "\(Self.place)/release/release.json")))
    // One status for every failure: that is the contract.
    let missing = try Self.netimg(
      [
        "tuf", "--metadata-url", "\(url)/metadata", "--metadata-dir", trust, "--target-name", "none",
        "--target-dir", out, "--target-base-url", "\(url)/targets", "download",
      ], keys: false)
    #expect(missing.status == 1 && missing.errorText.contains("none"))
  }
}
