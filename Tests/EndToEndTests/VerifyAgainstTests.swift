import Foundation
import TestSupport
import Testing

@Suite("--verify-against", .serialized, .enabled(if: Bench.isReady, Bench.whyNot))
struct VerifyAgainstTests {
  private struct Report: Decodable {
    struct Comparison: Decodable {
      struct Input: Decodable {
        let name: String
        let recorded: String?
        let here: String?
        let advice: String?
      }
      struct Artifact: Decodable {
        let name: String
        let offset: Int?
        let place: String?
      }
      struct Files: Decodable {
        struct Change: Decodable { let path: String }
        let added: [String]
        let changed: [Change]
      }
      let inputs: [Input]
      let artifacts: [Artifact]
      let files: Files?
      let damaged: [String]
    }
    let same: Bool
    let comparison: Comparison
  }

  private func compare(
    _ release: String, _ options: [String] = [], in clone: String
  ) throws -> (status: Int32, report: Report) {
    let result = try Bench.netimg(
      ["build", Bench.manifest, "--offline", "--json", "--verify-against", release] + options, in: clone)
    guard !result.output.isEmpty else { throw BenchError(result.errorText) }
    return (result.status, try JSONDecoder().decode(Report.self, from: Data(result.output)))
  }

  /// A copy of the shared release, to be changed.
  private func copy(_ name: String) async throws -> String {
    let path = "\(Bench.scratch)/against-\(name)"
    #expect(try run(["cp", "-a", try await Bench.release().path, path]).status == 0)
    return path
  }

  @Test("the sources of a release give it again, signed or not; so does its commit from anywhere")
  func same() async throws {
    let release = try await Bench.release()
    let clone = try Bench.checkout("against-same")
    let before = try Bench.digests(below: release.path)
    let (status, report) = try compare(release.path, in: clone)
    #expect(
      status == 0 && report.same && report.comparison.inputs.isEmpty && report.comparison.artifacts.isEmpty)
    #expect(try Bench.digests(below: release.path) == before)
    let keys = "\(Bench.scratch)/against-keys"
    #expect(try Bench.netimg(["key", "new", "k", "--no-passphrase", "--keys", keys]).status == 0)
    let signed = "\(Bench.scratch)/against-signed"
    let built = try Bench.netimg(
      [
        "build", Bench.manifest, "--offline", "--compression", "balanced", "--output", signed, "--signer",
        "k",
        "--keys", keys,
      ],
      in: clone)
    #expect(built.status == 0, "\(built.errorText)")
    #expect(try compare(signed, in: clone).status == 0, "the level is the release's own")
    try Data("x: [".utf8).write(to: URL(fileURLWithPath: "\(clone)/\(Bench.manifest)"))
    let reference = try compare(signed, ["--git-ref", "HEAD"], in: clone)
    #expect(reference.status == 0 && reference.report.same)
  }

  @Test(
    "another commit, a changed manifest and a level of one's own are named, with what to do, and where bytes differ"
  )
  func inputs() async throws {
    let release = try await Bench.release()
    let clone = try Bench.checkout("against-inputs")
    let file = "\(clone)/\(Bench.manifest)"
    let text = try String(contentsOfFile: file, encoding: .utf8)
    try (text + "\nfiles: [{path: /etc/added, content: \"x\\n\"}]\n").write(
      toFile: file, atomically: true, encoding: .utf8)
    #expect(
      try run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-a", "-m", "t"],
        environment: ["GIT_COMMITTER_DATE": "2031-01-01T00:00:00Z"], directory: clone
      ).status == 0)
    let (status, report) = try compare(release.path, ["--compression", "13"], in: clone)
    #expect(status == 2 && !report.same)
    let inputs = Dictionary(uniqueKeysWithValues: report.comparison.inputs.map { ($0.name, $0) })
    let commit = try #require(inputs["commit"]?.recorded)
    #expect(inputs["commit"]?.advice?.contains("git checkout \(commit)") == true)
    #expect(inputs["timestamp"]?.here == "1924992000")
    #expect(inputs["compression level"]?.recorded == "9" && inputs["compression level"]?.here == "13")
    #expect(inputs["manifest and components"] != nil && inputs["lock"] == nil && inputs["netimg"] == nil)
    #expect(report.comparison.files?.added.contains("/etc/added") == true)
    #expect(report.comparison.artifacts.first?.name == "root image")
    #expect(
      report.comparison.artifacts.contains { $0.name == "uki.efi" && $0.place?.hasPrefix("section ") == true }
    )
    // The advice is good.
    let again = try compare(release.path, ["--git-ref", commit], in: clone)
    #expect(again.status == 0 && again.report.same)
  }

  @Test("a package of another version in the lock is named")
  func lock() async throws {
    let release = try await copy("lock")
    let clone = try Bench.checkout("against-lock")
    // Not the sources but the release is changed: its lock claims another libc, and its release.json goes along.
    let change = """
      import json, hashlib, sys
      d = sys.argv[1]
      lock = json.load(open(d + "/lock.json"))
      text = open(d + "/lock.json").read()
      p = next(p for p in lock["packages"] if p["name"] == "libc6")
      new = text.replace('"version": "%s"' % p["version"], '"version": "0.1"').encode()
      assert new != text.encode()
      open(d + "/lock.json", "wb").write(new)
      r = open(d + "/release.json").read()
      r = r.replace(hashlib.sha256(text.encode()).hexdigest(), hashlib.sha256(new).hexdigest())
      open(d + "/release.json", "w").write(r)
      """
    let changed = try run([testPython, "-c", change, release])
    try #require(changed.status == 0, "\(changed.errorText)")
    let (status, report) = try compare(release, in: clone)
    #expect(status == 2)
    let package = report.comparison.inputs.first { $0.name == "package libc6" }
    #expect(package?.recorded?.hasPrefix("0.1 ") == true, "\(report.comparison.inputs)")
    #expect(report.comparison.artifacts.contains { $0.name == "lock.json" && $0.offset != nil })
  }

  @Test(
    "a byte changed in any file of the release is found, and called damage",
    arguments: ["uki.efi", "vmlinuz", "sbom.spdx.json", "root.index"])
  func damaged(file: String) async throws {
    let release = try await copy("damaged-\(file)")
    let path = "\(release)/\(file)"
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    bytes[bytes.count / 2] ^= 1
    try bytes.write(to: URL(fileURLWithPath: path))
    let (status, report) = try compare(release, in: "\(Bench.scratch)/checkout-shared")
    #expect(status == 2 && !report.same)
    #expect(
      report.comparison.damaged.contains { $0.contains(file) && $0.contains("byte \(bytes.count / 2)") },
      "\(report.comparison.damaged)")
  }

  @Test("a frame whose byte changed is found; a release that is not there is said")
  func frames() async throws {
    let release = try await copy("frame")
    let frame = try #require(try FileManager.default.contentsOfDirectory(atPath: "\(release)/frames").first)
    var bytes = try Data(contentsOf: URL(fileURLWithPath: "\(release)/frames/\(frame)"))
    bytes[30] ^= 1
    try bytes.write(to: URL(fileURLWithPath: "\(release)/frames/\(frame)"))
    let (status, report) = try compare(release, in: "\(Bench.scratch)/checkout-shared")
    #expect(status == 2 && report.comparison.damaged.contains { $0.contains(frame) })
    let missing = try Bench.netimg(
      ["build", Bench.manifest, "--offline", "--verify-against", "\(Bench.scratch)/nowhere"],
      in: "\(Bench.scratch)/checkout-shared")
    #expect(missing.status == 66)
  }

  @Test("a release that is signed for Secure Boot is compared by its unsigned program, and stays signed")
  func secureBoot() async throws {
    let release = try await copy("secure-boot")
    let clone = "\(Bench.scratch)/checkout-shared"
    let keys = "\(Bench.scratch)/against-secure-boot-keys"
    let key = try Bench.netimg(["key", "new", "lab", "--secure-boot", "--no-passphrase", "--keys", keys])
    #expect(key.status == 0, "\(key.errorText)")
    let signed = try Bench.netimg(["sign", release, "--secure-boot", "lab", "--keys", keys])
    #expect(signed.status == 0, "\(signed.errorText)")
    let program = "\(release)/uki.signed.efi"
    let bytes = try Data(contentsOf: URL(fileURLWithPath: program))
    let good = try compare(release, in: clone)
    #expect(good.status == 0 && good.report.same, "\(good.report.comparison.damaged)")
    // A build over it finds it unchanged, and does not take the signature away.
    let again = try Bench.netimg(
      ["build", Bench.manifest, "--offline", "--replace", "--output", release], in: clone)
    #expect(again.status == 0 && again.text.contains("unchanged"), "\(again.text)\(again.errorText)")
    #expect(try Data(contentsOf: URL(fileURLWithPath: program)) == bytes)
    var changed = bytes
    changed[bytes.count / 2] ^= 1
    try changed.write(to: URL(fileURLWithPath: program))
    let bad = try compare(release, in: clone)
    #expect(bad.status == 2 && bad.report.comparison.damaged.contains { $0.contains("uki.signed.efi") })
  }
}
