import Foundation
import ImageBuilder
import Signing
import TestSupport
import Testing

/// What a release says of itself, checked by foreign tools, and by `netimg verify` after each lie.
@Suite("release documents", .enabled(if: BuiltReleases.isReady, BuiltReleases.whyNot))
struct ReleaseDocumentsTests {
  /// Changes one file of a copy, makes release.json agree with it again, and verifies.
  private func findings(changing name: String, _ change: (String) -> String) async throws -> [String] {
    let release = try await BuiltReleases.pair().new
    return try await withScratchDirectory { (directory: URL) async throws in
      let copy = directory.appendingPathComponent("release").path
      try #require(try run(["cp", "-a", release, copy]).status == 0)
      let old = try String(contentsOfFile: "\(copy)/\(name)", encoding: .utf8)
      let new = change(old)
      #expect(new != old)
      try new.write(toFile: "\(copy)/\(name)", atomically: false, encoding: .utf8)
      var manifest = try Release.decode(
        [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(copy)/release.json"))), file: "release.json")
      let digest = try String(run(["sha256sum", "\(copy)/\(name)"]).text.prefix(64))
      for index in manifest.artifacts.indices where manifest.artifacts[index].name == name {
        manifest.artifacts[index].sha256 = digest
        manifest.artifacts[index].size = UInt64(new.utf8.count)
      }
      try Data(manifest.encode()).write(to: URL(fileURLWithPath: "\(copy)/release.json"))
      return try await ReleaseVerifier(copy).verify(keys: [], threshold: 1).findings
    }
  }

  @Test("an SBOM that says something else of a file, or lists too many or too few")
  func sbom() async throws {
    let renamed = try await findings(changing: "sbom.spdx.json") {
      $0.replacing("./usr/bin/udevadm\"", with: "./usr/bin/udevadn\"")
    }
    #expect(renamed.contains { $0.contains("something else of /usr/bin/udevadm") })
    let other = try await findings(changing: "sbom.spdx.json") {
      $0.replacing(
        "7aa7a5359173d05b63cfd682e3c38487f3cb4f7f1d60659fe59fab1505977d4c",
        with: String(repeating: "0", count: 64))
    }
    #expect(other.contains { $0.contains("something else of /etc/probe") })
    let garbage = try await findings(changing: "sbom.spdx.json") { _ in "[]" }
    #expect(garbage.contains { $0.contains("no SPDX document") })
  }

  @Test("a provenance about other artifacts, another lock, packs of other paths")
  func others() async throws {
    let provenance = try await findings(changing: "provenance.json") {
      $0.replacing("\"uki.efi\"", with: "\"uki\"")
    }
    #expect(provenance == ["provenance.json is about other artifacts than release.json"])
    let lock = try await findings(changing: "lock.json") {
      $0.replacing("systemd asks", with: "nobody asks") + " "
    }
    #expect(lock.contains { $0.contains("not the lock file that the release was built from") })
    let packs = try await findings(changing: "packs.json") { $0.replacing("\"etc/probe\",", with: "") }
    #expect(packs.contains("packs.json lists other paths than the root image has"))
  }

  @Test("envelopes: missing, of another key, around other bytes")
  func envelopes() async throws {
    let pair = try await BuiltReleases.pair()
    let key = try PublicKey.read(pair.key)
    try await withScratchDirectory { (directory: URL) async throws in
      let copy = directory.appendingPathComponent("release").path
      try #require(try run(["cp", "-a", pair.new, copy]).status == 0)
      #expect(try await ReleaseVerifier(copy).verify(keys: [key], threshold: 1).findings == [])
      try FileManager.default.removeItem(atPath: "\(copy)/sbom.dsse.json")
      // The older release's is signed too, by the same key, but is about something else.
      try #require(try run(["cp", "\(pair.old)/provenance.dsse.json", copy]).status == 0)
      let findings = try await ReleaseVerifier(copy).verify(keys: [key], threshold: 1).findings
      #expect(findings.count == 2)
      #expect(findings.contains { $0.contains("sbom.spdx.json is not signed") })
      #expect(findings.contains { $0.contains("signs another provenance.json") })
      let stranger = try KeyPair.generate(name: "stranger").publicKey
      let others = try await ReleaseVerifier(pair.new).verify(keys: [stranger], threshold: 1).findings
      #expect(others.count == 3)
    }
  }

  @Test(
    "the SBOM's digests are those of sha1sum and sha256sum on the extracted files")
  func digests() async throws {
    let release = try await BuiltReleases.pair().new
    try await withScratchDirectory { (directory: URL) async throws in
      let root = directory.appendingPathComponent("root").path
      #expect(try run([BuiltReleases.program, "extract", release, "--to", root]).status == 0)
      let script = """
        import json, hashlib, os, sys
        files = json.load(open(sys.argv[1]))["files"]
        for f in files:
            data = open(os.path.join(sys.argv[2], f["fileName"]), "rb").read()
            for c in f["checksums"]:
                assert hashlib.new(c["algorithm"].lower(), data).hexdigest() == c["checksumValue"], f
        print(len(files))
        """
      let result = try run(["python3", "-c", script, "\(release)/sbom.spdx.json", root])
      #expect(result.status == 0, "\(result.errorText)")
      #expect(try result.text == run(["sh", "-c", "find . -type f | wc -l"], directory: root).text)
    }
  }

  @Test(
    "spdx-tools validate the SBOM of a real image",
    .enabled(if: hasPythonModule("spdx_tools"), "spdx-tools is missing: pip install spdx-tools"))
  func spdxTools() async throws {
    let path = try await BuiltReleases.pair().new + "/sbom.spdx.json"
    let script = """
      import sys
      from spdx_tools.spdx.model import RelationshipType
      from spdx_tools.spdx.parser.parse_anything import parse_file
      from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
      document = parse_file(sys.argv[1])
      messages = validate_full_spdx_document(document, "SPDX-2.3")
      assert not messages, [message.validation_message for message in messages]
      assert document.creation_info.spdx_version == "SPDX-2.3"
      described = [r for r in document.relationships if r.relationship_type == RelationshipType.DESCRIBES]
      assert [r.related_spdx_element_id for r in described] == ["SPDXRef-Image"]
      # The validator looks: a relationship to nothing is noticed.
      document.relationships[-1].related_spdx_element_id = "SPDXRef-Nobody"
      assert validate_full_spdx_document(document, "SPDX-2.3")
      print(len(document.packages), len(document.files))
      """
    let result = try run([testPython, "-c", script, path])
    #expect(result.status == 0, "\(result.text)\(result.errorText)")
  }

  @Test(
    "securesystemslib verifies every envelope",
    .enabled(
      if: hasPythonModule("securesystemslib.dsse"),
      "securesystemslib is missing: pip install securesystemslib"))
  func securesystemslib() async throws {
    let pair = try await BuiltReleases.pair()
    let script = """
      import json, sys
      from securesystemslib.dsse import Envelope
      from securesystemslib.signer import SSlibKey
      directory, public = sys.argv[1:]
      for name, kind, payload in [("release", "application/vnd.netimg.release+json", "release.json"),
              ("sbom", "application/spdx+json", "sbom.spdx.json"),
              ("provenance", "application/vnd.in-toto+json", "provenance.json")]:
          envelope = Envelope.from_dict(json.load(open(f"{directory}/{name}.dsse.json")))
          keyid = list(envelope.signatures)[0]
          key = SSlibKey(keyid, "ed25519", "ed25519", {"public": public})
          assert keyid in envelope.verify([key], 1)
          assert envelope.payload_type == kind
          assert envelope.payload == open(f"{directory}/{payload}", "rb").read()
          envelope.payload += b" "
          try:
              envelope.verify([key], 1)
          except Exception:
              continue
          raise SystemExit("a changed payload passed")
      """
    let key = try PublicKey.read(pair.key)
    let hex = key.bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    let result = try run([testPython, "-c", script, pair.new, hex])
    #expect(result.status == 0, "\(result.errorText)")
  }
}
