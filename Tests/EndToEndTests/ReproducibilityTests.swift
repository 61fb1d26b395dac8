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
    "another directory, user, clock, time zone, locale, umask and one core give the same bytes",
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
