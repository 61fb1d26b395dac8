import Foundation
import TestSupport
import Testing

/// What those who hold keys see and sign, by the commands alone.
@Suite("Key holders", .serialized, .enabled(if: Bench.isReady, Bench.whyNot))
struct KeyHolderTests {
  private let place: String
  private static let manifest = """
    kind: Repository
    people: {ada: ada, bob: bob, ci: ci, server: server}
    roles:
      root: {signers: [ada, bob], threshold: 2, count: people}
      targets: {signers: [ada, bob]}
      releases: {signers: [ci]}
      snapshot: {signers: [server]}
      timestamp: {signers: [server]}
    channels:
      prod: {signers: [ada, bob], threshold: 2}
    """

  init() throws {
    place = "\(Bench.scratch)/holders-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    try write(Self.manifest)
    for name in ["ada", "bob", "ci", "server"] { try succeed(["key", "new", name, "--no-passphrase"]) }
  }

  private func write(_ manifest: String) throws {
    try Data(manifest.utf8).write(to: URL(fileURLWithPath: "\(place)/repository.yaml"))
  }

  private func netimg(_ arguments: [String]) throws -> SubprocessResult {
    try Bench.netimg(arguments, in: place, environment: ["NETIMG_KEYS": "\(place)/keys"])
  }

  @discardableResult
  private func succeed(_ arguments: [String]) throws -> SubprocessResult {
    let result = try netimg(arguments)
    guard result.status == 0 else { throw BenchError("\(arguments): \(result.errorText)") }
    return result
  }

  private func begin() throws -> SubprocessResult {
    try succeed(["repo", "init", "repository.yaml", "--proposal", "first.json"])
    for name in ["ada", "bob", "ci"] { try succeed(["repo", "sign", "first.json", "--signer", name]) }
    return try succeed(["repo", "merge", "first.json", "--online", "server"])
  }

  @Test func aReviewSaysForWhomItWaitsAndNothingElseIsSigned() throws {
    _ = try begin()
    try write(
      Self.manifest.replacing("prod: {signers: [ada, bob], threshold: 2}", with: "prod: {signers: [ada]}"))
    try succeed(["repo", "propose", "repository.yaml", "--proposal", "change.json", "--reason", "\u{1b}[2Kx"])
    func review(_ arguments: [String] = []) throws -> SubprocessResult {
      try netimg(["repo", "review", "change.json"] + arguments)
    }
    let first = try review(["--key", "ada"])
    #expect(first.status == 2, "\(first.errorText)")
    #expect(first.text.contains("channel-prod: 1 key must sign, were 2"), "\(first.text)")
    #expect(!first.text.contains("\u{1b}"))
    let mine = try review(["--key", "ci"])
    #expect(mine.status == 3)
    let digest = try #require(first.text.firstMatch(of: #/sha256:([0-9a-f]{64})/#)?.1)
    let other = try netimg([
      "repo", "sign", "change.json", "--signer", "ada", "--expect", String(repeating: "0", count: 64),
    ])
    #expect(other.status == 77 && other.errorText.contains("review it again"), "\(other.errorText)")
    let unsigned = try review(["--key", "ada"])
    #expect(unsigned.status == 2)
    let signed = try succeed(["repo", "sign", "change.json", "--signer", "ada", "--expect", String(digest)])
    #expect(signed.errorText.contains("channel-prod: 1 key must sign, were 2"))
    let done = try review()
    #expect(done.status == 0, "\(done.text)")
    let keys = try succeed(["repo", "keys"]).text
    #expect(keys.contains("root  2 of 2 people must sign"), "\(keys)")
  }

  @Test func aRootIsKeptTheFirstTime() throws {
    let merged = try begin()
    let digest = try run(["sha256sum", "\(place)/repository/metadata/1.root.json"]).text.prefix(64)
    #expect(merged.errorText.contains("sha256:\(digest)"), "\(merged.errorText)")
    let again = try succeed(["repo", "status"])
    #expect(!again.errorText.contains("trusted from now on"), "\(again.errorText)")
    // Somebody who has the disk puts a repository of their own there.
    let foreign = "\(place)/foreign"
    #expect(try run(["mv", "\(place)/repository", foreign]).status == 0)
    #expect(try run(["mv", "\(place)/keys/roots", "\(place)/roots"]).status == 0)
    try write(Self.manifest.replacing("count: people}", with: "count: people, days: 99}"))
    _ = try begin()
    #expect(try run(["rm", "-r", "\(place)/keys/roots"]).status == 0)
    #expect(try run(["mv", "\(place)/roots", "\(place)/keys/roots"]).status == 0)
    for verb in [
      ["repo", "status"], ["repo", "refresh", "--online", "server", "--force"], ["channel", "list"],
    ] {
      let result = try netimg(verb)
      #expect(result.status != 0 && result.errorText.contains("keys/roots"), "\(verb): \(result.errorText)")
    }
    let meant = try netimg(["repo", "status", "--root", "repository/metadata/1.root.json"])
    #expect(meant.status == 0, "\(meant.errorText)")
    let later = try netimg(["repo", "status"])
    #expect(later.status == 0, "\(later.errorText)")
  }
}
