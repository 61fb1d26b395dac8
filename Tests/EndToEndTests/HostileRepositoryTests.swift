import Foundation
import TestSupport
import Testing

/// A repository whose host lies, key holders who count themselves twice, and clocks that are wrong by a year: the client
/// and the boot server as programs, against what the library's tests act out one by one.
@Suite(
  "A hostile repository", .serialized, .enabled(if: Bench.isReady, Bench.whyNot),
  .enabled(if: ChannelBench.hasTools && findTool("curl") != nil, "python3, dpkg-deb or curl is missing"),
  .timeLimit(.minutes(20)))
struct HostileRepositoryTests {
  private static let script = "boot/52-54-00-77-00-01/boot.ipxe"
  private static let place = ChannelBench.place

  private static func fleet(_ image: String) -> String {
    """
    apiVersion: netimg/v1
    kind: Fleet
    name: test
    groups: [{name: edge, channel: dev, image: \(image)}]
    devices: [{name: edge-1, mac: ["52:54:00:77:00:01"], group: edge}]

    """
  }

  /// Serves a repository, and instead of its timestamp whatever the file MODE says.
  private static let host = """
    import http.server, functools, json, re, sys
    directory, mode = sys.argv[1:]

    def changed(text, how):
        value = json.loads(text)
        version = value["signed"]["version"]
        if how == "duplicate":
            return re.sub('"version":%d}}' % version, '"version":%d,"version":%d}}' % (version, version + 1), text)
        if how == "65 bits":
            return re.sub('"version":%d}}' % version, '"version":18446744073709551617}}', text)
        if how == "64 bits":
            return re.sub('"version":%d}}' % version, '"version":9223372036854775808}}', text)
        if how == "fraction":
            return re.sub('"version":%d}}' % version, '"version":%d.0}}' % version, text)
        if how == "deep":
            return "[" * 20000 + "]" * 20000
        if how == "twice":
            value["signatures"] *= 2
        if how == "stranger":
            value["signed"]["version"] += 1
        if how == "other role":
            return open(directory + "/metadata/1.targets.json").read()
        return json.dumps(value)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            how = open(mode).read()
            if how == "honest" or not self.path.endswith("/timestamp.json"):
                return super().do_GET()
            if how in ("gigabyte", "endless"):
                self.send_response(200)
                if how == "gigabyte":
                    self.send_header("Content-Length", str(1 << 30))
                self.end_headers()
                try:
                    for _ in range(1 << 10):
                        self.wfile.write(b" " * (1 << 20))
                except OSError:
                    pass
                return
            body = changed(open(directory + "/metadata/timestamp.json").read(), how).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    handler = functools.partial(Handler, directory=directory)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    print("port", server.server_address[1], flush=True)
    server.serve_forever()
    """

  @Test func whatAHostSendsInsteadIsRefusedByClientAndServer() async throws {
    let (name, release) = try await ChannelBench.copy("hostile")
    let repository = "\(Self.place)/\(name)"
    let mode = "\(Self.place)/hostile-mode"
    func set(_ text: String) throws {
      try Data(text.utf8).write(to: URL(fileURLWithPath: mode), options: .atomic)
    }
    try set("honest")
    let host = try Background(
      ["python3", "-c", Self.host, repository, mode], output: "\(Bench.scratch)/hostile.log")
    let port = try GitOrigin.port(of: host)
    let address = "http://127.0.0.1:\(port)"
    let root = "\(repository)/metadata/1.root.json"
    let fetch = [
      "fetch", release.name, "--channel", "dev", "--from", address, "--trust", "hostile-trust", "--root",
      root,
      "--dry-run",
    ]
    #expect(try ChannelBench.netimg(fetch, keys: false).status == 0)
    let trusted = try Bench.digests(below: "\(Self.place)/hostile-trust")
    let server = try await FollowingServer(
      "\(Bench.scratch)/serve-hostile", repository: (address, root), fleet: Self.fleet(release.name))
    try await server.wait(for: "/\(release.digest)/", at: Self.script)
    for (attack, sentence) in [
      ("gigabyte", "more than the 65536 bytes"), ("endless", "more than the 65536 bytes"),
      ("duplicate", "is no JSON"), ("65 bits", "is no integer of 64 bits"),
      ("64 bits", "is no integer of 64 bits"),
      ("fraction", "is no integer of 64 bits"),
      ("deep", "is no JSON"), ("twice", "the same keyid twice"), ("stranger", "0 of the 1 keys"),
      ("other role", "targets metadata where that of timestamp belongs"),
    ] {
      try set(attack)
      let refused = try ChannelBench.netimg(fetch, keys: false)
      #expect([65, 77].contains(refused.status), "\(attack): \(refused.status) \(refused.errorText)")
      #expect(refused.errorText.contains(sentence), "\(attack): \(refused.errorText)")
      #expect(try Bench.digests(below: "\(Self.place)/hostile-trust") == trusted, "\(attack)")
      try await server.wait(for: sentence, at: "api/v1/repository")
      #expect(try server.get(Self.script).contains("/\(release.digest)/"), "\(attack)")
      try set("honest")
      try await server.wait(for: "\"valid\" : true", at: "api/v1/repository")
    }
    #expect(try ChannelBench.netimg(fetch, keys: false).status == 0)
    #expect(server.stop() == 0, "\(server.log)")
  }

  /// Nothing signs a recipe: one that leads elsewhere costs a download, and what it names is no part of the release.
  @Test func aRecipeThatLiesBringsNothingAlong() async throws {
    let (name, release) = try await ChannelBench.copy("lure")
    let repository = "\(Self.place)/\(name)"
    let script = """
      import hashlib, json, os, sys
      repository, release = sys.argv[1:]
      for artifact in json.load(open(release + "/release.json"))["artifacts"]:
          if artifact["name"] not in ("uki.efi", "initrd"):
              continue
          evil = b"\\x90" * (artifact["size"] - 1)
          digest = hashlib.sha256(evil).hexdigest()
          for name, data in ((digest, evil), (artifact["sha256"] + ".recipe", json.dumps({"format": "netimg-recipe-1",
              "parts": [{"sha256": digest, "size": len(evil)}, {"bytes": "90"}]}).encode())):
              path = f"{repository}/targets/objects/{name[:2]}/{name}"
              os.makedirs(os.path.dirname(path), exist_ok=True)
              open(path, "wb").write(data)
          print(digest)
      """
    let made = try run(["python3", "-c", script, repository, "\(Self.place)/release"])
    try #require(made.status == 0, "\(made.errorText)")
    let evil = made.text.split(separator: "\n").map(String.init)
    #expect(evil.count == 2)
    let server = try await FollowingServer(
      "\(Bench.scratch)/serve-lure", repository: (repository, "\(repository)/metadata/1.root.json"),
      fleet: Self.fleet(release.name))
    #expect(try server.get(Self.script).contains("/\(release.digest)/"), "\(server.log)")
    let library = try Bench.digests(below: "\(server.state)/library/releases")
    #expect(Set(library.values).isDisjoint(with: evil))
    #expect(
      try Bench.digests(below: "\(server.state)/library/releases/\(release.digest)")
        == Bench.digests(below: "\(Self.place)/release"))
    #expect(server.stop() == 0, "\(server.log)")
  }

  @Test(.enabled(if: findTool("faketime") != nil, "faketime is missing"))
  func aClientWhoseClockIsAYearOffSaysSoOrIsNotHarmed() async throws {
    let (name, release) = try await ChannelBench.copy("clocks")
    func fetch(_ offset: String, trust: String) throws -> SubprocessResult {
      try run(
        [
          "faketime", "-f", offset, Bench.program, "fetch", release.name, "--channel", "prod", "--from", name,
          "--trust", trust, "--root", "\(name)/metadata/1.root.json", "--dry-run",
        ], directory: Self.place)
    }
    let ahead = try fetch("+366d", trust: "clock-ahead")
    #expect(ahead.status == 77, "\(ahead.text)\(ahead.errorText)")
    #expect(ahead.errorText.contains("expired on") && ahead.errorText.contains("this machine's clock says"))
    // Behind, what is signed is in time; what was seen is not taken back, and nothing of it is refused.
    let behind = try fetch("-366d", trust: "clock-behind")
    #expect(behind.status == 0, "\(behind.errorText)")
    try ChannelBench.succeed(
      [
        "promote", release.name, release.nextVersion, "--to", "dev", "--reason", "x", "--signer", "ci",
        "--online", "server", "--repo", name,
      ])
    let old = try ChannelBench.copyOf("repository", as: "clocks-old")
    #expect(try fetch("-366d", trust: "clock-behind").status == 0)
    let replay = try run(
      [
        "faketime", "-f", "-366d", Bench.program, "fetch", release.name, "--channel", "prod", "--from", old,
        "--trust", "clock-behind", "--dry-run",
      ], directory: Self.place)
    #expect(replay.status == 77 && replay.errorText.contains("was trusted before"), "\(replay.errorText)")
  }

  @Test func twoKeysOfOnePersonAndAKeyTwiceDoNotMerge() async throws {
    let folder = "\(Bench.scratch)/people"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    func netimg(_ arguments: [String]) throws -> SubprocessResult {
      try Bench.netimg(
        arguments + ["--keys", "\(folder)/keys"], in: folder, environment: ["NETIMG_KEYS": "\(folder)/keys"])
    }
    func succeed(_ arguments: [String]) throws {
      let result = try netimg(arguments)
      try #require(result.status == 0, "\(arguments): \(result.errorText)")
    }
    for name in ["ada-laptop", "ada-token", "bob", "server"] {
      try succeed(["key", "new", name, "--no-passphrase"])
    }
    try Data(
      """
      kind: Repository
      people: {ada: [ada-laptop, ada-token], bob: bob, server: server}
      roles:
        root: {signers: [ada, bob], threshold: 2, count: people}
        targets: {signers: [ada, bob]}
        releases: {signers: [bob]}
        snapshot: {signers: [server], days: 30}
        timestamp: {signers: [server], days: 10}
      channels:
        prod: {signers: [ada, bob], threshold: 2, count: people}
      """.utf8
    ).write(to: URL(fileURLWithPath: "\(folder)/repository.yaml"))
    try succeed(["repo", "init", "repository.yaml", "--proposal", "first.json"])
    for name in ["ada-laptop", "ada-token"] { try succeed(["repo", "sign", "first.json", "--signer", name]) }
    let alone = try netimg(["repo", "merge", "first.json", "--online", "server"])
    #expect(alone.status == 77 && alone.errorText.contains("1 of the 2 people"), "\(alone.errorText)")
    try succeed(["repo", "sign", "first.json", "--signer", "bob"])
    try succeed(["repo", "merge", "first.json", "--online", "server"])

    // The server merges what lies in proposals once people enough have signed.
    try FileManager.default.createDirectory(
      atPath: "\(folder)/repository/proposals", withIntermediateDirectories: true)
    let server = try await FollowingServer(
      "\(Bench.scratch)/serve-people",
      repository: ("\(folder)/repository", "\(folder)/repository/metadata/1.root.json"),
      fleet: Self.fleet("router"), settings: "  onlineKey: server\n  keys: \(folder)/keys\n")
    try succeed(
      ["channel", "freeze", "prod", "--reason", "x", "--signer", "ada-laptop", "--proposal", "freeze.json"])
    try succeed(["repo", "sign", "freeze.json", "--signer", "ada-token"])
    let refused = try netimg(["repo", "merge", "freeze.json", "--online", "server"])
    #expect(refused.status == 77 && refused.errorText.contains("1 of the 2 people"), "\(refused.errorText)")
    let waiting = "\(folder)/repository/proposals/freeze.json"
    try FileManager.default.copyItem(atPath: "\(folder)/freeze.json", toPath: waiting)
    try await server.wait(for: "1 of 2 people", at: "api/v1/repository/proposals")
    // The same signature once more, by hand.
    let script = """
      import json, sys
      proposal = json.load(open(sys.argv[1]))
      for role in proposal["roles"].values():
          role["signatures"].append(role["signatures"][0])
      json.dump(proposal, open(sys.argv[2], "w"))
      """
    let doubled = try run(["python3", "-c", script, "\(folder)/freeze.json", "\(folder)/doubled.json"])
    #expect(doubled.status == 0, "\(doubled.errorText)")
    let twice = try netimg(["repo", "merge", "doubled.json", "--online", "server"])
    #expect(twice.status != 0 && twice.errorText.contains("the same keyid twice"), "\(twice.errorText)")
    try FileManager.default.copyItem(
      atPath: "\(folder)/doubled.json", toPath: "\(folder)/repository/proposals/doubled.json")
    try await server.wait(for: "doubled.json cannot be read", at: "api/v1/events")
    #expect(try !server.get("api/v1/channels/prod").contains("\"frozen\" : \"x\""))
    try succeed(["repo", "sign", waiting, "--signer", "bob", "--repo", "repository"])
    try await server.wait(for: "\"frozen\" : \"x\"", at: "api/v1/channels/prod")
    #expect(server.stop() == 0, "\(server.log)")
  }
}
