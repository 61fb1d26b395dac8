import Foundation
import Manifest
import Testing
import TestSupport

@testable import ImageBuilder

@Suite(
  "the root: what scanners and systemd read",
  .enabled(if: TinyImage.isPossible, "binutils, dpkg or the EFI stub is missing"))
struct IdentityTests {
  @Test("os-release is what a shell reads, and stays Debian's to scanners")
  func osRelease() async throws {
    let tiny = try await TinyImage()
    var tree = RootTree()
    tree.addIdentity(tiny.inputs())
    try await withScratchDirectory { scratch in
      try tree.export(to: scratch.path)
      let result = try run(
        [
          "sh", "-c",
          ". etc/os-release; echo \"$ID|$VERSION_ID|$VERSION_CODENAME|$IMAGE_ID|$IMAGE_VERSION|$PRETTY_NAME\"",
        ], directory: scratch.path)
      #expect(result.text == "debian|13|trixie|tiny|1.2|tiny 1.2 (netimg, Debian trixie)\n")
    }
    #expect(tree["etc/machine-id"]?.bytes == [])
    #expect(tree["etc/hostname"]?.bytes == Array("tiny\n".utf8))
    #expect(tree["tmp"]?.mode == 0o1777 && tree["root"]?.mode == 0o700)
    for place in ["dev", "proc", "sys", "run", "var"] { #expect(tree[place]?.isDirectory == true) }
  }

  @Test("a host name of the manifest's own stays")
  func hostname() async throws {
    let tiny = try await TinyImage()
    var tree = RootTree()
    try tree.addText("etc/hostname", "mine\n")
    tree.addIdentity(tiny.inputs())
    #expect(tree["etc/hostname"]?.bytes == Array("mine\n".utf8))
  }

  @Test(
    "dpkg-query reads the packages' status, folded fields included",
    .enabled(if: findTool("dpkg-query") != nil, "dpkg-query is missing"))
  func packageStatus() async throws {
    var one = FixturePackage(name: "one", version: "2:1.0~rc1-3")
    one.fields = "Depends: two (>= 1), libc6\nDescription: short\n first line\n .\n  verbatim\n last line\n"
    var two = FixturePackage(name: "two")
    two.fields = "Source: twofold (0.9)\nMulti-Arch: same\nDescription: other\n"
    var tree = RootTree()
    tree.addPackageStatus([try await one.unpack(), try await two.unpack()])
    try await withScratchDirectory { scratch in
      try tree.export(to: scratch.path)
      let status = scratch.appendingPathComponent("status").path
      let join = try run(
        ["sh", "-c", "for f in var/lib/dpkg/status.d/*; do cat $f; echo; done > \(status)"],
        directory: scratch.path)
      #expect(join.status == 0)
      func query(_ format: String, _ package: String) throws -> String {
        let result = try run(["dpkg-query", "--admindir", scratch.path, "-W", "-f", format, package])
        #expect(result.status == 0, "\(result.errorText)")
        return result.text
      }
      #expect(
        try query("${Version} ${db:Status-Status} ${Depends}", "one")
          == "2:1.0~rc1-3 installed two (>= 1), libc6")
      #expect(try query("${Description}", "one") == "short\n first line\n .\n  verbatim\n last line")
      #expect(try query("${source:Package} ${source:Version} ${Architecture}", "two") == "twofold 0.9 amd64")
    }
  }
}
