import Foundation
import TestSupport
import Testing

/// Releases and promotions over the server's API, with real processes on both sides.
@Suite(
  "Publishing over the network", .serialized, .enabled(if: Bench.isReady, Bench.whyNot),
  .enabled(if: ChannelBench.hasTools && findTool("curl") != nil, "python3, dpkg-deb or curl is missing"),
  .timeLimit(.minutes(20)))
struct PublishServeTests {
  private static let script = "boot/52-54-00-77-00-01/boot.ipxe"

  @Test func aReleaseGoesFromCIToProdByMachinesThatOnlyReachTheServer() async throws {
    let bench = try await RemoteBench("prod")
    let release = bench.release
    let publish = ["publish", RemoteBench.first, "--signer", "ci"]
    let first = try bench.succeed("ci", publish)
    let firstSent = try #require(RemoteBench.sent(first), "\(first)")
    #expect(first.contains("done: publish \(release.name) \(release.version)"), "\(first)")
    // Kernel, initrd and frames are parts of the UKI, and no byte of them went twice.
    let files = try RemoteBench.files(RemoteBench.first)
    let whole = files.values.reduce(0, +)
    #expect(firstSent < whole * 6 / 10, "\(firstSent) of \(whole)")
    let again = try bench.succeed("ci", publish)
    #expect(RemoteBench.sent(again) == 0 && again.contains("is published already"), "\(again)")

    // The next one costs what differs.
    let second = try bench.succeed("ci", ["publish", RemoteBench.second, "--signer", "ci"])
    let secondSent = try #require(RemoteBench.sent(second), "\(second)")
    let next = try RemoteBench.files(RemoteBench.second)
    let large = ["uki.efi", "initrd"]
    var differing = 0
    for (path, digest) in try Bench.digests(below: RemoteBench.second)
    where files[digest] == nil && !large.contains(String(path.dropFirst(2))) {
      differing += next[digest] ?? 0
    }
    let image = try #require(
      try FileManager.default.attributesOfItem(atPath: "\(RemoteBench.second)/uki.efi")[.size] as? Int)
    print(
      "publish: \(firstSent) of \(whole) bytes, then \(secondSent), of which \(differing) differ; UKI \(image)"
    )
    #expect(secondSent >= differing && secondSent < differing + 1 << 20, "\(secondSent), \(differing)")
    #expect(secondSent * 10 <= image)

    // The repository is what publishing into the directory makes of it.
    var local = try Bench.digests(below: "\(ChannelBench.place)/repository/targets")
    local = local.filter { !$0.key.hasPrefix("./channels/") }
    #expect(try Bench.digests(below: "\(bench.repository)/targets") == local)
    #expect(!FileManager.default.fileExists(atPath: "\(bench.repository)/.uploads/\(release.digest)"))

    let words = [release.name, release.version, "--reason", "a test"]
    try bench.succeed("ci", ["promote"] + words + ["--to", "dev", "--signer", "ci"])
    // The gates are looked at where the key is, from what the server has.
    let unattested = try bench.netimg("ada", ["promote"] + words + ["--to", "staging", "--signer", "ada"])
    #expect(
      unattested.status == 77 && unattested.errorText.contains("no attestation called lab"),
      "\(unattested.errorText)")
    let attest = ["repo", "attest", release.name, release.version, "--name", "lab", "--signer"]
    let stranger = try bench.netimg("ci", attest + ["ci"])
    #expect(
      stranger.status == 77 && stranger.errorText.contains("nobody who may attest"), "\(stranger.errorText)")
    try bench.succeed("lab", attest + ["lab"])
    try bench.succeed("ada", ["promote"] + words + ["--to", "staging", "--signer", "ada"])

    // Two of three, one after the other; the proposal waits at the server.
    let half = try bench.succeed("ada", ["promote"] + words + ["--to", "prod", "--signer", "ada"])
    let name = try #require(half.firstMatch(of: #/^(api-[0-9a-f]+\.json): /#)?.output.1, "\(half)")
    #expect(try !bench.server.get(Self.script).contains(release.digest))
    let reviewed = try bench.netimg("eve", ["repo", "review", String(name)], keys: false)
    let review = reviewed.text
    #expect(reviewed.status == 2, "it waits for signatures: \(reviewed.errorText)")
    #expect(review.contains("\(release.name) to \(release.version)") && review.contains("1 of 2 keys (ada)"))
    let outsider = try bench.netimg("ci", ["repo", "sign", String(name), "--signer", "ci"])
    #expect(outsider.status != 0 && outsider.errorText.contains("may sign nothing"), "\(outsider.errorText)")
    let signed = try bench.succeed("eve", ["repo", "sign", String(name), "--signer", "eve"])
    #expect(signed.hasPrefix("done: "), "\(signed)")
    try await bench.server.wait(for: "/\(release.digest)/", at: Self.script)
    #expect(try bench.server.get("api/v1/repository/proposals") == "[\n\n]\n")

    // A newer one, and back.
    let later = [release.name, release.nextVersion, "--reason", "newer"]
    try bench.succeed("ci", ["promote"] + later + ["--to", "dev", "--signer", "ci"])
    try bench.succeed(
      "lab", ["repo", "attest", release.name, release.nextVersion, "--name", "lab", "--signer", "lab"])
    try bench.succeed("bob", ["promote"] + later + ["--to", "staging", "--signer", "bob"])
    let proposed = try bench.succeed("bob", ["promote"] + later + ["--to", "prod", "--signer", "bob"])
    let waiting = try #require(proposed.firstMatch(of: #/^(api-[0-9a-f]+\.json): /#)?.output.1)
    try bench.succeed("ada", ["repo", "sign", String(waiting), "--signer", "ada"])
    try await bench.server.wait(for: "/\(release.nextDigest)/", at: Self.script)
    let back = [
      "rollback", release.name, release.version, "--in", "prod", "--reason", "it flaps", "--signer", "eve",
    ]
    let rolled = try bench.succeed("eve", back + ["--proposal", "back.json"])
    #expect(rolled.hasPrefix("back.json: "), "\(rolled)")
    // A proposal may as well travel by mail, and be merged over the API.
    try bench.succeed("eve", ["repo", "merge", "back.json"])
    try FileManager.default.copyItem(
      atPath: "\(bench.place)/eve/back.json", toPath: "\(bench.place)/bob/back.json")
    try bench.succeed("bob", ["repo", "sign", "back.json", "--signer", "bob"])
    try bench.succeed("bob", ["repo", "merge", "back.json"])
    try await bench.server.wait(for: "/\(release.digest)/", at: Self.script)

    // Anybody reads, and verifies it.
    let history = try bench.succeed("nobody", ["channel", "history", "prod"], keys: false)
    #expect(history.contains("(ada, eve)") && history.contains("(bob, eve)"), "\(history)")
    #expect(history.contains("rolled back from \(release.nextVersion) to \(release.version)"), "\(history)")
    let list = try bench.succeed("nobody", ["channel", "list"], keys: false)
    #expect(list.contains("\(release.name) \(release.version)  sha256:\(release.digest)"), "\(list)")
    #expect(try bench.netimg("nobody", ["repo", "status", "--days", "1"], keys: false).status == 0)
    let refresh = try bench.netimg("nobody", ["repo", "refresh", "--online", "server"])
    #expect(refresh.status == 64, "\(refresh.errorText)")
    #expect(bench.server.stop() == 0, "\(bench.server.log)")
  }

  @Test func aFrozenChannelIsFrozenForWhoeverAsks() async throws {
    let bench = try await RemoteBench("frozen")
    let release = bench.release
    try bench.succeed("ci", ["publish", RemoteBench.first, "--signer", "ci"])
    try bench.succeed("ci", ["channel", "freeze", "dev", "--reason", "holidays", "--signer", "ci"])
    #expect(
      try bench.succeed("nobody", ["channel", "show", "dev"], keys: false).contains("FROZEN: holidays"))
    let promote = [
      "promote", release.name, release.version, "--to", "dev", "--reason", "x", "--signer", "ci",
    ]
    let refused = try bench.netimg("ci", promote)
    #expect(refused.status == 77 && refused.errorText.contains("frozen"), "\(refused.errorText)")
    try bench.succeed("ci", ["channel", "unfreeze", "dev", "--signer", "ci"])
    try bench.succeed("ci", promote)
    // Somebody proposes what somebody else has just changed.
    let stale = ["channel", "freeze", "dev", "--reason", "a", "--signer", "ci"]
    try FileManager.default.removeItem(atPath: "\(bench.place)/ci/trust")
    let both = try ["1", "2"].map { number in
      try Background(
        [Bench.program] + stale + [
          "--repo", bench.url, "--root", "root.json", "--trust", "t\(number)", "--keys", "keys",
        ],
        output: "\(bench.place)/freeze-\(number).log", directory: "\(bench.place)/ci")
    }
    let statuses = both.map { $0.wait() }.sorted()
    #expect(statuses == [0, 77] || statuses == [0, 0], "\(both.map(\.text))")
    bench.server.stop()
  }

  @Test func aServerThatLiesConvincesNobody() async throws {
    let bench = try await RemoteBench("lies")
    let release = bench.release
    try bench.succeed("ci", ["publish", RemoteBench.first, "--signer", "ci"])
    // Nobody ever promoted it: the server's disk says that it was in dev, by metadata that dev's keys did not sign.
    let metadata = "\(bench.repository)/metadata"
    let promote = [
      "promote", release.name, release.version, "--to", "dev", "--reason", "x", "--signer", "ci",
    ]
    try bench.succeed("ci", promote)
    try bench.succeed(
      "lab", ["repo", "attest", release.name, release.version, "--name", "lab", "--signer", "lab"])
    let newest = try #require(
      try run(["sh", "-c", "ls -v \(metadata)/*.channel-dev.json"]).text.split(separator: "\n").last)
    let good = try Data(contentsOf: URL(fileURLWithPath: String(newest)))
    let forged = String(decoding: good, as: UTF8.self).replacing("\"reason\":\"x\"", with: "\"reason\":\"y\"")
    try #require(forged != String(decoding: good, as: UTF8.self))
    try Data(forged.utf8).write(to: URL(fileURLWithPath: String(newest)))
    for arguments in [
      ["channel", "list"], ["repo", "status"],
      ["promote", release.name, release.version, "--to", "staging", "--reason", "x", "--signer", "ada"],
    ] {
      let fooled = try bench.netimg("ada", arguments, keys: arguments[0] == "promote")
      #expect(fooled.status == 77 && fooled.errorText.contains("channel-dev"), "\(fooled.errorText)")
    }
    bench.server.stop()
  }

  @Test func withoutTheOnlineKeyProposalsWait() async throws {
    let bench = try await RemoteBench("offline", keepsOnlineKey: false)
    let text = try bench.succeed("ci", ["publish", RemoteBench.first, "--signer", "ci"])
    #expect(text.contains("all have signed, but this server does not hold"), "\(text)")
    let all = "\(ChannelBench.place)/keys"
    let waiting = try #require(
      try FileManager.default.contentsOfDirectory(atPath: "\(bench.repository)/proposals").first)
    let merge = try Bench.netimg(
      ["repo", "merge", "repository/proposals/\(waiting)", "--online", "server", "--keys", all],
      in: bench.place)
    #expect(merge.status == 0, "\(merge.errorText)")
    let again = try bench.succeed("ci", ["publish", RemoteBench.first, "--signer", "ci"])
    #expect(again.contains("is published already"), "\(again)")
    bench.server.stop()
  }

  @Test func theLibraryTakesWhatItsKeysHaveSigned() async throws {
    let bench = try await RemoteBench("library")
    let release = bench.release
    func publish(_ path: String) throws -> SubprocessResult {
      try Bench.netimg(["publish", path, "--to", bench.url], in: "\(bench.place)/nobody")
    }
    let first = try publish(RemoteBench.first)
    #expect(first.status == 0, "\(first.errorText)")
    #expect(try bench.server.get("api/v1/releases").contains(release.digest))
    let library = "\(bench.server.state)/library/releases/\(release.digest)"
    #expect(try Bench.digests(below: library) == Bench.digests(below: RemoteBench.first))
    let again = try publish(RemoteBench.first)
    #expect(again.status == 0 && RemoteBench.sent(again.text) == 0, "\(again.text)")
    let second = try publish(RemoteBench.second)
    let sent = try #require(RemoteBench.sent(second.text), "\(second.errorText)")
    let size = try RemoteBench.files(RemoteBench.second).values.reduce(0, +)
    print("library: the second release took \(sent) of \(size) bytes")
    #expect(sent * 8 < size, "\(sent) of \(size)")
    // The shared build is signed by nobody.
    let unsigned = try publish(try await Bench.release().path)
    #expect(unsigned.status == 77 && unsigned.errorText.contains("is not signed"), "\(unsigned.errorText)")
    bench.server.stop()
  }

  @Test func twoWhoSendTheSameAtOnceBothSucceed() async throws {
    let bench = try await RemoteBench("both")
    let words = ["publish", RemoteBench.first, "--signer", "ci", "--repo", bench.url, "--root", "root.json"]
    let both = try ["1", "2"].map { number in
      try Background(
        [Bench.program] + words + ["--trust", "t\(number)", "--keys", "keys"],
        output: "\(bench.place)/publish-\(number).log", directory: "\(bench.place)/ci")
    }
    let statuses = both.map { $0.wait() }
    // Whoever is the second to list it may find that it comes too late.
    #expect(statuses.contains(0) && statuses.allSatisfy { $0 == 0 || $0 == 77 }, "\(both.map(\.text))")
    let again = try bench.succeed("ci", ["publish", RemoteBench.first, "--signer", "ci"])
    #expect(RemoteBench.sent(again) == 0 && again.contains("is published already"), "\(again)")
    #expect(try bench.netimg("nobody", ["repo", "status", "--days", "1"], keys: false).status == 0)
    bench.server.stop()
  }
}
