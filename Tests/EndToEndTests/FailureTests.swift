import Foundation
import TestSupport
import Testing

@Suite(
  "interrupted, short of space, damaged, at once", .serialized, .enabled(if: Bench.isReady, Bench.whyNot))
struct FailureTests {
  private func names(in directory: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
  }

  private func makeDirectory(_ name: String) throws -> String {
    let path = "\(Bench.scratch)/\(name)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  /// Starts a build, and sends the signal as soon as the release's temporary directory holds a file.
  private func interrupt(with signal: Int32, in directory: String) async throws -> Int32 {
    _ = try await Bench.release()
    let build = try Background(
      [Bench.program, "build", Bench.manifest, "--offline", "--output", "\(directory)/out"],
      output: "\(Bench.scratch)/interrupted-\(signal).log",
      directory: "\(Bench.scratch)/checkout-shared")
    while build.isRunning {
      if let partial = try names(in: directory).first(where: { $0.hasPrefix(".out.partial") }),
        let files = try? names(in: "\(directory)/\(partial)"), !files.isEmpty
      {
        kill(build.identifier, signal)
        return build.wait()
      }
      usleep(200)
    }
    return build.wait()
  }

  @Test("Ctrl-C and SIGTERM in the middle of writing leave nothing", arguments: [SIGINT, SIGTERM])
  func interrupted(signal: Int32) async throws {
    let directory = try makeDirectory("interrupted-\(signal)")
    let status = try await interrupt(with: signal, in: directory)
    #expect(status == 128 + signal)
    #expect(try names(in: directory).isEmpty)
  }

  @Test(
    "kill -9 in the middle of writing leaves nothing under the release's name, and the next build succeeds")
  func killed() async throws {
    let directory = try makeDirectory("killed")
    #expect(try await interrupt(with: SIGKILL, in: directory) == 128 + SIGKILL)
    #expect(try !names(in: directory).contains("out"))
    let again = try Bench.netimg(
      ["build", Bench.manifest, "--offline", "--output", "\(directory)/out"],
      in: "\(Bench.scratch)/checkout-shared")
    #expect(again.status == 0, "\(again.errorText)")
    #expect(
      try Bench.digests(below: "\(directory)/out") == Bench.digests(below: try await Bench.release().path))
  }

  @Test("a full disk is named, and nothing is left on it", .enabled(if: Bench.isRoot, Bench.needsRoot))
  func fullDisk() async throws {
    _ = try await Bench.release()
    let disk = try makeDirectory("disk")
    let mount = try run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", disk])
    try #require(mount.status == 0, "\(mount.errorText)")
    defer { _ = try? run(["umount", disk]) }
    let result = try Bench.netimg(
      ["build", Bench.manifest, "--offline", "--output", "\(disk)/out"],
      in: "\(Bench.scratch)/checkout-shared")
    #expect(result.status == 74)
    #expect(result.errorText.contains("No space left on device"), "\(result.errorText)")
    #expect(result.errorText.contains("\(disk)/"), "\(result.errorText)")
    #expect(try names(in: disk).isEmpty)
  }

  @Test("a release that is there is not touched without --replace, and replaced in one step with it")
  func replacing() async throws {
    let release = try await Bench.release()
    let directory = try makeDirectory("replacing")
    let output = "\(directory)/out"
    try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
    try Data("precious".utf8).write(to: URL(fileURLWithPath: "\(output)/notes"))
    let arguments = ["build", Bench.manifest, "--offline", "--output", output]
    let clone = "\(Bench.scratch)/checkout-shared"
    let refused = try Bench.netimg(arguments, in: clone)
    #expect(refused.status == 74)
    #expect(refused.errorText.contains("--replace"))
    #expect(try names(in: output) == ["notes"])
    let replaced = try Bench.netimg(arguments + ["--replace"], in: clone)
    #expect(replaced.status == 0, "\(replaced.errorText)")
    #expect(try Bench.digests(below: output) == Bench.digests(below: release.path))
    #expect(try names(in: directory) == ["out"])
  }

  @Test("an empty store offline: every package is named, and how to go on")
  func emptyStore() async throws {
    _ = try await Bench.release()
    let result = try Bench.netimg(
      [
        "build", Bench.manifest, "--offline", "--store", try makeDirectory("empty"), "--output",
        "\(Bench.scratch)/never",
      ],
      in: "\(Bench.scratch)/checkout-shared")
    #expect(result.status == 66)
    for word in ["systemd", "libc6", "linux-image", "without --offline"] {
      #expect(result.errorText.contains(word), "\(result.errorText)")
    }
    #expect(!FileManager.default.fileExists(atPath: "\(Bench.scratch)/never"))
  }

  @Test(
    "two builds into one empty store both succeed; a damaged entry is named offline and healed online",
    .enabled(if: findTool("python3") != nil, "python3 is missing"))
  func sharedStore() async throws {
    let release = try await Bench.release()
    let clone = "\(Bench.scratch)/checkout-shared"
    let mirror = try await Mirror(at: try makeDirectory("mirror"))
    let store = try makeDirectory("shared-store")
    let builds = try (0..<2).map { number in
      try Background(
        [
          Bench.program, "build", Bench.manifest, "--store", store, "--output",
          "\(Bench.scratch)/at-once-\(number)",
        ]
          + mirror.flags,
        output: "\(Bench.scratch)/at-once-\(number).log", directory: clone)
    }
    for build in builds { #expect(build.wait() == 0, "\(build.text)") }
    let expected = try Bench.digests(below: release.path)
    for number in 0..<2 {
      #expect(try Bench.digests(below: "\(Bench.scratch)/at-once-\(number)") == expected)
    }

    for online in [false, true] {
      // Unpacked packages would do instead of the damaged file.
      try FileManager.default.removeItem(atPath: "\(store)/records")
      let libc = try #require(try damage(store))
      if online {
        // Nobody has noticed the damage yet: the build itself finds it, and fetches the package again.
        let healed = try Bench.netimg(
          ["build", Bench.manifest, "--store", store, "--output", "\(Bench.scratch)/healed"] + mirror.flags,
          in: clone)
        #expect(healed.status == 0, "\(healed.errorText)")
        #expect(try Bench.digests(below: "\(Bench.scratch)/healed") == expected)
        #expect(try run(["sha256sum", libc]).text.prefix(64) == digest(of: libc))
      } else {
        let offline = try Bench.netimg(
          [
            "build", Bench.manifest, "--store", store, "--offline", "--output",
            "\(Bench.scratch)/from-damaged",
          ],
          in: clone)
        #expect(offline.status == 66, "\(offline.errorText)")
        #expect(offline.errorText.contains("libc6"), "\(offline.errorText)")
        #expect(!FileManager.default.fileExists(atPath: "\(Bench.scratch)/from-damaged"))
        let again = try Bench.netimg(
          ["build", Bench.manifest, "--store", store, "--output", "\(Bench.scratch)/again"] + mirror.flags,
          in: clone)
        #expect(again.status == 0, "\(again.errorText)")
      }
    }
  }

  /// Flips a bit in the store's libc6, size and times kept, and gives its path.
  private func damage(_ store: String) throws -> String? {
    let text = try String(
      contentsOf: URL(fileURLWithPath: "\(Bench.scratch)/checkout-shared/manifests/minimal.lock.json"),
      encoding: .utf8)
    guard let entry = text.split(separator: "\"name\": \"libc6\"").last,
      let hex = entry.split(separator: "\"sha256\": \"").dropFirst().first?.prefix(64)
    else { return nil }
    let path = "\(store)/blobs/sha256/\(hex.prefix(2))/\(hex.dropFirst(2))"
    let script = """
      import os, sys
      s = os.stat(sys.argv[1]); os.chmod(sys.argv[1], 0o644); f = open(sys.argv[1], "r+b")
      f.seek(1000000); b = f.read(1); f.seek(1000000); f.write(bytes([b[0] ^ 1])); f.close()
      os.utime(sys.argv[1], ns=(s.st_atime_ns, s.st_mtime_ns)); os.chmod(sys.argv[1], s.st_mode)
      """
    let result = try run(["python3", "-c", script, path])
    #expect(result.status == 0, "\(result.errorText)")
    return path
  }

  private func digest(of path: String) -> String {
    let parts = path.split(separator: "/").suffix(2)
    return parts.joined()
  }
}
