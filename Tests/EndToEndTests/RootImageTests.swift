import Foundation
import TestSupport
import Testing

@Suite("the root image, seen by foreign tools", .serialized, .enabled(if: Bench.isReady, Bench.whyNot))
struct RootImageTests {
  private static let extracted = Task { () throws -> String in
    let release = try await Bench.release()
    let path = "\(Bench.scratch)/root.img"
    let result = try Bench.netimg(["extract", release.path, "--root-image", path])
    guard result.status == 0 else { throw BenchError(result.errorText) }
    return path
  }

  static func image() async throws -> String { try await extracted.value }

  @Test(
    "fsck.erofs finds nothing wrong", .enabled(if: findTool("fsck.erofs") != nil, "erofs-utils is missing"))
  func fsck() async throws {
    let result = try run(["fsck.erofs", try await Self.image()])
    #expect(result.status == 0, "\(result.text)\(result.errorText)")
  }

  @Test(
    "veritysetup agrees with the hash tree, and not after one bit has changed",
    .enabled(if: findTool("veritysetup") != nil, "cryptsetup-bin is missing"))
  func verity() async throws {
    let release = try await Bench.release()
    let image = try await Self.image()
    let arguments = { (path: String) in
      ["veritysetup", "verify", path, path, release.rootHash, "--hash-offset=\(release.dataSize)"]
    }
    let good = try run(arguments(image))
    #expect(good.status == 0, "\(good.errorText)")

    let copy = "\(Bench.scratch)/changed.img"
    var bytes = try Data(contentsOf: URL(fileURLWithPath: image))
    bytes[release.dataSize / 2] ^= 1
    try bytes.write(to: URL(fileURLWithPath: copy))
    defer { try? FileManager.default.removeItem(atPath: copy) }
    #expect(try run(arguments(copy)).status != 0)
  }

  @Test(
    "the kernel mounts it, and finds in it what an image must and must not have",
    .enabled(if: Bench.isRoot, Bench.needsRoot))
  func mounted() async throws {
    let image = try await Self.image()
    let place = "\(Bench.scratch)/mounted"
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    let mount = try run(["mount", "-t", "erofs", "-o", "loop,ro", image, place])
    try #require(mount.status == 0, "\(mount.errorText)")
    defer { _ = try? run(["umount", place]) }
    func lines(_ arguments: [String]) throws -> [String] {
      let result = try run(arguments, directory: place)
      #expect(result.status == 0, "\(arguments): \(result.errorText)")
      return result.text.split(separator: "\n").map(String.init)
    }
    // Every byte is readable, and so has a place inside the image.
    _ = try lines(["sh", "-c", "find . -xdev -type f -exec cat {} + > /dev/null"])
    #expect(try lines(["stat", "-c", "%a %U %s", "etc/shadow"]).first?.hasPrefix("600 root") == true)
    let times = try lines(["sh", "-c", "find . -printf '%Ts\\n' | sort -u"])
    #expect(times.count == 1, "every time stamp is the release's: \(times)")
    #expect(try lines(["find", ".", "-nouser", "-o", "-nogroup", "-name", "netimg*"]).isEmpty)
    #expect(try lines(["find", "var", "-mindepth", "1", "-not", "-path", "var/lib*"]).isEmpty)
    let passwords = try lines(["sh", "-c", "cut -d: -f2 etc/shadow | sort -u"])
    #expect(passwords.allSatisfy { $0 == "*" || $0 == "!" || $0 == "!*" }, "\(passwords)")
    #expect(
      try lines(["sh", "-c", ". ./etc/os-release; echo $ID $VERSION_ID $IMAGE_ID"]) == ["debian 13 minimal"])
    #expect(try lines(["find", ".", "-name", "*.dpkg-*", "-o", "-name", "*.orig"]).isEmpty)
  }

  @Test("extract refuses to overwrite, and leaves nothing of a release with a damaged frame")
  func extractRefuses() async throws {
    let release = try await Bench.release()
    let existing = try await Self.image()
    let again = try Bench.netimg(["extract", release.path, "--root-image", existing])
    #expect(again.status == 74, "\(again.errorText)")

    let copy = try release.linked(at: "\(Bench.scratch)/damaged")
    unlink("\(copy)/frames")
    #expect(try run(["cp", "-r", "\(release.path)/frames", "\(copy)/frames"]).status == 0)
    let frame = try #require(
      try FileManager.default.contentsOfDirectory(atPath: "\(copy)/frames").sorted().last)
    let path = URL(fileURLWithPath: "\(copy)/frames/\(frame)")
    var bytes = try Data(contentsOf: path)
    bytes[bytes.count / 2] ^= 0x10
    try bytes.write(to: path)
    let target = "\(Bench.scratch)/never.img"
    let result = try Bench.netimg(["extract", copy, "--root-image", target])
    #expect(result.status == 77)
    #expect(result.errorText.contains(frame), "\(result.errorText)")
    let left = try FileManager.default.contentsOfDirectory(atPath: Bench.scratch).filter {
      $0.contains("never")
    }
    #expect(left.isEmpty)
  }
}
