import Foundation
import TestSupport
import Testing

@Suite(
  "reproducible, unprivileged, executing nothing", .serialized, .enabled(if: Bench.isReady, Bench.whyNot))
struct ReproducibilityTests {
  @Test("the sample's lock file fits its manifest")
  func lockFits() throws {
    let result = try Bench.netimg(["lock", Bench.manifest, "--check", "--json"])
    #expect(result.status == 0, "\(result.text)\(result.errorText)")
    #expect(result.text.contains("\"fits\" : true"))
  }

  @Test(
    "another directory, user, clock, time zone, locale, umask, one core and no caches give the same bytes",
    .enabled(if: Bench.isRoot, Bench.needsRoot),
    .enabled(if: findTool("faketime") != nil && findTool("setpriv") != nil, "faketime or setpriv is missing"))
  func sameBytes() async throws {
    let expected = try Bench.digests(below: try await Bench.release().path)
    let home = "\(Bench.scratch)/other user/home"
    let clone = try Bench.checkout("a name with spaces and ü")
    try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
    try Bench.copyStore(to: "\(home)/.cache/netimg")
    #expect(try run(["chown", "-R", "nobody", clone, home]).status == 0)
    // sh sets the umask; every word of the command is passed through as it is.
    let command =
      [
        "faketime", "2031-07-01 12:34:56", "setpriv", "--reuid", "nobody", "--clear-groups", "taskset", "-c",
        "0",
      ]
      + ["sh", "-c", "umask 077; exec \"$@\"", "sh", Bench.program]
      + ["build", Bench.manifest, "--offline", "--output", "\(home)/out"]
    let result = try run(
      command,
      environment: [
        "HOME": home, "XDG_CACHE_HOME": "", "NETIMG_STORE": "\(home)/.cache/netimg", "LC_ALL": "tr_TR.UTF-8",
        "TZ": "Asia/Kathmandu", "USER": "nobody",
      ], directory: clone)
    #expect(result.status == 0, "\(result.errorText)")
    let found = try Bench.digests(below: "\(home)/out")
    #expect(found == expected)
    #expect(found.count > 20)
    let modes = try run(["find", "\(home)/out", "-type", "f", "!", "-perm", "0644"])
    #expect(modes.text.isEmpty, "files whose mode depends on the umask: \(modes.text)")
  }

  @Test(
    "an offline build as an ordinary user starts no program and opens no socket",
    .enabled(if: Bench.isRoot, Bench.needsRoot),
    .enabled(if: findTool("strace") != nil && findTool("setpriv") != nil, "strace or setpriv is missing"))
  func traced() async throws {
    _ = try await Bench.release()
    let home = "\(Bench.scratch)/traced"
    let clone = try Bench.checkout("traced")
    try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
    try Bench.copyStore(to: "\(home)/store")
    #expect(try run(["chown", "-R", "nobody", clone, home]).status == 0)
    let trace = "\(home)/trace"
    let calls = "execve,execveat,fork,vfork,socket,socketpair,connect,bind,unshare,setns,chroot,mount,setuid"
    let result = try run(
      ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--no-new-privs"]
        + ["strace", "-f", "-qq", "-o", trace, "-e", "trace=\(calls)", Bench.program]
        + ["build", Bench.manifest, "--offline", "--output", "\(home)/out"],
      environment: ["HOME": home, "NETIMG_STORE": "\(home)/store"], directory: clone)
    #expect(result.status == 0, "\(result.errorText)")
    let lines = String(decoding: try Data(contentsOf: URL(fileURLWithPath: trace)), as: UTF8.self)
      .split(separator: "\n").filter { !$0.contains("+++") && !$0.contains("---") }
    #expect(lines.count == 1, "\(lines.joined(separator: "\n"))")
    #expect(lines.first?.contains("execve(\"\(Bench.program)\"") == true)
  }

  @Test(
    "an offline build looks at nothing of the host but what libraries read when they start",
    .enabled(if: findTool("strace") != nil, "strace is missing"))
  func hostFiles() async throws {
    _ = try await Bench.release()
    let home = "\(Bench.scratch)/looks"
    let clone = try Bench.checkout("looks")
    try Bench.copyStore(to: "\(home)/store")
    let trace = "\(home)/trace"
    let result = try run(
      ["strace", "-f", "-y", "-qq", "-o", trace, "-e", "trace=open,openat,openat2", Bench.program]
        + ["build", Bench.manifest, "--offline", "--output", "\(home)/out"],
      environment: ["HOME": home, "NETIMG_STORE": "\(home)/store"], directory: clone)
    #expect(result.status == 0, "\(result.errorText)")
    // `openat(…) = 7</the/path>`: whole paths, whatever directory they were opened by.
    let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: trace)), as: UTF8.self)
    let paths = Set(
      text.split(separator: "\n").compactMap { line in
        line.hasSuffix(">") ? line.split(separator: "<").last.map { String($0.dropLast()) } : nil
      }.filter { $0.hasPrefix("/") })  // and not `<unfinished ...>`
    #expect(paths.contains { $0 == "\(clone)/manifests/minimal.yaml" }, "the trace shows what is read")
    let expected = [
      // What the loader, libgit2, libcurl's TLS library and the allocator look at before there is a build.
      "/etc/ld.so.", "/etc/ssl/", "/usr/lib/ssl/", "/etc/gnutls/", "/proc/", "/sys/devices/system/cpu/",
      "/sys/fs/cgroup/", "/dev/",
    ]
    let ours = [
      Bench.scratch,
      URL(fileURLWithPath: Bench.program).resolvingSymlinksInPath().deletingLastPathComponent().path,
    ]
    let other = paths.filter { path in
      !path.hasSuffix(".so") && !path.contains(".so.")
        && !(expected + ours).contains { path.hasPrefix($0) }
    }
    #expect(other.isEmpty, "\(other.sorted().joined(separator: " "))")
  }

  @Test(
    "netimg-init of a fresh clone is the same program, whoever builds it, wherever, on one core",
    .enabled(if: Bench.isRoot, Bench.needsRoot),
    .enabled(if: findTool("setpriv") != nil && findTool("swiftc") != nil, "setpriv or swiftc is missing"),
    .enabled(if: Bench.isCommitted, "the work tree has changes, which a clone does not have"))
  func sameStageZero() throws {
    let home = "\(Bench.scratch)/stage 0 ü"
    let clone = try Bench.checkout("stage 0 ü")
    try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
    // Nobody may clone from a mirror of Swift packages that belongs to root without this.
    try Data("[safe]\n\tdirectory = *\n".utf8).write(to: URL(fileURLWithPath: "\(home)/.gitconfig"))
    let environment = ProcessInfo.processInfo.environment
    let cache = environment["XDG_CACHE_HOME"] ?? "\(environment["HOME"] ?? "/root")/.cache"
    if FileManager.default.fileExists(atPath: "\(cache)/netimg-pinned") {
      #expect(try run(["cp", "-a", "\(cache)/netimg-pinned", home]).status == 0)
    }
    #expect(try run(["chown", "-R", "nobody", clone, home]).status == 0)
    let result = try run(
      ["setpriv", "--reuid", "nobody", "--clear-groups", "taskset", "-c", "0"]
        + ["sh", "-c", "umask 077; exec make stage0"],
      environment: [
        "HOME": home, "XDG_CACHE_HOME": home, "LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu",
        "USER": "nobody",
      ], directory: clone)
    #expect(result.status == 0, "\(result.text)\(result.errorText)")
    let program = URL(fileURLWithPath: Bench.program).deletingLastPathComponent().appendingPathComponent(
      "netimg-init")
    let built = URL(fileURLWithPath: "\(clone)/.build/stage0/release/netimg-init")
    #expect(
      try Data(contentsOf: built) == Data(contentsOf: program), "run make build, then tools/reproduce --quick"
    )
  }

  @Test("the release says which zstd compressed it: the pinned one")
  func encoder() async throws {
    struct File: Decodable {
      struct Builder: Decodable { let zstd: String }
      let builder: Builder
    }
    let release = try await Bench.release()
    let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(release.path)/release.json"))
    let zstd = try JSONDecoder().decode(File.self, from: bytes).builder.zstd
    let pins = try String(contentsOfFile: "\(Bench.repository)/tools/pinned.sha256", encoding: .utf8)
    #expect(pins.contains("/libzstd-dev_\(zstd)+"), "this netimg is linked with zstd \(zstd)")
    let provenance = try String(contentsOfFile: "\(release.path)/provenance.json", encoding: .utf8)
    #expect(provenance.contains("\"zstd\":\"\(zstd)\""))
  }

  @Test("the work tree, the same revision by --git-ref, and a copy without git agree on the root image")
  func gitReference() async throws {
    let release = try await Bench.release()
    let clone = try Bench.checkout("reference")
    // What is in the work tree must not matter.
    try Data("broken: [".utf8).write(to: URL(fileURLWithPath: "\(clone)/\(Bench.manifest)"))
    let output = "\(Bench.scratch)/reference"
    let result = try Bench.netimg(
      ["build", Bench.manifest, "--git-ref", "HEAD", "--offline", "--no-cache", "--output", output],
      in: clone)
    #expect(result.status == 0, "\(result.errorText)")
    #expect(try Bench.digests(below: output) == Bench.digests(below: release.path))
  }
}
