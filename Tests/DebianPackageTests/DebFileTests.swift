import Foundation
import TestSupport
import Testing

@testable import DebianPackage

/// Packages that dpkg-deb itself built, against what dpkg-deb and tar say about them.
@Suite(.enabled(if: Tool.exists("dpkg-deb", "tar"), "needs dpkg-deb and tar"))
struct DebFileTests {
  /// Builds a package of every sort of content with dpkg-deb.
  private func build(in directory: URL, compression: String) throws -> [UInt8] {
    let root = directory.appendingPathComponent("root")
    let long = String(repeating: "a-long-directory-name/", count: 9)
    let script = """
      mkdir -p root/DEBIAN root/usr/bin root/etc root/usr/share/\(long)
      printf 'Package: demo\\nVersion: 2:1.0-1\\nArchitecture: all\\nMaintainer: A <a@example.org>\\n' \
        > root/DEBIAN/control
      printf 'Description: one\\n two\\n' >> root/DEBIAN/control
      printf '#!/bin/sh\\nset -e\\nldconfig\\n' > root/DEBIAN/postinst
      chmod 755 root/DEBIAN/postinst
      printf 'activate-noawait ldconfig\\n' > root/DEBIAN/triggers
      printf '/etc/demo.conf\\n' > root/DEBIAN/conffiles
      printf 'setting\\n' > root/etc/demo.conf
      head -c 70000 /dev/zero | tr '\\0' 'z' > root/usr/bin/demo
      chmod 4755 root/usr/bin/demo
      ln root/usr/bin/demo root/usr/bin/demo-link
      ln -s ../bin/demo root/usr/bin/symbolic
      ln -s /nowhere root/etc/absolute
      printf x > "root/usr/share/Főtanúsítvány with blanks"
      printf deep > root/usr/share/\(long)file
      ln -s \(long)file root/usr/share/long-link
      dpkg-deb --root-owner-group -Z\(compression) --build root out.deb
      """
    _ = try Tool.must("sh", ["-e"], input: Array(script.utf8), in: directory)
    _ = root
    return [UInt8](try Data(contentsOf: directory.appendingPathComponent("out.deb")))
  }

  @Test(arguments: ["xz", "gzip", "zstd", "none"])
  func opensWhatDpkgBuilds(_ compression: String) async throws {
    try await withScratchDirectory { directory in
      let bytes = try build(in: directory, compression: compression)
      let package = try DebFile(bytes: bytes, name: "out.deb")
      #expect(package.packageName == "demo")
      #expect(package.version.description == "2:1.0-1")
      #expect(package.architecture == "all")
      #expect(package.control["description"] == "one\ntwo")
      #expect(package.scripts == [.postinst: Array("#!/bin/sh\nset -e\nldconfig\n".utf8)])
      #expect(package.triggers == Array("activate-noawait ldconfig\n".utf8))
      #expect(package.conffiles == ["etc/demo.conf"])

      let entries = try package.entries { path, _ in path != "etc/demo.conf" }
      let byPath = Dictionary(uniqueKeysWithValues: entries.map { ($0.path, $0) })
      #expect(byPath["etc/demo.conf"]?.kind == .file(size: 8, content: nil))
      // Which of two hard-linked names comes first is the file system's whim.
      let names = ["usr/bin/demo", "usr/bin/demo-link"]
      let file = try #require(names.first { if case .file = byPath[$0]?.kind { true } else { false } })
      let link = try #require(names.first { $0 != file })
      #expect(byPath[file]?.kind == .file(size: 70000, content: [UInt8](repeating: 0x7A, count: 70000)))
      #expect(byPath[link]?.kind == .hardLink(to: file))
      #expect(byPath[file]?.permissions == 0o4755)
      #expect(byPath[file]?.ownerName == "root")
      #expect(byPath["usr/bin/symbolic"]?.kind == .symlink(target: "../bin/demo"))
      #expect(byPath["etc/absolute"]?.kind == .symlink(target: "/nowhere"))
      #expect(byPath["usr"]?.kind == .directory)
      try Self.compareWithTar(directory.appendingPathComponent("out.deb").path, entries)
    }
  }

  /// Names, kinds, modes and contents as `dpkg-deb --fsys-tarfile | tar` reads them.
  static func compareWithTar(_ package: String, _ entries: [DebEntry]) throws {
    let archive = try Tool.must("dpkg-deb", ["--fsys-tarfile", package])
    let listing = try Tool.must(
      "tar", ["--list", "--verbose", "--numeric-owner", "--quoting-style=literal", "-f", "-"], input: archive)
    let lines = String(decoding: listing, as: UTF8.self).split(separator: "\n")
    let theirs = lines.compactMap(Self.summary(tarLine:))
    #expect(theirs == entries.map(Self.summary(entry:)))
    let contents = try Tool.must("tar", ["--extract", "--to-stdout", "-f", "-"], input: archive)
    var ours: [UInt8] = []
    for entry in entries {
      switch entry.kind {
      case .file(let size, let content):
        // The one that was not wanted is compared by its size.
        ours += content ?? Array(contents.dropFirst(ours.count).prefix(size))
      case .directory, .symlink, .hardLink: break
      }
    }
    #expect(ours == contents)
  }

  /// `drwxr-xr-x 0/0 0 1970-01-01 00:00 ./usr/ -> target` without the date; `nil` for the top.
  private static func summary(tarLine line: Substring) -> String? {
    let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
    guard fields.count == 6 else { return String(line) }
    var name = String(fields[5])
    for (separator, shown) in [(" -> ", " -> "), (" link to ", " => ")] {
      guard let range = name.firstRange(of: separator) else { continue }
      let target = name[range.upperBound...]
      let stripped = shown == " => " && target.hasPrefix("./") ? target.dropFirst(2) : target
      name = name[..<range.lowerBound] + shown + stripped
      break
    }
    if name == "./" { return nil }
    if name.hasPrefix("./") { name.removeFirst(2) }
    if fields[0].hasPrefix("d") { name.removeLast() }
    return "\(fields[0]) \(fields[1]) \(fields[2]) \(name)"
  }

  private static func summary(entry: DebEntry) -> String {
    let (type, size, suffix) =
      switch entry.kind {
      case .file(let size, _): ("-", size, "")
      case .directory: ("d", 0, "")
      case .symlink(let target): ("l", 0, " -> \(target)")
      case .hardLink(let target): ("h", 0, " => \(target)")
      }
    var mode = Array(type.utf8)
    for (index, letter) in "rwxrwxrwx".utf8.enumerated() {
      mode.append(entry.permissions >> UInt16(8 - index) & 1 == 1 ? letter : 0x2D)
    }
    // Set-user-ID, set-group-ID and the sticky bit take the place of an x, in capitals where there is none.
    for (bit, place, letter) in [(0o4000, 3, "s"), (0o2000, 6, "s"), (0o1000, 9, "t")]
      as [(UInt16, Int, String)]
    where entry.permissions & bit != 0 {
      mode[place] = mode[place] == 0x78 ? letter.utf8.first ?? 0 : letter.uppercased().utf8.first ?? 0
    }
    return
      "\(String(decoding: mode, as: UTF8.self)) \(entry.ownerID)/\(entry.groupID) \(size) \(entry.path)\(suffix)"
  }

  /// No locale has a say in names: the reading is the same under each.
  @Test func truncationAnywhereIsRefused() async throws {
    try await withScratchDirectory { directory in
      for compression in ["xz", "zstd", "gzip"] {
        let bytes = try build(in: directory, compression: compression)
        for length in 0..<bytes.count where length < 300 || length > bytes.count - 300 || length % 7 == 0 {
          #expect(
            HandMade.refusal(Array(bytes[..<length])) != nil, "\(compression): \(length) of \(bytes.count)")
        }
        try FileManager.default.removeItem(at: directory.appendingPathComponent("root"))
      }
    }
  }

  @Test func aFlippedBitInACompressedStreamIsRefused() async throws {
    try await withScratchDirectory { directory in
      for compression in ["xz", "zstd", "gzip"] {
        let bytes = try build(in: directory, compression: compression)
        let data = try #require(try ArchiveMembers(bytes, file: "x").members.last)
        for offset in data.range where offset % 5 == 0 {
          var damaged = bytes
          damaged[offset] ^= 0x10
          // A flip may touch what says nothing (a gzip header's time); then the entries must be the same.
          if HandMade.refusal(damaged) == nil {
            let ours = try DebFile(bytes: damaged, name: "x").entries { _, _ in true }
            #expect(
              ours == (try DebFile(bytes: bytes, name: "x").entries { _, _ in true }),
              "\(compression) \(offset)")
          }
        }
        try FileManager.default.removeItem(at: directory.appendingPathComponent("root"))
      }
    }
  }
}
