import Foundation
import TestSupport
import Testing

/// The same API with bytes as somebody else would send them, and a server that dies.
@Suite(
  "Hostile uploads", .serialized, .enabled(if: Bench.isReady, Bench.whyNot),
  .enabled(if: ChannelBench.hasTools && findTool("curl") != nil, "python3, dpkg-deb or curl is missing"),
  .timeLimit(.minutes(20)))
struct HostileUploadTests {
  /// Sends a request; the answer's status and text.
  private static func curl(_ bench: RemoteBench, _ path: String, _ arguments: [String]) throws -> (
    Int, String
  ) {
    let result = try run(
      ["curl", "-sS", "--path-as-is", "--max-time", "60", "-w", "\n%{http_code}"] + arguments + [
        "\(bench.url)/\(path)"
      ])
    let lines = result.text.split(separator: "\n", omittingEmptySubsequences: false)
    return (Int(lines.last ?? "") ?? 0, lines.dropLast().joined(separator: "\n"))
  }

  private static func size(_ path: String) throws -> Int {
    try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
  }

  private static func digest(_ path: String) throws -> String {
    String(try run(["sha256sum", path]).text.prefix(64))
  }

  @Test func onlyWhatIsSignedComesIn() async throws {
    let bench = try await RemoteBench("hostile")
    let release = bench.release.digest
    let first = RemoteBench.first
    let uploads = "api/v1/repository/uploads"
    func begin(_ file: String) throws -> (Int, String) {
      try Self.curl(bench, uploads, ["--data-binary", "@\(file)"])
    }
    // One byte of the payload is another.
    var forged = try Data(contentsOf: URL(fileURLWithPath: "\(first)/release.dsse.json"))
    forged[forged.count / 4] = forged[forged.count / 4] == 0x41 ? 0x42 : 0x41
    let forgery = "\(bench.place)/forged.json"
    try forged.write(to: URL(fileURLWithPath: forgery))
    let (forgedStatus, sentence) = try begin(forgery)
    #expect([400, 403].contains(forgedStatus) && !sentence.isEmpty, "\(sentence)")
    for garbage in ["", "{}", "null", "{\"payload\":1}", String(repeating: "[", count: 50_000)] {
      let path = "\(bench.place)/garbage"
      try Data(garbage.utf8).write(to: URL(fileURLWithPath: path))
      let (status, text) = try begin(path)
      #expect(status == 400, "\(text)")
      let (proposed, why) = try Self.curl(
        bench, "api/v1/repository/proposals", ["--data-binary", "@\(path)"])
      #expect(proposed == 400, "\(why)")
    }
    #expect(!FileManager.default.fileExists(atPath: "\(bench.repository)/.uploads"))
    let (unknown, _) = try Self.curl(bench, "\(uploads)/\(release)", [])
    #expect(unknown == 404)

    #expect(try begin("\(first)/release.dsse.json").0 == 200)
    let kernel = try Self.digest("\(first)/vmlinuz")
    let kernelSize = try Self.size("\(first)/vmlinuz")
    let object = "\(uploads)/\(release)/objects"
    func put(_ digest: String, _ arguments: [String]) throws -> Int {
      try Self.curl(bench, "\(object)/\(digest)", ["-X", "PUT"] + arguments).0
    }
    #expect(try put(Self.digest(forgery), ["--data-binary", "@\(forgery)"]) == 403)
    // A frame, before the index that names it.
    let frame = try #require(try FileManager.default.contentsOfDirectory(atPath: "\(first)/frames").first)
    #expect(try put(frame, ["--data-binary", "@\(first)/frames/\(frame)"]) == 403)
    #expect(try put(kernel, ["--data-binary", "@\(first)/initrd"]) == 413)
    let wrong = "\(bench.place)/wrong"
    _ = try run(["sh", "-c", "head -c \(kernelSize) /dev/zero > \(wrong)"])
    #expect(try put(kernel, ["--data-binary", "@\(wrong)"]) == 422)
    _ = try run(["sh", "-c", "head -c 1000 \(first)/vmlinuz > \(wrong)"])
    #expect(try put(kernel, ["--data-binary", "@\(wrong)"]) == 422)
    #expect(
      try put(
        kernel,
        ["-H", "Content-Range: bytes 999-\(kernelSize - 1)/\(kernelSize)", "--data-binary", "@\(wrong)"])
        == 409)
    #expect(try put(kernel, ["-H", "Content-Range: pages 1-2", "--data-binary", "@\(wrong)"]) == 400)
    #expect(
      try put(kernel, ["-H", "Content-Length: 9223372036854775807", "-H", "Expect:", "--data-binary", "x"])
        == 413)
    #expect(
      try put(kernel, ["-H", "Content-Type: application/vnd.netimg.composed", "--data-binary", "{}\n"]) == 400
    )
    // A body of parts begins anew; so does this.
    #expect(try put(kernel, ["--data-binary", "@\(wrong)"]) == 422)
    // In chunks, without a length: all but the last 1000 bytes, then too many.
    let piped = { (command: String, offset: Int) in
      try run([
        "sh", "-c",
        "\(command) | curl -sS -o /dev/null -w '%{http_code}' -T - -H 'Content-Range: bytes \(offset)-\(kernelSize)/\(kernelSize)' \(bench.url)/\(object)/\(kernel)",
      ]).text
    }
    #expect(try piped("tail -c +1001 \(first)/vmlinuz | head -c -1000", 1000) == "422")
    #expect(try piped("cat \(first)/initrd", kernelSize - 1000) == "413")
    for path in [
      "\(object)/..%2f..%2fx", "\(object)/../../../x", "\(uploads)/../../etc/passwd/objects/\(kernel)",
      "\(uploads)/%2e%2e/objects/\(kernel)", "\(uploads)/\(release)%00/objects/\(kernel)",
    ] {
      let status = try Self.curl(bench, path, ["-X", "PUT", "--data-binary", "x"]).0
      #expect([400, 403, 404, 405].contains(status), "\(path): \(status)")
    }
    for path in [
      "repository/../state/fleet.sqlite", "repository/metadata/%25lock",
      "repository/.uploads/\(release)/release.dsse.json",
      "repository/metadata/..%2f..%2fserver.yaml", "repository/targets/", "repository/metadata",
      "repository/repository.yaml",
      "repository/proposals/x.json", "repository/targets/objects/..", "repository//metadata//",
    ] {
      let status = try Self.curl(bench, path, []).0
      #expect([400, 404].contains(status), "\(path): \(status)")
    }
    #expect(try Self.curl(bench, "repository/metadata/timestamp.json", []).0 == 200)
    for method in ["PUT", "POST", "DELETE", "PATCH"] {
      #expect(try Self.curl(bench, "repository/metadata/timestamp.json", ["-X", method, "-d", "x"]).0 == 405)
      #expect(try Self.curl(bench, "api/v1/devices", ["-X", method, "-d", "x"]).0 == 405)
    }
    // An end that comes too early, and one that is none.
    #expect(try Self.curl(bench, "\(uploads)/\(release)/finish", ["-d", "{}"]).0 == 400)
    let early =
      #"{"format":"netimg-publication-1","release":"\#(release)","signatures":{},"certificates":[]}"#
    #expect(try Self.curl(bench, "\(uploads)/\(release)/finish", ["-d", early]).0 == 409)
    // A program for Secure Boot that nobody vouches for.
    let table = early.replacing("[]", with: #"[{"type":2,"content":"AAAA"}]"#)
    #expect(try Self.curl(bench, "\(uploads)/\(release)/finish", ["-d", table]).0 == 403)
    // Nothing of all this is in anybody's way.
    let published = try bench.succeed("ci", ["publish", first, "--signer", "ci"])
    #expect(published.contains("done: publish"), "\(published)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(bench.repository)/.uploads").isEmpty)
    #expect(bench.server.stop() == 0, "\(bench.server.log)")
  }

  @Test func aServerThatIsKilledInTheMiddleGoesOn() async throws {
    let bench = try await RemoteBench("killed")
    let release = bench.release.digest
    let first = RemoteBench.first
    let uploads = "api/v1/repository/uploads"
    #expect(try Self.curl(bench, uploads, ["--data-binary", "@\(first)/release.dsse.json"]).0 == 200)
    let kernel = try Self.digest("\(first)/vmlinuz")
    let sender = try Background(
      [
        "curl", "-sS", "--limit-rate", "2M", "-T", "\(first)/vmlinuz",
        "\(bench.url)/\(uploads)/\(release)/objects/\(kernel)",
      ], output: "\(bench.place)/sender.log")
    let part = "\(bench.repository)/.uploads/\(release)/objects/\(kernel).part"
    try sender.wait(for: "a part of the kernel") { (try? Self.size(part)).map { $0 > 1_000_000 } ?? false }
    try await bench.killServer()
    #expect(sender.wait() != 0)
    let received = try Self.size(part)
    let kernelSize = try Self.size("\(first)/vmlinuz")
    #expect(received > 1_000_000 && received < kernelSize)
    let (status, text) = try Self.curl(bench, "\(uploads)/\(release)", [])
    #expect(status == 200 && text.contains("\"received\" : \(received)"), "\(text)")
    let published = try bench.succeed("ci", ["publish", first, "--signer", "ci"])
    let sent = try #require(RemoteBench.sent(published), "\(published)")
    // What had come was not sent again: another repository gets all of it.
    let other = try await RemoteBench("killed-other")
    let whole = try #require(RemoteBench.sent(try other.succeed("ci", ["publish", first, "--signer", "ci"])))
    #expect(abs(whole - sent - received) < 10_000, "\(whole) \(sent) \(received)")
    var both: [[String: String]] = []
    for bench in [bench, other] { both.append(try Bench.digests(below: "\(bench.repository)/targets")) }
    #expect(both[0] == both[1])
    bench.server.stop()
    other.server.stop()
  }

  @Test func aClientThatIsKilledInTheMiddleGoesOn() async throws {
    let bench = try await RemoteBench("client")
    let words = ["publish", RemoteBench.first, "--signer", "ci"]
    let client = try Background(
      [Bench.program] + words + [
        "--repo", bench.url, "--root", "root.json", "--trust", "trust", "--keys", "keys",
      ],
      output: "\(bench.place)/client.log", directory: "\(bench.place)/ci")
    let objects = "\(bench.repository)/.uploads/\(bench.release.digest)/objects"
    try client.wait(for: "the first files") {
      ((try? FileManager.default.contentsOfDirectory(atPath: objects)) ?? []).count > 3
    }
    kill(client.identifier, SIGKILL)
    _ = client.wait()
    let text = try bench.succeed("ci", words)
    #expect(text.contains("done: publish") || text.contains("is published already"), "\(text)")
    bench.server.stop()
  }

  @Test(.enabled(if: SmallDisk.isAvailable, Bench.needsRoot))
  func aFullDiskIsSaidAndMadeRoomOn() async throws {
    let bench = try await RemoteBench("full")
    bench.server.stop()
    let disk = "\(bench.place)/disk"
    try await SmallDisk.with(at: disk, bytes: 400 << 20) { disk in
      // The repository's directory moves to a disk that somebody has filled.
      #expect(try run(["mv", bench.repository, "\(disk)/repository"]).status == 0)
      #expect(symlink("\(disk)/repository", bench.repository) == 0)
      _ = try run(["sh", "-c", "head -c 395M /dev/zero > \(disk)/filler; true"])
      try await bench.restart()
      let refused = try bench.netimg("ci", ["publish", RemoteBench.first, "--signer", "ci"])
      #expect(refused.status == 69 && refused.errorText.contains("make room"), "\(refused.errorText)")
      unlink("\(disk)/filler")
      let text = try bench.succeed("ci", ["publish", RemoteBench.first, "--signer", "ci"])
      #expect(text.contains("done: publish"), "\(text)")
      #expect(bench.server.stop() == 0, "\(bench.server.log)")
    }
  }

  @Test(.enabled(if: findTool("openssl") != nil, "openssl is missing"))
  func overHTTPSTheServerMustBeVouchedFor() async throws {
    let bench = try await RemoteBench("secure")
    bench.server.stop()
    let (certificate, key) = ("\(bench.place)/https.pem", "\(bench.place)/https.key")
    let made = try run([
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
      "-keyout", key,
      "-out", certificate, "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
    ])
    try #require(made.status == 0, "\(made.errorText)")
    try await bench.restart(secure: (certificate, key))
    let words = ["publish", RemoteBench.first, "--signer", "ci"]
    let stranger = try bench.netimg("ci", words)
    #expect(stranger.status == 69 && stranger.errorText.contains("certificate"), "\(stranger.errorText)")
    #expect(try bench.succeed("ci", words + ["--ca", certificate]).contains("done: publish"))
    #expect(bench.server.stop() == 0, "\(bench.server.log)")
  }
}
