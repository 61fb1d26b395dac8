import Testing

@testable import NativeActions

@Suite struct TmpfilesGenerateTests {
  @Test func theTextIsStable() throws {
    let text = try Tmpfiles.generate(
      [
        .symlink(path: "/var/run", target: "/run"),
        .file(path: "/var/lib/a b/50%", mode: 0o640, user: "frr", group: "adm"),
        .directory(path: "/var/lib/a b", mode: 0o2750, user: "root", group: "root"),
        .directory(path: "/var/lib", mode: 0o755, user: "root", group: "root"),
        .symlink(path: "/var/line\nfeed", target: "a b\\c"),
      ], besides: [])
    #expect(
      String(decoding: text, as: UTF8.self) == #"""
        # What packages ship below /var, for the empty file system that is there at every boot.
        d /var/lib 0755 root root - -
        d "/var/lib/a b" 2750 root root - -
        C "/var/lib/a b/50%%" 0640 frr adm - /usr/share/factory/var/lib/a\x20b/50%%
        L "/var/line\nfeed" - - - - a\x20b\x5cc
        L /var/run - - - - /run

        """#)
  }

  @Test func linesThatOnlyAdjustOrCannotBeReadNowDoNotCount() throws {
    let lines = try Tmpfiles.parse(
      [UInt8]("z /var/a 0700\nx /var/a\nd /var/%m\nd /var/b\n".utf8), file: "package.conf")
    let shipped: [Tmpfiles.Shipped] = ["/var/a", "/var/b", "/var/%m"].map {
      .directory(path: $0, mode: 0o755, user: "root", group: "root")
    }
    let text = String(decoding: try Tmpfiles.generate(shipped, besides: lines), as: UTF8.self)
    #expect(text.contains("d /var/a 0755"))
    #expect(text.contains("d /var/%%m 0755"))
    #expect(!text.contains("/var/b"))
  }

  @Test(arguments: 0..<40 as Range<UInt64>)
  func anyPathReadsBack(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let alphabet = "aZ0 .-_\"'\\%\t\n#;*?[]{}~$`é\u{1}\u{7f}"
    func word() -> String {
      "x"
        + String(
          (0..<Int.random(in: 1...12, using: &generator)).map { _ in
            alphabet.randomElement(using: &generator) ?? "a"
          })
    }
    let path = "/var/\(word())/\(word())"
    let target = word()
    for item: Tmpfiles.Shipped in [
      .symlink(path: path, target: target), .file(path: path, mode: 0o600, user: "0", group: "0"),
      .directory(path: path, mode: 0o700, user: "0", group: "0"),
    ] {
      let lines = try Tmpfiles.parse(try Tmpfiles.generate([item], besides: []), file: "generated.conf")
      #expect(lines.count == 1)
      #expect(lines.first?.path == path)
      #expect(lines.first?.unknownSpecifier == nil)
      switch item {
      case .symlink: #expect(lines.first?.argument == [UInt8](target.utf8))
      case .file: #expect(lines.first?.argument == [UInt8]("/usr/share/factory\(path)".utf8))
      case .directory: #expect(lines.first?.mode?.bits == 0o700)
      }
    }
  }
}
