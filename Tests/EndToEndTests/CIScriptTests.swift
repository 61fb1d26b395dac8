import Foundation
import TestSupport
import Testing

/// The pipeline of docs/ci.md, as it is.
@Suite(
  "The CI script", .serialized, .enabled(if: Bench.isReady, Bench.whyNot),
  .enabled(if: ChannelBench.hasTools, "python3 or dpkg-deb is missing"), .timeLimit(.minutes(15)))
struct CIScriptTests {
  @Test func aPipelineEndsInAChannelAndASecondRunChangesNothing() async throws {
    let (name, _) = try await ChannelBench.copy("ci")
    let place = ChannelBench.place
    let clone = try Self.checkout("ci-checkout")
    let copied = "\(place)/ci-copy"
    try Data("#!/bin/sh\necho \"$1\" >>\(copied)\n".utf8).write(
      to: URL(fileURLWithPath: "\(place)/ci-publish"))
    chmod("\(place)/ci-publish", 0o755)
    let environment = [
      "NETIMG": Bench.program, "NETIMG_KEYS": "\(place)/keys", "REPO": "\(place)/\(name)", "ONLINE": "server",
      "OUT": "\(place)/ci-out", "PUBLISH": "\(place)/ci-publish", "NETIMG_STORE": Bench.store,
    ]
    let command = ["\(Bench.repository)/tools/ci-release", "manifests/minimal.yaml"]
    let first = try run(command, environment: environment, directory: clone)
    #expect(first.status == 0, "\(first.text)\n\(first.errorText)")
    let version = try #require(first.text.firstMatch(of: #/== promote minimal (\S+) to dev/#)?.output.1)
    let shown = try ChannelBench.netimg(["channel", "show", "dev", "--repo", name], keys: false).text
    #expect(shown.contains("minimal \(version)  "), "\(shown)")
    let history = try ChannelBench.netimg(["channel", "history", "dev", "--repo", name], keys: false).text
    let second = try run(command, environment: environment, directory: clone)
    #expect(second.status == 0 && second.text.contains("is what dev has already"), "\(second.errorText)")
    #expect(
      try ChannelBench.netimg(["channel", "history", "dev", "--repo", name], keys: false).text == history)
    #expect(
      try String(contentsOf: URL(fileURLWithPath: copied), encoding: .utf8).split(separator: "\n").count == 2)
    // A lock that is not the manifest's ends it before anything is built.
    try Data("\ndrop: []\n".utf8).write(to: URL(fileURLWithPath: "\(clone)/manifests/minimal.lock.json"))
    let broken = try run(command, environment: environment, directory: clone)
    #expect(broken.status != 0 && !broken.text.contains("== build"), "\(broken.text)")
  }

  /// What this commit builds is another version than the one before: a clone with one commit more.
  private static func checkout(_ name: String) throws -> String {
    let clone = "\(ChannelBench.place)/\(name)"
    try #require(try run(["git", "clone", "-q", "\(Bench.scratch)/checkout-shared", clone]).status == 0)
    try #require(
      try run([
        "git", "-C", clone, "-c", "user.name=t", "-c", "user.email=t@example.org", "-c",
        "commit.gpgsign=false",
        "commit", "-q", "--allow-empty", "-m", "One more",
      ]).status == 0)
    return clone
  }

  @Test(.enabled(if: findTool("curl") != nil, "curl is missing"))
  func aPipelineThatReachesOnlyAServerEndsInAChannelToo() async throws {
    let bench = try await RemoteBench("pipeline")
    let clone = try Self.checkout("ci-remote-checkout")
    let machine = "\(bench.place)/ci"
    let environment = [
      "NETIMG": Bench.program, "NETIMG_KEYS": "\(machine)/keys", "REPO": bench.url,
      "ROOT": "\(machine)/root.json", "OUT": "\(machine)/out", "NETIMG_STORE": Bench.store,
      "XDG_STATE_HOME": "\(machine)/state",
    ]
    let command = ["\(Bench.repository)/tools/ci-release", "manifests/minimal.yaml"]
    let first = try run(command, environment: environment, directory: clone)
    #expect(first.status == 0, "\(first.text)\n\(first.errorText)")
    let version = try #require(first.text.firstMatch(of: #/== promote minimal (\S+) to dev/#)?.output.1)
    let shown = try bench.succeed("nobody", ["channel", "show", "dev"], keys: false)
    #expect(shown.contains("minimal \(version)  "), "\(shown)")
    let second = try run(command, environment: environment, directory: clone)
    #expect(second.status == 0 && second.text.contains("is what dev has already"), "\(second.errorText)")
    #expect(second.text.contains("nothing was sent"), "\(second.text)")
    bench.server.stop()
  }
}
