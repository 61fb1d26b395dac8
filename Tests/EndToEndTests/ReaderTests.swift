import Foundation
import TestSupport
import Testing

/// docs/formats says enough for a second implementation: its reader there was written from these pages, in another
/// language, and uses nothing of netimg.
@Suite(
  "a second reader", .enabled(if: Bench.isReady, Bench.whyNot),
  .enabled(if: findTool("python3") != nil && findTool("zstd") != nil, "python3 or zstd is missing"))
struct ReaderTests {
  private func read(_ release: String, _ arguments: [String] = []) throws -> SubprocessResult {
    try run(["python3", "\(Bench.repository)/docs/formats/reader.py", release] + arguments)
  }

  @Test(
    "reads a release, and its root image is what veritysetup verifies by the root hash",
    .enabled(if: findTool("veritysetup") != nil, "veritysetup (cryptsetup-bin) is missing"))
  func reads() async throws {
    let release = try await Bench.release()
    let image = "\(Bench.scratch)/second-reader.img"
    let result = try read(release.path, ["--image", image])
    #expect(result.status == 0, "\(result.errorText)")
    #expect(result.text.contains(release.rootHash))
    let verity = try run([
      "veritysetup", "verify", image, image, release.rootHash, "--hash-offset=\(release.dataSize)",
    ])
    #expect(verity.status == 0, "\(verity.errorText)")
    let ours = "\(Bench.scratch)/own-reader.img"
    #expect(try Bench.netimg(["extract", release.path, "--root-image", ours]).status == 0)
    #expect(try run(["cmp", image, ours]).status == 0)
  }

  @Test(
    "checks the three signatures with openssl, and refuses another key",
    .enabled(if: findTool("openssl") != nil, "openssl is missing"))
  func signatures() async throws {
    // The packages are in the store now.
    _ = try await Bench.release()
    let keys = "\(Bench.scratch)/reader-keys"
    let path = "\(Bench.scratch)/reader-signed"
    for name in ["one", "other"] {
      let made = try Bench.netimg(["key", "new", name, "--no-passphrase", "--keys", keys])
      #expect(made.status == 0, "\(made.errorText)")
      let pem = try Bench.netimg(["key", "show", name, "--pem", "--keys", keys])
      try Data(pem.output).write(to: URL(fileURLWithPath: "\(keys)/\(name).pem"))
    }
    let built = try Bench.netimg(
      ["build", Bench.manifest, "--offline", "--signer", "one", "--keys", keys, "--output", path],
      in: Bench.checkout("reader"))
    #expect(built.status == 0, "\(built.errorText)")
    let result = try read(path, ["--key", "\(keys)/one.pem"])
    #expect(result.status == 0, "\(result.errorText)")
    let refused = try read(path, ["--key", "\(keys)/other.pem"])
    #expect(refused.status == 1)
    #expect(refused.errorText.contains("release.dsse.json has no signature by this key"))
  }

  @Test(
    "refuses one changed bit in whatever it reads, and names it",
    arguments: [
      ("root.index", "root.index has another SHA-256"), ("initrd", "initrd has another SHA-256"),
      ("uki.efi", "uki.efi has another SHA-256"), ("frame", "has another SHA-256"),
    ])
  func damage(_ name: String, _ sentence: String) async throws {
    let release = try await Bench.release()
    let copy = try release.linked(at: "\(Bench.scratch)/reader-damaged-\(name)")
    var file = name
    if name == "frame" {
      let frames = try FileManager.default.contentsOfDirectory(atPath: "\(release.path)/frames").sorted()
      file = "frames/\(try #require(frames.first))"
      unlink("\(copy)/frames")
      #expect(try run(["cp", "-r", "\(release.path)/frames", "\(copy)/frames"]).status == 0)
    }
    var bytes = try release.bytes(file)
    bytes[bytes.count / 2] ^= 0x10
    unlink("\(copy)/\(file)")
    try Data(bytes).write(to: URL(fileURLWithPath: "\(copy)/\(file)"))
    let result = try read(copy)
    #expect(result.status == 1)
    #expect(result.errorText.contains(sentence), "\(result.errorText)")
  }
}
