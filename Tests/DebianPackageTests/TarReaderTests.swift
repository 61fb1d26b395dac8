import Foundation
import TestSupport
import Testing

@testable import DebianPackage

/// Archives that GNU tar wrote in each of its formats: those of dpkg are read, the others refused.
@Suite(.enabled(if: Tool.exists("tar", "sh", "zstd"), "needs tar and zstd"))
struct TarReaderTests {
  /// A tar archive of what a shell script leaves in `root`.
  private func archive(_ script: String, _ options: [String], in directory: URL) throws -> [UInt8] {
    try Tool.must(
      "sh", ["-e"], input: Array("rm -rf root; mkdir root; cd root\n\(script)\n".utf8), in: directory)
    let common = ["--create", "--sort=name", "--mtime=@0", "-C", "root", "-f", "-"]
    return try Tool.must("tar", common + options + ["."], in: directory)
  }

  private func open(_ data: [UInt8]) throws(DebianPackageError) -> [DebEntry] {
    try DebFile(bytes: HandMade.package(data: data), name: "demo.deb").entries { _, _ in true }
  }

  @Test(arguments: ["v7", "ustar", "oldgnu", "gnu"])
  func formatsOfDpkg(_ format: String) async throws {
    try await withScratchDirectory { directory in
      let script = "mkdir -p a/b; printf hello > a/b/c; ln -s ../x a/link; ln a/b/c a/d; chmod 1777 a/b"
      let bytes = try archive(
        script, ["--format=\(format)", "--numeric-owner", "--owner=7", "--group=8"], in: directory)
      let entries = try open(bytes)
      #expect(entries.map(\.path) == ["a", "a/b", "a/b/c", "a/d", "a/link"])
      #expect(entries.map(\.ownerID) == [7, 7, 7, 7, 7])
      #expect(entries.map(\.groupID) == [8, 8, 8, 8, 8])
      #expect(entries[1].permissions == 0o1777)
      #expect(entries[2].kind == .file(size: 5, content: Array("hello".utf8)))
      #expect(entries[3].kind == .hardLink(to: "a/b/c"))
      #expect(entries[4].kind == .symlink(target: "../x"))
    }
  }

  @Test func largeOwnersAndNames() async throws {
    try await withScratchDirectory { directory in
      let bytes = try archive(
        "printf x > f", ["--format=gnu", "--owner=someone:4000000000", "--group=others:3000000000"],
        in: directory)
      let file = try #require(try open(bytes).first)
      #expect((file.ownerID, file.groupID) == (4_000_000_000, 3_000_000_000))
      #expect((file.ownerName, file.groupName) == ("someone", "others"))
    }
  }

  @Test func namesOfEveryLength() async throws {
    try await withScratchDirectory { directory in
      let lengths = [98, 99, 100, 101, 150, 254, 255]
      let script = lengths.map { "mkdir -p \(String(repeating: "n", count: $0))" }.joined(separator: "\n")
      for format in ["gnu", "oldgnu"] {
        let entries = try open(archive(script, ["--format=\(format)"], in: directory))
        #expect(entries.map(\.path.utf8.count).sorted() == lengths)
      }
      let deep = "mkdir -p " + (0..<12).map { "directory-\($0)-of-some-length" }.joined(separator: "/")
      let gnu = try open(archive(deep, ["--format=gnu"], in: directory))
      #expect(gnu.map(\.path.utf8.count).max() ?? 0 > 256)
      let shorter = "mkdir -p " + (0..<8).map { "directory-\($0)-of-some-length" }.joined(separator: "/")
      let ustar = try open(archive(shorter, ["--format=ustar"], in: directory))
      #expect(ustar == (try open(archive(shorter, ["--format=gnu"], in: directory))))
    }
  }

  @Test func formatsThatDpkgRefuses() async throws {
    try await withScratchDirectory { directory in
      let pax = try archive("printf x > f", ["--format=posix", "--pax-option=comment=x"], in: directory)
      #expect(HandMade.refusal(HandMade.package(data: pax)) == .unsupported)
      let names = try archive(
        "mkdir \(String(repeating: "n", count: 150))", ["--format=posix"], in: directory)
      #expect(HandMade.refusal(HandMade.package(data: names)) == .unsupported)
      let fifo = try archive("mkfifo f", ["--format=gnu"], in: directory)
      #expect(HandMade.refusal(HandMade.package(data: fifo)) == .unsafeKind)
      let hole = "truncate -s 5M f; printf x >> f"
      let sparse = try archive(hole, ["--format=gnu", "--sparse"], in: directory)
      #expect(HandMade.refusal(HandMade.package(data: sparse)) == .unsafeKind)
      let label = try archive("printf x > f", ["--format=gnu", "--label=disk"], in: directory)
      #expect(HandMade.refusal(HandMade.package(data: label)) == .unsafeKind)
    }
  }

  /// A change anywhere in a header is noticed: by the checksum, or because it says nothing that is used.
  @Test func everyByteOfAHeaderIsGuarded() throws {
    let member = HandMade.member("usr/x", content: Array("content".utf8), mode: 0o755)
    let sound = try open(HandMade.tar(member))
    for offset in 0..<TarHeader.size {
      for bit in [UInt8(0x01), 0x80] {
        var damaged = member
        damaged[offset] ^= bit
        if let entries = try? open(HandMade.tar(damaged)) { #expect(entries == sound, "\(offset)") }
      }
    }
  }

  @Test func numbersInEveryFormThatTarsWrite() throws {
    for size in [
      "00000000003\0", "0000000003 \0", "         3 \0", "3\0\0\0\0\0\0\0\0\0\0\0", "00000000003 ",
    ] {
      let member = HandMade.member("a", content: [1, 2, 3], size: Array(size.utf8))
      #expect(try open(HandMade.tar(member)).first?.kind == .file(size: 3, content: [1, 2, 3]), "\(size)")
    }
    let binary: [UInt8] = [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3]
    let member = HandMade.member("a", content: [1, 2, 3], size: binary)
    #expect(try open(HandMade.tar(member)).first?.kind == .file(size: 3, content: [1, 2, 3]))
    for size in ["-0000000003\0", "0x000000003\0", "000 0000003\0", "00000000008\0", "3\0 3\0\0\0\0\0\0\0\0"]
    {
      let liar = HandMade.member("a", content: [1, 2, 3], size: Array(size.utf8))
      #expect(HandMade.refusal(HandMade.package(data: HandMade.tar(liar))) == .corrupt, "\(size)")
    }
  }

  @Test func theOldestFilesHaveNoType() throws {
    let entries = try open(
      HandMade.tar(
        HandMade.member("d/", type: "\0", magic: ""),
        HandMade.member("d/f", type: "\0", content: [9], magic: "")))
    #expect(entries.map(\.kind) == [.directory, .file(size: 1, content: [9])])
    // Without the magic of ustar the prefix is somebody else's bytes.
    let old = try open(HandMade.tar(HandMade.member("f", magic: "ustar  ", prefix: "elsewhere")))
    #expect(old.map(\.path) == ["f"])
  }

  /// 200 MiB of zeros in a few kilobytes: stopped at 64 MiB, whatever the header claims.
  @Test func bombsAreStopped() async throws {
    try await withScratchDirectory { directory in
      let script = "truncate -s 200M zeros; tar --format=gnu -cf - zeros | zstd -qc > bomb"
      try Tool.must("sh", ["-e", "-c", script], in: directory)
      let bomb = [UInt8](try Data(contentsOf: directory.appendingPathComponent("bomb")))
      #expect(bomb.count < 64 << 10)
      let package = HandMade.package(data: bomb, dataName: "data.tar.zst")
      do throws(DebianPackageError) {
        _ = try DebFile(bytes: package, name: "demo.deb").entries { _, _ in false }
        Issue.record("the bomb went off")
      } catch {
        #expect(error.code == .limit)
        #expect(error.description.contains("\(64 << 20) bytes"))
      }
      var generous = DebLimits()
      generous.compressionRatio = 1_000_000
      let entries = try DebFile(bytes: package, name: "demo.deb", limits: generous).entries { _, _ in false }
      #expect(entries.first?.kind == .file(size: 200 << 20, content: nil))
    }
  }
}
