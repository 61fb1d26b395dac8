import Foundation
import Inspection
import TestSupport
import Testing

@Suite("extract", .enabled(if: BuiltReleases.isReady, BuiltReleases.whyNot))
struct TreeExtractorTests {
  @Test(
    "the tree is the one that fsck.erofs extracts: names, types, modes, owners, links, contents",
    .enabled(if: findTool("fsck.erofs") != nil && geteuid() == 0, "fsck.erofs, or root, is missing"))
  func foreign() async throws {
    let release = try await BuiltReleases.pair().new
    try await withScratchDirectory { (directory: URL) async throws in
      let ours = directory.appendingPathComponent("ours").path
      let theirs = directory.appendingPathComponent("theirs").path
      let image = directory.appendingPathComponent("root.img").path
      #expect(try run([BuiltReleases.program, "extract", release, "--root-image", image]).status == 0)
      #expect(try run(["fsck.erofs", "--extract=\(theirs)", image]).status == 0)
      #expect(try run([BuiltReleases.program, "extract", release, "--to", ours]).status == 0)
      #expect(try run(["diff", "-r", "--no-dereference", ours, theirs]).text == "")
      // fsck.erofs changes the owner after the mode, which loses the set-user-ID bit: that one is looked at alone.
      let script = "find . -mindepth 1 ! -name systemd-sysctl -printf '%P %y %m %U:%G %l\\n'"
      #expect(try run(["stat", "-c", "%a", "\(ours)/usr/lib/systemd/systemd-sysctl"]).text == "4755\n")
      let mine = Set(try run(["sh", "-c", script], directory: ours).text.split(separator: "\n"))
      let foreign = Set(try run(["sh", "-c", script], directory: theirs).text.split(separator: "\n"))
      #expect(mine == foreign, "\(mine.symmetricDifference(foreign).sorted().prefix(10))")
      if findTool("getcap") != nil {
        #expect(try run(["getcap", "\(ours)/usr/bin/udevadm"]).text.contains("cap_net_admin,cap_bpf=ep"))
      }
    }
  }

  @Test("selected paths, each with what is below and the directories above, and no more")
  func selection() async throws {
    let image = try ReleaseImage(await BuiltReleases.pair().new)
    try await withScratchDirectory { directory in
      let root = directory.appendingPathComponent("root").path
      _ = try TreeExtractor.extract(["/etc/probe-link", "lib/systemd/system-preset"], of: image, to: root)
      let names = try run(["sh", "-c", "find . | LC_ALL=C sort"], directory: root).text
      #expect(
        names.hasPrefix(
          ".\n./etc\n./etc/probe-link\n./usr\n./usr/lib\n./usr/lib/systemd\n./usr/lib/systemd/system-preset\n"
        ))
      #expect(!names.contains("libsystemd") && !names.contains("./etc/probe\n"))
      #expect(
        try FileManager.default.destinationOfSymbolicLink(atPath: "\(root)/etc/probe-link") == "probe")
    }
  }

  @Test("a path that is not there: nothing is written at all")
  func missing() async throws {
    let image = try ReleaseImage(await BuiltReleases.pair().new)
    try await withScratchDirectory { directory in
      let root = directory.appendingPathComponent("root").path
      #expect {
        try TreeExtractor.extract(["etc", "etc/nothing"], of: image, to: root)
      } throws: {
        ($0 as? InspectionError)?.code == .notFound
      }
      #expect(!FileManager.default.fileExists(atPath: root))
    }
  }

  @Test("links that lie in wait are not followed, and what is there is not replaced")
  func escape() async throws {
    let image = try ReleaseImage(await BuiltReleases.pair().new)
    try await withScratchDirectory { directory in
      let outside = directory.appendingPathComponent("outside").path
      try FileManager.default.createDirectory(atPath: outside, withIntermediateDirectories: true)
      func attempt(_ name: String, _ prepare: (String) throws -> Void) throws {
        let root = directory.appendingPathComponent(name).path
        try FileManager.default.createDirectory(atPath: "\(root)/etc", withIntermediateDirectories: true)
        try prepare(root)
        #expect {
          try TreeExtractor.extract(["etc/probe"], of: image, to: root)
        } throws: {
          ($0 as? InspectionError)?.code == .inTheWay
        }
      }
      // A directory of the tree is a link to somewhere else.
      try attempt("directory") { root in
        try FileManager.default.removeItem(atPath: "\(root)/etc")
        try FileManager.default.createSymbolicLink(atPath: "\(root)/etc", withDestinationPath: outside)
      }
      // A file of the tree is a link to somewhere else, or is there.
      try attempt("file") { root in
        try FileManager.default.createSymbolicLink(
          atPath: "\(root)/etc/probe", withDestinationPath: "\(outside)/victim")
      }
      try attempt("present") { root in
        try "mine".write(toFile: "\(root)/etc/probe", atomically: false, encoding: .utf8)
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: outside).isEmpty)
      let kept = directory.appendingPathComponent("present/etc/probe").path
      #expect(try String(contentsOfFile: kept, encoding: .utf8) == "mine")
    }
  }
}
