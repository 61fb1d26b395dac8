import Foundation
import TestSupport
import Testing

@testable import DebianPackage

/// Packages of random trees, and sound packages with random damage.
@Suite struct RandomPackageTests {
  /// Trees made at random, packed by dpkg-deb, read here and by tar.
  @Test(.enabled(if: Tool.exists("dpkg-deb", "tar", "sh"), "needs dpkg-deb and tar"), arguments: 1...6)
  func randomTreesAgreeWithTar(_ seed: UInt64) async throws {
    var generator = SplitMix64(state: seed)
    let compression = ["xz", "gzip", "zstd", "none"].randomElement(using: &generator) ?? "none"
    let script = Self.treeScript(&generator)
    try await withScratchDirectory { directory in
      let head = """
        mkdir -p root/DEBIAN
        printf 'Package: demo\\nVersion: 1\\nArchitecture: all\\nMaintainer: A <a@b.c>\\nDescription: x\\n' \
          > root/DEBIAN/control

        """
      let tail = "\ndpkg-deb --root-owner-group -Z\(compression) --build root out.deb\n"
      try Tool.must("sh", ["-e"], input: Array((head + script + tail).utf8), in: directory)
      let file = directory.appendingPathComponent("out.deb")
      let package = try DebFile(bytes: [UInt8](Data(contentsOf: file)), name: "out.deb")
      let entries = try package.entries { _, _ in true }
      #expect(entries.count > 20)
      try DebFileTests.compareWithTar(file.path, entries)

      // Not asking for content changes nothing but the content.
      let bare = try package.entries { _, _ in false }
      #expect(bare.map(\.path) == entries.map(\.path))
      #expect(bare.map(\.permissions) == entries.map(\.permissions))
      for (left, right) in zip(bare, entries) {
        guard case .file(let size, let content) = right.kind else {
          #expect(left.kind == right.kind)
          continue
        }
        #expect(content?.count == size)
        #expect(left.kind == .file(size: size, content: nil))
      }
    }
  }

  /// Shell commands for a tree of some depth: files of awkward sizes, links of both sorts, odd modes and names.
  private static func treeScript(_ generator: inout SplitMix64) -> String {
    var lines: [String] = []
    var directories = ["root"]
    var files: [String] = []
    for index in 0..<40 {
      let parent = directories.randomElement(using: &generator) ?? "root"
      let suffix = String(repeating: "n", count: [0, 1, 40, 120].randomElement(using: &generator) ?? 0)
      let name = ["plain", "ünïcode", "with blank", "dots..", "-dash", "back\\slash"].randomElement(
        using: &generator)
      let path = "\(parent)/\(name ?? "x")\(index)\(suffix)"
      let mode = ["644", "755", "4755", "2750", "600", "444"].randomElement(using: &generator) ?? "644"
      switch Int.random(in: 0..<6, using: &generator) {
      case 0 where path.utf8.count < 600:
        lines.append("mkdir '\(path)'; chmod 0755 '\(path)'")
        directories.append(path)
      case 1:
        let target = ["../x", "/absolute/path", ".", String(repeating: "t/", count: 90)]
        lines.append("ln -s '\(target.randomElement(using: &generator) ?? "x")' '\(path)'")
      case 2 where !files.isEmpty:
        lines.append("ln '\(files.randomElement(using: &generator) ?? "")' '\(path)'")
      default:
        let size = [0, 1, 511, 512, 513, 70_000].randomElement(using: &generator) ?? 0
        lines.append(
          "head -c \(size) /dev/zero | tr '\\0' '\\\(60 + index)' > '\(path)'; chmod \(mode) '\(path)'")
        files.append(path)
      }
    }
    return lines.joined(separator: "\n")
  }

  private var sound: [UInt8] {
    HandMade.package(
      controlFiles: [
        HandMade.member("./postinst", content: Array("#!/bin/sh\nldconfig\n".utf8), mode: 0o755),
        HandMade.member("./conffiles", content: Array("/etc/demo\n".utf8)),
      ],
      data: HandMade.tar(
        HandMade.member("./", type: "5"), HandMade.member("./etc/", type: "5"),
        HandMade.member("./etc/demo", content: Array("setting\n".utf8)),
        HandMade.member("./etc/hard", type: "1", link: "./etc/demo"),
        HandMade.long("L", Array("./etc/\(String(repeating: "l", count: 120))\u{0}".utf8)),
        HandMade.member("cut", type: "2", link: "demo")))
  }

  /// Whatever is damaged, the answer is a refusal or a list that keeps the rules; it is never a trap.
  @Test func damagedPackagesAreRefusedOrStillClean() {
    var generator = SplitMix64(state: 3)
    let sound = sound
    var refused = 0
    for _ in 0..<1500 {
      var damaged = sound
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let offset = Int.random(in: 0..<damaged.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: damaged[offset] = UInt8.random(in: 0...255, using: &generator)
        case 1: damaged[offset] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 2: damaged.removeSubrange(offset..<min(damaged.count, offset + 512))
        default: damaged.insert(contentsOf: sound[..<min(sound.count, 512)], at: offset)
        }
      }
      guard let entries = try? DebFile(bytes: damaged, name: "demo.deb").entries(wanting: { _, _ in true })
      else {
        refused += 1
        continue
      }
      #expect(Set(entries.map(\.path)).count == entries.count)
      for entry in entries {
        #expect(!entry.path.isEmpty && !entry.path.hasPrefix("/"))
        #expect(
          !entry.path.split(separator: "/", omittingEmptySubsequences: false).contains {
            $0 == ".." || $0.isEmpty
          })
        #expect(entry.permissions <= 0o7777)
      }
    }
    #expect(refused > 300)
  }

  /// The checksum of a header put right again, so that the damage gets past it.
  @Test func headersWithRandomFieldsAndSoundChecksums() {
    var generator = SplitMix64(state: 5)
    for _ in 0..<3000 {
      var member = HandMade.member("./etc/x", content: Array("content".utf8), link: "y")
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        member[Int.random(in: 0..<512, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      member.replaceSubrange(148..<156, with: Array("        ".utf8))
      let sum = member[..<512].reduce(0) { $0 + Int($1) }
      member.replaceSubrange(148..<156, with: HandMade.octal(sum, 8))
      let package = HandMade.package(data: HandMade.tar(member))
      guard let entries = try? DebFile(bytes: package, name: "demo.deb").entries(wanting: { _, _ in true })
      else {
        continue
      }
      #expect(entries.count <= 1)
      for entry in entries {
        #expect(!entry.path.hasPrefix("/"))
        #expect(!entry.path.utf8.contains { $0 < 0x20 })
      }
    }
  }
}
