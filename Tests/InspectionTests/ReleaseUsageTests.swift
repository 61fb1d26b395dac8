import Foundation
import Inspection
import TestSupport
import Testing

@Suite("inspect", .enabled(if: BuiltReleases.isReady, BuiltReleases.whyNot))
struct ReleaseUsageTests {
  @Test("packs add up to the whole, and so do the top directories")
  func sums() async throws {
    let usage = ReleaseUsage(try ReleaseImage(await BuiltReleases.pair().new), depth: 1)
    #expect(usage.packs.reduce(0) { $0 + $1.bytes } == usage.bytes)
    #expect(usage.packs.reduce(0) { $0 + $1.files } == usage.files)
    #expect(usage.directories.first { $0.path == "/" }?.bytes == usage.bytes)
    #expect(
      usage.directories.filter { $0.path != "/" }.reduce(0) { $0 + $1.bytes } <= usage.bytes)
    #expect(usage.packs.map(\.bytes) == usage.packs.map(\.bytes).sorted(by: >))
    #expect(usage.packs.contains { $0.name == "systemd" && $0.version != nil })
    // Metadata and hash tree are nobody's.
    let stored = usage.packs.reduce(0) { $0 + $1.storedBytes }
    #expect(stored < usage.storedBytes && stored > usage.storedBytes * 8 / 10)
  }

  @Test("directories agree with du on the extracted tree")
  func foreign() async throws {
    let release = try await BuiltReleases.pair().old
    try await withScratchDirectory { directory in
      let root = directory.appendingPathComponent("root").path
      let image = try ReleaseImage(release)
      _ = try TreeExtractor.extract([], of: image, to: root)
      let usage = ReleaseUsage(image, depth: 2)
      for name in ["usr/lib", "usr/bin", "etc"] {
        let script =
          "find \(name) -type f -printf '%i %s\\n' | sort -u | awk '{s+=$2} END {printf \"%d\", s}'"
        let sum = try run(["sh", "-c", script], directory: root).text
        #expect(usage.directories.first { $0.path == "/\(name)" }.map { "\($0.bytes)" } == sum, "\(name)")
      }
    }
  }

  @Test("the treemap is XML, with a rectangle for every pack, and refers to nothing outside")
  func drawing() async throws {
    let image = try ReleaseImage(await BuiltReleases.pair().new)
    let svg = TreemapDrawing.svg(of: image)
    let script = """
      import sys, xml.etree.ElementTree as t
      root = t.fromstring(sys.stdin.buffer.read())
      ns = "{http://www.w3.org/2000/svg}"
      print(root.tag, len(root.findall(ns + "rect")))
      """
    let result = try run(["python3", "-c", script], input: Array(svg.utf8))
    #expect(result.status == 0, "\(result.errorText)")
    let count = Int(result.text.split(separator: " ").last?.prefix { $0 != "\n" } ?? "") ?? 0
    #expect(count > ReleaseUsage(image, depth: 0).packs.count)
    #expect(!svg.replacing("http://www.w3.org/2000/svg", with: "").contains("http"))
    #expect(TreemapDrawing.html(of: image).contains(svg))
  }
}
