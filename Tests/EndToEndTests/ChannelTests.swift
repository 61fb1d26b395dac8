import Foundation
import TestSupport
import Testing

/// A repository with two releases of which the second differs from the first in one package, made by the commands alone.
enum ChannelBench {
  static let place = "\(Bench.scratch)/channels"
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
      lab: {signers: [ci], after: dev, builtBy: ci, attestations: {lab: lab}}
      clean: {signers: [ci], vulnerable: ["libzstd1 = 1.0-1", "libc6 < 999:1"]}
      prod: {signers: [ada, bob, eve], threshold: 2, after: dev}
    """

  static func netimg(_ arguments: [String], keys: Bool = true) throws -> SubprocessResult {
    // The roots that are trusted are kept in the directory of keys, and go with the place.
    try Bench.netimg(
      arguments + (keys ? ["--keys", "\(place)/keys"] : []), in: place,
      environment: ["NETIMG_KEYS": "\(place)/keys"])
  }

  static func succeed(_ arguments: [String], keys: Bool = true) throws {
    let result = try netimg(arguments, keys: keys)
    guard result.status == 0 else { throw BenchError("\(arguments): \(result.errorText)") }
  }

  struct Prepared: Sendable {
    let name: String
    let version: String
    let digest: String
    let nextVersion: String
    let nextDigest: String
  }

  /// Both releases are published; the first is current in dev and prod.
  static let prepared = Task { () throws -> Prepared in
    _ = try await Bench.release()
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    try Data(manifest.utf8).write(to: URL(fileURLWithPath: "\(place)/repository.yaml"))
    for name in ["ada", "bob", "eve", "ci", "lab", "server"] {
      try succeed(["key", "new", name, "--no-passphrase"])
    }
    try succeed(["repo", "init", "repository.yaml", "--proposal", "first.json"])
    for name in ["ada", "eve", "ci"] { try succeed(["repo", "sign", "first.json", "--signer", name]) }
    try succeed(["repo", "merge", "first.json", "--online", "server"])
    let signed = ["--signer", "ci", "--keys", "\(place)/keys"]
    let build = try Bench.netimg(
      ["build", Bench.manifest, "--offline", "--output", "\(place)/release"] + signed,
      in: "\(Bench.scratch)/checkout-shared")
    guard build.status == 0 else { throw BenchError("the signed build failed: \(build.errorText)") }
    let directory = "\(place)/next"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Guest/updated-package.py").path
    let clone = try run(["git", "clone", "-q", "\(Bench.scratch)/checkout-shared", "\(directory)/checkout"])
    guard clone.status == 0 else { throw BenchError("git clone: \(clone.errorText)") }
    let next = try run(
      ["python3", script, Bench.program, "\(directory)/checkout", Bench.store, directory] + signed)
    guard next.status == 0 else { throw BenchError("the second build failed: \(next.errorText)") }
    struct Document: Decodable {
      let name: String
      let version: String
    }
    func read(_ path: String) throws -> (Document, String) {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(place)/\(path)/release.json"))
      let digest = try run(["sha256sum", "\(place)/\(path)/release.json"]).text.prefix(64)
      return (try JSONDecoder().decode(Document.self, from: bytes), String(digest))
    }
    let (release, digest) = try read("release")
    let (later, laterDigest) = try read("next/release")
    for path in ["release", "next/release"] {
      try succeed(["publish", path, "--signer", "ci", "--online", "server"])
    }
    let words = [release.name, release.version, "--reason", "a test"]
    try succeed(["promote"] + words + ["--to", "dev", "--signer", "ci", "--online", "server"])
    try succeed(["promote"] + words + ["--to", "prod", "--signer", "ada", "--proposal", "prod.json"])
    try succeed(["repo", "sign", "prod.json", "--signer", "bob"])
    try succeed(["repo", "merge", "prod.json", "--online", "server"])
    return Prepared(
      name: release.name, version: release.version, digest: digest, nextVersion: later.version,
      nextDigest: laterDigest)
  }

  /// A copy of a copy.
  static func copyOf(_ name: String, as other: String) throws -> String {
    let result = try run(["cp", "-a", "\(place)/\(name)", "\(place)/\(other)"])
    guard result.status == 0 else { throw BenchError("cp: \(result.errorText)") }
    return other
  }

  /// A copy of the repository that a test may do as it likes with; its name below ``place``.
  static func copy(_ name: String) async throws -> (repository: String, Prepared) {
    let prepared = try await prepared.value
    let result = try run(["cp", "-a", "\(place)/repository", "\(place)/\(name)"])
    guard result.status == 0 else { throw BenchError("cp: \(result.errorText)") }
    return (name, prepared)
  }

  static let hasTools = findTool("python3") != nil && findTool("dpkg-deb") != nil
}

/// A release is built, published, promoted by signatures and fetched; then somebody tampers with the server's disk.
@Suite(
  "Repository and channels", .serialized, .enabled(if: Bench.isReady, Bench.whyNot),
  .enabled(if: ChannelBench.hasTools, "python3 or dpkg-deb is missing"), .timeLimit(.minutes(20)))
struct ChannelTests {
  private static let place = ChannelBench.place
  private static var prepared: Task<ChannelBench.Prepared, any Error> { ChannelBench.prepared }

  private static func netimg(_ arguments: [String], keys: Bool = true) throws -> SubprocessResult {
    try ChannelBench.netimg(arguments, keys: keys)
  }

  private static func succeed(_ arguments: [String], keys: Bool = true) throws {
    try ChannelBench.succeed(arguments, keys: keys)
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
    let transferredBytes: Int
    let rollbackFrom: String?
  }

  @Test func whatIsHereIsNotFetched() async throws {
    let version = try await Self.prepared.value.version
    let all = try await fetch(["--dry-run", "--json"], trust: "trust-all")
    let report = try JSONDecoder().decode(Report.self, from: Data(all.output))
    #expect(report.version == version && report.missingFiles > 10 && report.files > 10)
    let none = try await fetch(["--dry-run", "--json", "--have", "release"], trust: "trust-none")
    #expect(try JSONDecoder().decode(Report.self, from: Data(none.output)).missingBytes == 0)
    let fetched = try await fetch(["--output", "store"], trust: "trust-fetched")
    #expect(fetched.status == 0, "\(fetched.errorText)")
    // Every file lies under its own digest.
    for (path, digest) in try Bench.digests(below: "\(Self.place)/store") { #expect(path == "./\(digest)") }
  }

  @Test func anUpdateOfOnePackageTransfersATenthAtMost() async throws {
    let (repository, release) = try await ChannelBench.copy("delta")
    let promote = [
      "promote", release.name, release.nextVersion, "--to", "dev", "--reason", "newer", "--repo", repository,
    ]
    try Self.succeed(promote + ["--signer", "ci", "--online", "server"])
    func fetch(_ arguments: [String]) throws -> Report {
      let result = try Self.netimg(
        [
          "fetch", release.name, "--channel", "dev", "--from", repository, "--have", "release", "--json",
          "--root", "\(repository)/metadata/1.root.json",
        ] + arguments, keys: false)
      try #require(result.status == 0, "\(result.errorText)")
      return try JSONDecoder().decode(Report.self, from: Data(result.output))
    }
    let predicted = try fetch(["--trust", "delta-dry", "--dry-run"])
    let done = try fetch(["--trust", "delta-trust", "--output", "delta-store"])
    #expect(predicted.missingBytes == done.missingBytes)
    let image = try run(["stat", "-c", "%s", "\(Self.place)/next/release/uki.efi"]).text
    let size = try #require(Int(image.trimmingCharacters(in: .whitespacesAndNewlines)))
    print("delta: \(done.transferredBytes) of \(size) bytes, \(done.missingFiles) files")
    #expect(done.transferredBytes * 10 <= size, "\(done)")
    // What was put together is what was built.
    for name in ["uki.efi", "initrd", "vmlinuz", "sbom.spdx.json"] {
      let digest = try run(["sha256sum", "\(Self.place)/next/release/\(name)"]).text.prefix(64)
      let here = FileManager.default.fileExists(atPath: "\(Self.place)/delta-store/\(digest)")
      #expect(here || name == "vmlinuz", "\(name)")
    }
    for (path, digest) in try Bench.digests(below: "\(Self.place)/delta-store") {
      #expect(path == "./\(digest)")
    }
    // Broken off in the middle of the largest file: the rest is fetched, and what lies there damaged is fetched anew.
    let uki = try run(["sha256sum", "\(Self.place)/next/release/uki.efi"]).text.prefix(64)
    let store = "\(Self.place)/delta-store"
    _ = try run(["sh", "-c", "rm -f \(Self.place)/\(repository)/targets/objects/*/*.recipe"])
    _ = try run(["sh", "-c", "head -c 9000000 \(store)/\(uki) > \(store)/\(uki).part; rm \(store)/\(uki)"])
    let resumed = try fetch(["--trust", "delta-trust", "--output", "delta-store"])
    #expect(resumed.missingBytes == size && resumed.transferredBytes < size - 8_000_000)
    _ = try run(["sh", "-c", "head -c 9000000 /dev/zero > \(store)/\(uki).part; rm \(store)/\(uki)"])
    _ = try fetch(["--trust", "delta-trust", "--output", "delta-store"])
    for (path, digest) in try Bench.digests(below: store) { #expect(path == "./\(digest)") }
  }

  @Test func aRollbackIsSignedAsSuchAndAReplayIsNone() async throws {
    let (repository, release) = try await ChannelBench.copy("rollback")
    let signed = ["--signer", "ci", "--online", "server", "--repo", repository]
    let fetch = [
      "fetch", release.name, "--channel", "dev", "--from", repository, "--trust", "rollback-trust", "--json",
      "--root", "\(repository)/metadata/1.root.json", "--dry-run",
    ]
    func current() throws -> Report {
      let result = try Self.netimg(fetch, keys: false)
      try #require(result.status == 0, "\(result.errorText)")
      return try JSONDecoder().decode(Report.self, from: Data(result.output))
    }
    try Self.succeed(
      ["promote", release.name, release.nextVersion, "--to", "dev", "--reason", "newer"] + signed)
    let before = try ChannelBench.copyOf(repository, as: "rollback-before")
    #expect(try current().version == release.nextVersion)
    let older = try Self.netimg(
      ["promote", release.name, release.version, "--to", "dev", "--reason", "x"] + signed)
    #expect(older.status == 77 && older.errorText.contains("netimg rollback"), "\(older.errorText)")
    try Self.succeed(
      ["rollback", release.name, release.version, "--in", "dev", "--reason", "it flaps"] + signed)
    let back = try current()
    #expect(back.version == release.version && back.rollbackFrom == release.nextVersion)
    let history = try Self.netimg(["channel", "history", "dev", "--repo", repository], keys: false).text
    #expect(history.contains("rolled back from \(release.nextVersion) to \(release.version)"), "\(history)")
    #expect(history.contains("it flaps  (ci)") || history.contains("it flaps"), "\(history)")
    // The state before, once more: as good as it ever was, and older than what was seen.
    let replayed = try Self.netimg(fetch.map { $0 == repository ? before : $0 }, keys: false)
    #expect(
      replayed.status == 77 && replayed.errorText.contains("was trusted before"), "\(replayed.errorText)")
  }

  @Test func gatesRefuseBeforeAnybodySigns() async throws {
    let (repository, release) = try await ChannelBench.copy("gates")
    let signed = ["--signer", "ci", "--online", "server", "--repo", repository]
    func promote(_ version: String, to channel: String) throws -> SubprocessResult {
      try Self.netimg(["promote", release.name, version, "--to", channel, "--reason", "x"] + signed)
    }
    let skipped = try promote(release.nextVersion, to: "lab")
    #expect(skipped.status == 77 && skipped.errorText.contains("never been in dev"), "\(skipped.errorText)")
    let unattested = try promote(release.version, to: "lab")
    #expect(
      unattested.status == 77 && unattested.errorText.contains("no attestation called lab"),
      "\(unattested.errorText)")
    let attest = ["repo", "attest", release.name, release.version, "--name", "lab", "--repo", repository]
    try Self.succeed(attest + ["--signer", "ci"])
    let stranger = try promote(release.version, to: "lab")
    #expect(
      stranger.status == 77 && stranger.errorText.contains("not signed by enough"), "\(stranger.errorText)")
    try Self.succeed(attest + ["--signer", "lab"])
    let attested = try promote(release.version, to: "lab")
    #expect(attested.status == 0, "\(attested.errorText)")
    let vulnerable = try promote(release.version, to: "clean")
    #expect(
      vulnerable.status == 77 && vulnerable.errorText.contains("holds libc6 2.41"), "\(vulnerable.errorText)")
    // Clients look at it too: the attestation that the metadata demand was there when it was promoted, and is gone.
    let fetch = [
      "fetch", release.name, "--channel", "lab", "--from", repository, "--trust", "gates-trust", "--root",
      "\(repository)/metadata/1.root.json", "--dry-run",
    ]
    #expect(try Self.netimg(fetch, keys: false).status == 0)
    _ = try run(["sh", "-c", "rm \(Self.place)/\(repository)/targets/objects/*/*.attestation.lab.dsse.json"])
    let gone = try Self.netimg(fetch, keys: false)
    #expect(gone.status == 77 && gone.errorText.contains("no attestation called lab"), "\(gone.errorText)")
  }

  @Test func ofTwoOperatorsWhoMergeAtOnceOneWins() async throws {
    let (repository, release) = try await ChannelBench.copy("race")
    let words = ["--signer", "ci", "--repo", repository, "--keys", "\(Self.place)/keys"]
    let promote = [
      "promote", release.name, release.nextVersion, "--to", "dev", "--reason", "x", "--proposal",
      "race-1.json",
    ]
    let freeze = ["channel", "freeze", "dev", "--reason", "y", "--proposal", "race-2.json"]
    let log = { (name: String) in "\(Bench.scratch)/race-\(name).log" }
    let both = try [(promote, "1"), (freeze, "2")].map { arguments, name in
      try Background([Bench.program] + arguments + words, output: log(name), directory: Self.place)
    }
    let statuses = both.map { $0.wait() }.sorted()
    let texts = both.map(\.text).joined(separator: "\n")
    // One after the other: the second was made for the state before the first, or saw the channel frozen.
    #expect(statuses == [0, 77] || statuses == [0, 0], "\(texts)")
    let history = try Self.netimg(["channel", "history", "dev", "--repo", repository], keys: false)
    let changes = history.text.split(separator: "\n").count { $0.hasPrefix("3  ") || $0.hasPrefix("4  ") }
    #expect(history.status == 0 && changes == statuses.count { $0 == 0 }, "\(history.text)")
    try Self.succeed(["repo", "refresh", "--online", "server", "--repo", repository])
    #expect(
      try Self.netimg(["repo", "status", "--repo", repository, "--days", "1"], keys: false).status == 0)
  }

  @Test func aFrozenChannelIsLeftAloneUntilItThaws() async throws {
    let (repository, release) = try await ChannelBench.copy("frozen")
    let signed = ["--signer", "ci", "--online", "server", "--repo", repository]
    try Self.succeed(["channel", "freeze", "dev", "--reason", "holidays"] + signed)
    let shown = try Self.netimg(["channel", "show", "dev", "--repo", repository], keys: false).text
    #expect(shown.contains("FROZEN: holidays"), "\(shown)")
    let words = ["promote", release.name, release.nextVersion, "--to", "dev", "--reason", "x"] + signed
    let refused = try Self.netimg(words)
    #expect(refused.status == 77 && refused.errorText.contains("frozen"), "\(refused.errorText)")
    try Self.succeed(["channel", "unfreeze", "dev"] + signed)
    try Self.succeed(words)
    let list = try Self.netimg(["channel", "list", "--repo", repository], keys: false).text
    #expect(
      list.contains("\(release.name) \(release.nextVersion)") && list.contains("prod  version"), "\(list)")
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
      // The last one: its own, and not that of the snapshot that it names.
      let forged = text.replacing(#/"version":[0-9]+\},"signatures"/#, with: "\"version\":99},\"signatures\"")
      let other = text.replacing(#/"version":[0-9]+/#, with: "\"version\":99")
      try replace(path, with: Data((forged == text ? other : forged).utf8))
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
