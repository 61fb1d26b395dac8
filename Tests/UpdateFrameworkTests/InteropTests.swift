import Bytes
import FoundationEssentials
import Signing
import TestSupport
import Testing

@testable import UpdateFramework

/// The reference implementation reads what is made here, and the other way round. NETIMG_TEST_PYTHON names a
/// Python with the package tuf.
@Suite(
  .enabled(if: hasPythonModule("tuf.ngclient"), "no Python with the package tuf; set NETIMG_TEST_PYTHON"))
struct InteropTests {
  /// Serves the files below a directory.
  private func handler(_ directory: String) -> @Sendable (LoopbackServer.Request) -> LoopbackServer.Reply {
    { request in
      // By the name as it was asked for, as a plain file server would: escapes are part of no name here.
      FileManager.default.contents(atPath: directory + request.path).map { .file(Array($0)) } ?? .status(404)
    }
  }

  private func python(_ script: String, _ arguments: [String]) throws -> String {
    let result = try run([testPython, "-c", script] + arguments)
    #expect(result.status == 0, "\(result.errorText.suffix(3000))")
    return result.text
  }

  private static let ngclient = """
    import sys, os
    from tuf.ngclient import Updater
    url, trust, out, root, *names = sys.argv[1:]
    data = open(root, "rb").read()
    arguments = dict(metadata_dir=trust, metadata_base_url=url + "/metadata/", target_dir=out,
                     target_base_url=url + "/targets/")
    try:
        updater = Updater(**arguments, bootstrap=data)
    except TypeError:
        if not os.path.exists(trust + "/root.json"): open(trust + "/root.json", "wb").write(data)
        updater = Updater(**arguments)
    updater.refresh()
    for name in names:
        info = updater.get_targetinfo(name)
        print(open(updater.download_target(info), "rb").read().decode() if info else "not found")
    """

  @Test(arguments: [[PrivateKey.Kind.ed25519], [.ecdsaP256, .rsaPSS, .ed25519]])
  func pythonTUFReadsOurRepositoryThroughARotation(_ kinds: [PrivateKey.Kind]) async throws {
    try await withScratchDirectory { scratch in
      var published = try await PublishedRepository(at: scratch.path + "/repo", kinds: kinds)
      for name in ["trust", "out"] {
        try FileManager.default.createDirectory(
          atPath: scratch.path + "/" + name, withIntermediateDirectories: true)
      }
      let channel = try PrivateKey.generate(.ed25519)
      var draft = try published.draft()
      draft.edit("targets") { targets in
        targets.delegations = Delegations(
          keys: [ExactString(channel.keyID): channel.key],
          roles: .listed([
            DelegatedRole(
              name: "channel-prod",
              keys: RoleKeys(keyIDs: [ExactString(channel.keyID)], threshold: 1, lifetime: 86400),
              scope: .paths(["channels/prod/*"]))
          ]))
      }
      draft.edit("channel-prod") { _ in }
      try await published.merge(draft.proposal(reason: "a channel"), signers: published.targets + [channel])
      try await published.add("channels/prod/router", "release 1", to: "channel-prod", signers: [channel])
      try await withServer(handler(scratch.path + "/repo")) { server in
        let arguments = [
          server.address, scratch.path + "/trust", scratch.path + "/out",
          scratch.path + "/repo/metadata/1.root.json",
          "channels/prod/router", "none",
        ]
        #expect(try python(Self.ngclient, arguments) == "release 1\nnot found\n")
        // A rotation of every top-level key, then a promotion.
        let (newRoot, newOnline) = (try PrivateKey.generate(.ed25519), try PrivateKey.generate(.ecdsaP256))
        var draft = try published.draft()
        draft.root.add([newRoot], to: "root", threshold: 1)
        draft.root.add([newOnline], to: "snapshot", threshold: 1)
        draft.root.add([newOnline], to: "timestamp", threshold: 1)
        try await published.merge(draft.proposal(reason: "rotation"), signers: published.root + [newRoot])
        published.online = [newOnline]
        try await published.add("channels/prod/router", "release 2", to: "channel-prod", signers: [channel])
        #expect(try python(Self.ngclient, arguments) == "release 2\nnot found\n")
      }
    }
  }

  private static let publisher = """
    import sys, os, datetime
    from securesystemslib.signer import CryptoSigner
    from tuf.api.metadata import *
    from tuf.api.serialization.json import JSONSerializer
    out = sys.argv[1]
    os.makedirs(out + "/metadata"); os.makedirs(out + "/targets/dir")
    later = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=10)
    make = [CryptoSigner.generate_ed25519, CryptoSigner.generate_ecdsa, CryptoSigner.generate_rsa]
    keys = {role: make[i % 3]() for i, role in enumerate(["root", "timestamp", "snapshot", "targets", "a", "bins"])}
    root, timestamp, snapshot, targets = Root(expires=later), Timestamp(expires=later), Snapshot(expires=later), Targets(expires=later)
    for role in ["root", "timestamp", "snapshot", "targets"]: root.add_key(keys[role].public_key, role)
    def write(name, signed, signers):
        metadata = Metadata(signed)
        for signer in signers: metadata.sign(signer, append=True)
        data = metadata.to_bytes(JSONSerializer(compact=False))
        prefix = "" if name == "timestamp" else f"{signed.version}."
        open(f"{out}/metadata/{prefix}{name}.json", "wb").write(data)
        return data
    write("root", root, [keys["root"]])
    def add(role, path, content):
        role.targets[path] = info = TargetFile.from_data(path, content, ["sha256", "sha512"])
        for digest in info.hashes.values():
            head, _, tail = path.rpartition("/")
            open(f"{out}/targets/{head + '/' if head else ''}{digest}.{tail}", "wb").write(content)
    a = Targets(expires=later); add(a, "dir/file", "grüße".encode())
    a.unrecognized_fields["x-extra"] = {"b": [1, None, True, "é\\\\\\""]}
    targets.delegations = Delegations({}, {"a": DelegatedRole("a", [], 1, True, ["dir/*"]),
                                          "bins": DelegatedRole("bins", [], 1, False, ["*"])})
    targets.add_key(keys["a"].public_key, "a"); targets.add_key(keys["bins"].public_key, "bins")
    bins = Targets(expires=later)
    bins.delegations = Delegations({}, None, SuccinctRoles([], 1, 4, "bin"))
    bins.add_key(keys["bins"].public_key)
    roles = {"a": a, "bins": bins}
    for name in bins.delegations.succinct_roles.get_roles(): roles[name] = Targets(expires=later)
    add(roles[bins.delegations.succinct_roles.get_role_for_target("binned")], "binned", b"in a bin")
    for name, role in roles.items():
        data = write(name, role, [keys["a" if name == "a" else "bins"]])
        snapshot.meta[f"{name}.json"] = MetaFile.from_data(role.version, data, ["sha256"])
    data = write("targets", targets, [keys["targets"]])
    snapshot.meta["targets.json"] = MetaFile.from_data(1, data, ["sha512"])
    # Another root: other keys for root and snapshot.
    new = CryptoSigner.generate_ecdsa()
    root.add_key(new.public_key, "root"); root.revoke_key(keys["root"].public_key.keyid, "root")
    root.add_key(new.public_key, "snapshot"); root.revoke_key(keys["snapshot"].public_key.keyid, "snapshot")
    root.version = 2
    write("root", root, [keys["root"], new])
    timestamp.snapshot_meta = MetaFile.from_data(1, write("snapshot", snapshot, [new]), ["sha256"])
    write("timestamp", timestamp, [keys["timestamp"]])
    """

  @Test func weReadARepositoryOfPythonTUF() async throws {
    try await withScratchDirectory { scratch in
      _ = try python(Self.publisher, [scratch.path + "/repo"])
      try await withServer(handler(scratch.path + "/repo")) { server in
        let client = TestClient(server: server, directory: scratch.path)
        try client.local.initialize(rootFile: scratch.path + "/repo/metadata/1.root.json")
        let updater = try client.updater()
        for (path, content, role) in [("dir/file", "grüße", "a"), ("binned", "in a bin", nil)] {
          let target = try await updater.target(path)
          #expect(role == nil || target.role.text == role)
          try await updater.download(target, to: scratch.path + "/out")
          #expect(try String(contentsOf: scratch.appendingPathComponent("out"), encoding: .utf8) == content)
        }
        #expect(client.version("root") == 2)
        #expect(await client.refusal { _ = try await updater.target("nothing") } == "targetNotFound")
      }
      // And we can go on where it stopped, byte for byte.
      let repository = try #require(try Repository.load(RepositoryDirectory(scratch.path + "/repo")))
      #expect(repository.targets.keys.contains("a") && repository.root.signed.header.version == 2)
    }
  }
}

/// Canonical JSON, key identifiers and signatures beside those of others.
@Suite struct ForeignCryptoTests {
  @Test(
    .enabled(if: hasPythonModule("securesystemslib.formats"), "python3-securesystemslib is not installed"))
  func canonicalJSONIsThatOfSecuresystemslib() throws {
    let texts = [
      #"{"b":1,"a":[true,false,null,-5,"x"],"":{}}"#,
      #"{"é":"\n\t\"\\/","z":"\u0001\u007f\u2028","\ud83d\ude00":1,"\uffff":2}"#,
      #"[9223372036854775807,-9223372036854775808,0]"#, #""plain""#, #"{"a\"b":{"c\\d":"e"}}"#,
    ]
    let script = """
      import sys, json
      from securesystemslib.formats import encode_canonical
      for line in sys.stdin.buffer.read().decode().split("\\x00"): sys.stdout.buffer.write(encode_canonical(json.loads(line)).encode() + b"\\x00")
      """
    let result = try run([testPython, "-c", script], input: Array(texts.joined(separator: "\0").utf8))
    #expect(result.status == 0, "\(result.errorText)")
    let ours = try texts.map { text in
      try CanonicalJSON.bytes(of: JSONParser.parse(Array(text.utf8), maximumSize: 1 << 16))
    }
    #expect(result.output == ours.flatMap { $0 + [0] })
  }

  @Test(
    .enabled(if: findTool("openssl") != nil, "openssl is not installed"), arguments: PrivateKey.Kind.allCases)
  func opensslAgreesAboutSignatures(_ kind: PrivateKey.Kind) async throws {
    try await withScratchDirectory { scratch in
      func path(_ name: String) -> String { scratch.path + "/" + name }
      let generation: [String] =
        switch kind {
        case .ed25519: ["-algorithm", "ed25519"]
        case .ecdsaP256: ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        case .rsaPSS: ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
        }
      #expect(try run(["openssl", "genpkey"] + generation + ["-out", path("key")]).status == 0)
      #expect(try run(["openssl", "pkey", "-in", path("key"), "-pubout", "-out", path("pub")]).status == 0)
      let key = try PrivateKey(pem: Array(Data(contentsOf: URL(fileURLWithPath: path("key")))))
      if kind != .ed25519 {
        #expect(try key.key.material == String(contentsOfFile: path("pub"), encoding: .utf8))
      }
      let message = Array("a message of some length".utf8)
      try Data(message).write(to: URL(fileURLWithPath: path("message")))
      let options: [String] =
        switch kind {
        case .ed25519: ["-rawin"]
        case .ecdsaP256: ["-rawin", "-digest", "sha256"]
        case .rsaPSS:
          [
            "-rawin", "-digest", "sha256", "-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt",
            "rsa_pss_saltlen:digest",
          ]
        }
      // Theirs, checked by us.
      let sign = [
        "openssl", "pkeyutl", "-sign", "-inkey", path("key"), "-in", path("message"), "-out", path("sig"),
      ]
      #expect(try run(sign + options).status == 0)
      let theirs = Array(try Data(contentsOf: URL(fileURLWithPath: path("sig"))))
      #expect(key.key.isValidSignature(theirs, for: message))
      // Ours, checked by them.
      try Data(key.signature(over: message)).write(to: URL(fileURLWithPath: path("sig")))
      let verify = [
        "openssl", "pkeyutl", "-verify", "-pubin", "-inkey", path("pub"), "-in", path("message"), "-sigfile",
        path("sig"),
      ]
      #expect(try run(verify + options).status == 0)
    }
  }

  @Test func aKeyOfTheKeyRingIsTheSameHere() async throws {
    let pair = try KeyPair.generate(name: "ada")
    let signer = KeyRingSigner(FileSigner(pair))
    #expect(signer.keyID == pair.publicKey.keyID)
    let message = Array("message".utf8)
    let signature = try await signer.sign(message)
    #expect(signer.key.isValidSignature(signature, for: message))
  }

  @Test func onlyPrivateKeysWithoutPassphraseAreRead() throws {
    for text in ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "garbage"] {
      #expect(throws: UpdateError.self) { try PrivateKey(pem: Array(text.utf8)) }
    }
  }
}

/// A file of another implementation, kept.
@Suite struct GoldenRootTests {
  @Test func everyKindOfSignatureOfPythonTUFCounts() throws {
    let bytes = Array(GoldenRoot.file.utf8)
    let set = try TrustedSet(root: bytes, startTime: UpdateTime(seconds: 0), limits: UpdateLimits())
    let root = set.root.signed
    let role = try #require(root.roles["root"])
    let tally = set.root.tally(role, keys: root.keys)
    #expect(tally.count == 3 && tally.threshold == 3)
    #expect(SHA256.digest(of: set.root.signedBytes).hex == GoldenRoot.canonicalDigest)
    // We would name the keys as they did, and write what we read.
    #expect(GoldenRoot.keyIDs.allSatisfy { root.keys[ExactString($0)]?.keyID == $0 })
    #expect(try CanonicalJSON.bytes(of: root.json) == set.root.signedBytes)
  }

  @Test func oneChangedByteIsEnough() throws {
    for (old, new) in [
      ("2035-01-01", "2036-01-01"), ("grüße", "gruesse"), ("\"threshold\":3", "\"threshold\":2"),
    ] {
      #expect(GoldenRoot.file.contains(old))
      let bytes = Array(GoldenRoot.file.replacing(old, with: new).utf8)
      #expect(throws: UpdateError.self) {
        try TrustedSet(root: bytes, startTime: UpdateTime(seconds: 0), limits: UpdateLimits())
      }
    }
  }
}
