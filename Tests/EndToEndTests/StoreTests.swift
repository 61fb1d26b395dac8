import Foundation
import TestSupport
import Testing

@Suite(
  "a rebuild costs what changed, and the store travels", .serialized,
  .enabled(if: Bench.isReady, Bench.whyNot))
struct StoreTests {
  private struct Report: Decodable {
    let origin: String
    let digest: String
  }

  private func scratch(_ name: String) throws -> String {
    let path = "\(Bench.scratch)/store-\(name)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  private func build(_ arguments: [String], in clone: String) throws -> Report {
    let result = try Bench.netimg(["build", Bench.manifest, "--offline", "--json"] + arguments, in: clone)
    guard result.status == 0 else { throw BenchError("build: \(result.errorText)") }
    return try JSONDecoder().decode(Report.self, from: Data(result.output))
  }

  private func flip(_ path: String, _ offset: Int = 100) throws {
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    bytes[offset] ^= 1
    try bytes.write(to: URL(fileURLWithPath: path))
  }

  @Test(
    "where nothing changed, the output is checked, or written from the store; whatever is damaged is made again"
  )
  func nothingChanged() async throws {
    let expected = try Bench.digests(below: try await Bench.release().path)
    let directory = try scratch("unchanged")
    try Bench.copyStore(to: "\(directory)/store")
    let clone = try Bench.checkout("unchanged")
    let output = "\(directory)/out"
    let options = ["--store", "\(directory)/store", "--output", output]
    #expect(try build(options, in: clone).origin == "packages")
    #expect(try build(options, in: clone).origin == "unchanged")
    #expect(try build(options + ["--replace"], in: clone).origin == "unchanged")
    #expect(
      try build(["--store", "\(directory)/store", "--output", "\(directory)/two"], in: clone).origin
        == "store")
    #expect(try Bench.digests(below: "\(directory)/two") == expected)
    #expect(try build(options + ["--replace", "--no-cache"], in: clone).origin == "packages")

    // A release that somebody changed is neither taken for the real one, nor overwritten unasked.
    try flip("\(output)/uki.efi", 5000)
    #expect(try Bench.netimg(["build", Bench.manifest, "--offline"] + options, in: clone).status == 74)
    #expect(try build(options + ["--replace"], in: clone).origin == "store")
    #expect(try Bench.digests(below: output) == expected)

    // Blobs of the store that are damaged make a build, not a damaged release.
    let frames = try FileManager.default.contentsOfDirectory(atPath: "\(output)/frames")
    for frame in frames.prefix(3) {
      try flip("\(directory)/store/blobs/sha256/\(frame.prefix(2))/\(frame.dropFirst(2))", 20)
    }
    #expect(
      try build(["--store", "\(directory)/store", "--output", "\(directory)/three"], in: clone).origin
        == "packages")
    #expect(try Bench.digests(below: "\(directory)/three") == expected)
  }

  @Test("each input makes another release: a file, the level, the revision")
  func somethingChanged() async throws {
    _ = try await Bench.release()
    let clone = try Bench.checkout("changed")
    let directory = try scratch("changed")
    func digest(_ arguments: [String] = []) throws -> (digest: String, origin: String) {
      let report = try build(arguments + ["--output", "\(directory)/out", "--replace"], in: clone)
      return (report.digest, report.origin)
    }
    let first = try digest().digest
    var seen = [first]
    seen.append(try digest(["--compression", "balanced"]).digest)
    let file = "\(clone)/\(Bench.manifest)"
    let text = try String(contentsOfFile: file, encoding: .utf8)
    try (text + "\nsysctls: {net.ipv4.ip_forward: \"0\"}\n").write(
      toFile: file, atomically: true, encoding: .utf8)
    seen.append(try digest().digest)
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    let back = try digest()
    #expect(back.digest == first && back.origin == "store")
    #expect(
      try run(
        [
          "git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "--allow-empty", "-m",
          "t",
        ],
        environment: ["GIT_COMMITTER_DATE": "2031-01-01T00:00:00Z"], directory: clone
      ).status == 0)
    seen.append(try digest().digest)
    #expect(Set(seen).count == seen.count)
  }

  @Test(
    "an export for a manifest is all that an offline build needs, as another user with nothing else",
    .enabled(if: Bench.isRoot && findTool("setpriv") != nil, Bench.needsRoot))
  func exportForAnotherMachine() async throws {
    let expected = try Bench.digests(below: try await Bench.release().path)
    let clone = try Bench.checkout("export")
    let home = try scratch("elsewhere")
    let archive = "\(home)/packages.tar"
    let exported = try Bench.netimg(
      ["store", "export", archive, "--for", Bench.manifest, "--json"], in: clone)
    #expect(exported.status == 0, "\(exported.errorText)")
    let again = try Bench.netimg(
      ["store", "export", "-", "--lock", "manifests/minimal.lock.json", "--quiet"], in: clone)
    #expect(
      try again.output == [UInt8](Data(contentsOf: URL(fileURLWithPath: archive))),
      "the same set, the same bytes")
    #expect(try run(["chown", "-R", "nobody", clone, home]).status == 0)
    let environment = ["HOME": home, "XDG_CACHE_HOME": "", "NETIMG_STORE": "", "NETIMG_SHARED_STORE": ""]
    func asNobody(_ arguments: [String]) throws -> SubprocessResult {
      try run(
        ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", Bench.program] + arguments,
        environment: environment, directory: clone)
    }
    let imported = try asNobody(["store", "import", archive])
    #expect(imported.status == 0, "\(imported.errorText)")
    let built = try asNobody(["build", Bench.manifest, "--offline", "--output", "\(home)/out"])
    #expect(built.status == 0, "\(built.errorText)")
    #expect(try Bench.digests(below: "\(home)/out") == expected)
  }

  @Test("a whole export is a warm cache on the other side, if it is trusted; a damaged one is refused")
  func wholeStore() async throws {
    _ = try await Bench.release()
    let clone = try Bench.checkout("whole")
    let directory = try scratch("whole")
    let source = "\(directory)/source"
    try Bench.copyStore(to: source)
    let first = try build(["--store", source, "--output", "\(directory)/a"], in: clone)
    let archive = "\(directory)/all.tar"
    #expect(try Bench.netimg(["store", "export", archive, "--store", source]).status == 0)
    #expect(
      try Bench.netimg(["store", "import", archive, "--store", "\(directory)/trusting", "--trust"]).status
        == 0)
    let second = try build(["--store", "\(directory)/trusting", "--output", "\(directory)/b"], in: clone)
    #expect(second.origin == "store" && second.digest == first.digest)
    let plain = try Bench.netimg(["store", "import", archive, "--store", "\(directory)/plain"])
    #expect(plain.status == 0 && plain.errorText.contains("--trust"), "\(plain.errorText)")
    let third = try build(["--store", "\(directory)/plain", "--output", "\(directory)/c"], in: clone)
    #expect(third.origin == "packages" && third.digest == first.digest)

    try flip(archive, 1 << 20)
    let damaged = try Bench.netimg(["store", "import", archive, "--store", "\(directory)/damaged", "--trust"])
    #expect(damaged.status == 77, "\(damaged.errorText)")
    #expect(try run(["find", "\(directory)/damaged", "-type", "f", "-not", "-name", ".gate"]).text.isEmpty)
  }

  @Test("garbage goes down to the size asked for, what running builds use stays, and builds go on")
  func garbage() async throws {
    let expected = try Bench.digests(below: try await Bench.release().path)
    let clone = try Bench.checkout("garbage")
    let directory = try scratch("garbage")
    let store = "\(directory)/store"
    try Bench.copyStore(to: store)
    let running = try Background(
      [
        Bench.program, "build", Bench.manifest, "--offline", "--store", store, "--output", "\(directory)/out",
      ],
      output: "\(directory)/log", directory: clone)
    func hasBegun() -> Bool {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(store)/leases")) ?? []
      return names.contains { $0 != ".gate" }
    }
    while running.isRunning, !hasBegun() { usleep(200) }
    let during = try Bench.netimg(["store", "gc", "--max-size", "0", "--store", store, "--json"])
    #expect(during.status == 0, "\(during.errorText)")
    #expect(running.wait() == 0, "\(running.text)")
    #expect(try Bench.digests(below: "\(directory)/out") == expected)
    #expect(try Bench.netimg(["store", "gc", "--max-size", "1MiB", "--store", store]).status == 0)
    struct Info: Decodable { let bytes: Int }
    let info = try Bench.netimg(["store", "info", "--store", store, "--json"])
    #expect(try JSONDecoder().decode(Info.self, from: Data(info.output)).bytes <= 1 << 20)
    #expect(try Bench.netimg(["store", "gc", "--max-size", "lots", "--store", store]).status == 64)
  }

  @Test(
    "a shared store that cannot be written serves a build; it stays as it is",
    .enabled(if: Bench.isRoot, Bench.needsRoot))
  func sharedStore() async throws {
    let expected = try Bench.digests(below: try await Bench.release().path)
    let clone = try Bench.checkout("shared-store")
    let directory = try scratch("shared-store")
    let shared = "\(directory)/shared"
    try Bench.copyStore(to: shared)
    let mount = try run(["mount", "--bind", shared, shared])
    try #require(mount.status == 0, "\(mount.errorText)")
    defer { _ = try? run(["umount", shared]) }
    #expect(try run(["mount", "-o", "remount,bind,ro", shared]).status == 0)
    let result = try Bench.netimg(
      ["build", Bench.manifest, "--offline", "--store", "\(directory)/own", "--output", "\(directory)/out"],
      in: clone, environment: ["NETIMG_SHARED_STORE": shared])
    #expect(result.status == 0, "\(result.errorText)")
    #expect(try Bench.digests(below: "\(directory)/out") == expected)
    let alone = try Bench.netimg(
      ["build", Bench.manifest, "--offline", "--store", shared, "--output", "\(directory)/alone"], in: clone)
    #expect(alone.status == 0, "\(alone.errorText)")
    #expect(try Bench.digests(below: "\(directory)/alone") == expected)
  }
}
