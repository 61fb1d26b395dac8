import Bytes
import FoundationEssentials
import Signing
import TestSupport
import Testing

@testable import Channels
@testable import UpdateFramework

/// What a channel demands of a release itself: looked at before anybody signs, on merge, and by clients.
@Suite struct GateTests {
  static let manifest = SampleRepository.manifest
    .replacing("  server: server\nroles", with: "  server: server\n  lab: [lab-1, lab-2]\nroles")
    .replacing(
      "  dev: {signers: [ci]}",
      with: """
          dev: {signers: [ci]}
          tested: {signers: [ci], attestations: {lab: {signers: [lab], threshold: 2}}}
          built: {signers: [ci], builtBy: ci}
          clean: {signers: [ci], vulnerable: ["openssl < 3.5.1-1", "xz-utils = 5.6.0-1", telnet]}
        """)

  static func sample(at path: String) async throws -> SampleRepository {
    var keys = try SampleRepository.pairs()
    for name in ["lab-1", "lab-2"] { keys[name] = try KeyPair.generate(name: name) }
    return try await SampleRepository(at: path, manifest: manifest, keys: keys)
  }

  /// Lists a release with an SBOM of these packages; its digest.
  @discardableResult
  static func list(
    _ version: String, packages: [(name: String, version: String?, source: String)], signer: String?,
    in sample: SampleRepository
  ) async throws -> String {
    let items = packages.map { package in
      let version = package.version.map { #""versionInfo": "\#($0)", "# } ?? ""
      return
        #"{"name": "\#(package.name)", \#(version)"sourceInfo": "built from the Debian source package \#(package.source)"}"#
    }
    let sbom = Array(#"{"spdxVersion": "SPDX-2.3", "packages": [\#(items.joined(separator: ", "))]}"#.utf8)
    let digest = SHA256.digest(of: sbom).hex
    let bytes = SampleRepository.manifest(
      "router", version,
      artifacts: #"{"name": "sbom.spdx.json", "sha256": "\#(digest)", "size": \#(sbom.count)}"#)
    _ = try sample.directory.addObject(sbom, at: Names.object(digest))
    let name = SHA256.digest(of: bytes).hex
    if let signer {
      let envelope = try await Envelope.sign(
        payloadType: "application/vnd.netimg.release+json", payload: bytes,
        signers: [FileSigner(try #require(sample.keys[signer]))])
      _ = try sample.directory.addObject(envelope.json, at: Names.object("\(name).release.dsse.json"))
    }
    try await sample.list("router", version, bytes: bytes)
    return name
  }

  private func attest(
    _ version: String, _ signer: String, name: String = "lab", in sample: SampleRepository
  ) async throws {
    _ = try await sample.open().attest(
      "router", version, name: name, details: .object([JSONMember("cases", .integer(7))]),
      signer: FileSigner(try #require(sample.keys[signer])))
  }

  @Test func anAttestationNeedsItsNameItsReleaseAndItsSigners() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await Self.sample(at: scratch.path)
      func promote(_ version: String) async -> String {
        await refusal { try await sample.promote("router", version, to: "tested", ["ci"]) }
      }
      let first = try await Self.list("1.0", packages: [], signer: nil, in: sample)
      let second = try await Self.list("2.0", packages: [], signer: nil, in: sample)
      #expect(await promote("1.0") == "gate")
      try await attest("1.0", "lab-1", in: sample)
      #expect(await promote("1.0") == "gate")
      // The same key once more is no second one, and a stranger's is none.
      try await attest("1.0", "lab-1", in: sample)
      try await attest("1.0", "bob", in: sample)
      #expect(await promote("1.0") == "gate")
      try await attest("1.0", "lab-2", in: sample)
      #expect(await promote("1.0") == "accepted")
      // An attestation of another release, or of another name, under the right file name.
      let path = { (digest: String, name: String) in Names.attestation(name, of: digest) }
      let good = try #require(try sample.directory.readObject(at: path(first, "lab"), limit: 1 << 20))
      _ = try sample.directory.addObject(good, at: path(second, "lab"), replaces: true)
      #expect(await promote("2.0") == "gate")
      for key in ["lab-1", "lab-2"] { try await attest("2.0", key, name: "smoke", in: sample) }
      let other = try #require(try sample.directory.readObject(at: path(second, "smoke"), limit: 1 << 20))
      _ = try sample.directory.addObject(other, at: path(second, "lab"), replaces: true)
      #expect(await promote("2.0") == "gate")
      #expect(
        await refusal { try await self.attest("2.0", "lab-1", name: "../x", in: sample) } == "malformed")
      #expect(await refusal { try await self.attest("9.0", "lab-1", in: sample) } == "unknownRelease")
    }
  }

  /// Those who attest at once all count, and nobody throws another one's statement away.
  @Test func whoAttestsAtOnceLosesNothing() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await Self.sample(at: scratch.path)
      let release = try await Self.list("1.0", packages: [], signer: nil, in: sample)
      let names = ["lab-1", "lab-2", "ada-laptop", "ada-token", "bob", "eve", "ci", "server"]
      try await withThrowingTaskGroup(of: Void.self) { group in
        for name in names { group.addTask { try await self.attest("1.0", name, in: sample) } }
        try await group.waitForAll()
      }
      let path = Names.attestation("lab", of: release)
      func envelope() throws -> Envelope {
        try Envelope(
          json: try #require(try sample.directory.readObject(at: path, limit: 1 << 20)), source: path)
      }
      #expect(try envelope().signatures.count == names.count)
      func attest(_ details: JSONValue?, _ name: String) async -> String {
        await refusal {
          _ = try await sample.open().attest(
            "router", "1.0", name: "lab", details: details,
            signer: FileSigner(try #require(sample.keys[name])))
        }
      }
      let before = try envelope()
      #expect(await attest(.object([JSONMember("cases", .integer(8))]), "lab-1") == "conflict")
      #expect(try envelope() == before)
      // Without a word, one signs what is there, if a channel trusts who said it.
      #expect(await attest(nil, "lab-1") == "accepted")
      #expect(try envelope() == before)
      var one = Envelope(payloadType: before.payloadType, payload: before.payload)
      try await one.add(FileSigner(try #require(sample.keys["eve"])))
      _ = try sample.directory.addObject(one.json, at: path, replaces: true)
      #expect(await attest(nil, "lab-1") == "conflict")
    }
  }

  /// Where the manifest says people, two keys of one of them are one.
  @Test func peopleAttestAndBuild() async throws {
    try await withScratchDirectory { scratch in
      let manifest = SampleRepository.manifest.replacing(
        "  dev: {signers: [ci]}",
        with: """
            dev: {signers: [ci]}
            audited:
              {signers: [ci], attestations: {audit: {signers: [ada, bob], threshold: 2, count: people}}}
            keyed: {signers: [ci], attestations: {audit: {signers: [ada, bob], threshold: 2}}}
            twice: {signers: [ci], builtBy: {signers: [ada, bob], threshold: 2, count: people}}
          """)
      let sample = try await SampleRepository(at: scratch.path, manifest: manifest)
      let release = try await Self.list("1.0", packages: [], signer: "ada-laptop", in: sample)
      func promote(_ channel: String) async -> String {
        await refusal {
          _ = try sample.open().promote("router", "1.0", to: channel, reason: "", now: sample.now)
        }
      }
      func build(_ name: String) async throws {
        let path = Names.object("\(release).release.dsse.json")
        let bytes = try #require(try sample.directory.readObject(at: path, limit: 1 << 20))
        var envelope = try Envelope(json: bytes, source: path)
        try await envelope.add(FileSigner(try #require(sample.keys[name])))
        _ = try sample.directory.addObject(envelope.json, at: path, replaces: true)
      }
      for name in ["ada-laptop", "ada-token"] {
        try await attest("1.0", name, name: "audit", in: sample)
        try await build(name)
      }
      #expect(await promote("audited") == "gate")
      #expect(await promote("twice") == "gate")
      #expect(await promote("keyed") == "accepted")
      try await attest("1.0", "bob", name: "audit", in: sample)
      try await build("bob")
      #expect(await promote("audited") == "accepted")
      #expect(await promote("twice") == "accepted")
      // More people than there are cannot sign.
      let impossible = manifest.replacing(
        "threshold: 2, count: people}}}", with: "threshold: 3, count: people}}}")
      #expect(impossible != manifest)
      #expect(throws: (any Error).self) { try SampleRepository.plan(impossible, sample.keys) }
    }
  }

  @Test func theBuildKeyMustHaveSigned() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await Self.sample(at: scratch.path)
      try await Self.list("1.0", packages: [], signer: nil, in: sample)
      try await Self.list("1.1", packages: [], signer: "bob", in: sample)
      try await Self.list("1.2", packages: [], signer: "ci", in: sample)
      for (version, outcome) in [("1.0", "gate"), ("1.1", "gate"), ("1.2", "accepted")] {
        #expect(await refusal { try await sample.promote("router", version, to: "built", ["ci"]) } == outcome)
      }
    }
  }

  @Test func listedVersionsAreNotPromoted() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await Self.sample(at: scratch.path)
      let cases: [(packages: [(name: String, version: String?, source: String)], outcome: String)] = [
        ([("libssl3t64", "3.5.0-2", "openssl")], "gate"), ([("openssl", "3.4.9-1", "openssl")], "gate"),
        ([("openssl", nil, "openssl")], "gate"), ([("openssl", "not a version", "openssl")], "gate"),
        ([("xz-utils", "5.6.0-1", "xz-utils")], "gate"), ([("telnet", "99", "netkit")], "gate"),
        ([("libssl3t64", "3.5.1-1", "openssl"), ("xz-utils", "5.6.1-1", "xz-utils")], "accepted"),
      ]
      for (number, item) in cases.enumerated() {
        let version = "1.\(number)"
        try await Self.list(version, packages: item.packages, signer: nil, in: sample)
        #expect(
          await refusal { try await sample.promote("router", version, to: "clean", ["ci"]) } == item.outcome,
          "\(item.packages)")
      }
      // Without the SBOM nobody knows.
      try await Self.list("2.0", packages: [("a1", "1", "a1")], signer: nil, in: sample)
      for name in try FileManager.default.subpathsOfDirectory(atPath: "\(scratch.path)/targets/objects") {
        try? Data("{}".utf8).write(to: URL(fileURLWithPath: "\(scratch.path)/targets/objects/\(name)"))
      }
      #expect(await refusal { try await sample.promote("router", "2.0", to: "clean", ["ci"]) } == "gate")
    }
  }

  /// Signed by enough keys, and made past the gates by other means than ours: the merge and the client look once more.
  @Test func aMergeAndAClientLookOnceMore() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await Self.sample(at: scratch.path + "/repo")
      try await Self.list("1.0", packages: [], signer: nil, in: sample)
      let release = try sample.open().release("router", "1.0")
      var file = release.file
      file.custom =
        ChannelEntry(
          image: "router", version: "1.0", release: release.digest, reason: "", time: sample.now
        ).custom
      var draft = RepositoryDraft(try sample.open().state, now: sample.now)
      draft.edit("channel-tested") { $0.targets["channels/tested/router"] = file }
      let proposal = try draft.proposal(reason: "sneaky")
      #expect(await refusal { try await sample.merge(proposal, ["ci"]) } == "gate")
      // Merged by a program that looks at nothing.
      var signed = proposal
      _ = try await signed.sign(with: sample.signer("ci"), in: try sample.open().state)
      try sample.directory.copyTarget(
        Names.release("router", "1.0").text, release.file, to: "channels/tested/router", file)
      try sample.directory.merge(signed)
      try await sample.directory.publish(signers: [sample.signer("server")], now: sample.now)
      let trust = LocalMetadata(directory: scratch.path + "/trust")
      try trust.initialize(rootFile: scratch.path + "/repo/metadata/1.root.json")
      let client = try ChannelClient(
        trust: trust, fetcher: try HTTPFetcher(), url: ChannelClient.address(of: scratch.path + "/repo"))
      let current = try await client.current("router", in: "tested")
      #expect(await refusal { _ = try await client.plan(current, here: LocalFiles()) } == "gate")
    }
  }

  @Test func gatesInManifestsAreChecked() throws {
    var keys = try SampleRepository.pairs()
    for name in ["lab-1", "lab-2"] { keys[name] = try KeyPair.generate(name: name) }
    let plan = try SampleRepository.plan(Self.manifest, keys)
    #expect(plan.channels.first { $0.name == "clean" }?.policy.vulnerable.map(\.description).count == 3)
    for (old, new) in [
      ("threshold: 2}}}", "threshold: 3}}}"), ("{lab: {signers", "{Lab: {signers"),
      ("builtBy: ci", "builtBy: nobody"), ("openssl < 3.5.1-1", "openssl <= 3.5.1-1"),
      ("xz-utils = 5.6.0-1", "xz-utils = x"),
    ] {
      let text = Self.manifest.replacing(old, with: new)
      #expect(text != Self.manifest)
      #expect(throws: (any Error).self, "\(new)") { try SampleRepository.plan(text, keys) }
    }
  }
}
