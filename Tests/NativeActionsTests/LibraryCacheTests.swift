import Foundation
import Glibc
import NativeActions
import TestSupport
import Testing

@testable import NativeActions

@Suite struct LibraryCacheTests {
  private static let libraries = "/lib/x86_64-linux-gnu"

  @Test(arguments: [
    ("libc.so.6", "libc.so.6", 0), ("liba.so.9", "liba.so.10", -1), ("liba.so.10", "liba.so.9", 1),
    ("liba.so.1", "liba.so", 1), ("liba.so", "libaa.so", -1), ("lib1.so", "liba.so", 1),
    ("liba.so", "lib1.so", -1),
    ("liba.so.01", "liba.so.1", 0), ("liba.so.123456789012345678901234567890", "liba.so.2", 1),
    ("lib\u{e9}.so", "liba.so", -1),
  ])
  func ordersNamesAsTheLoader(_ left: String, _ right: String, _ sign: Int) {
    #expect(LibraryNameOrder.compare(left, right).signum() == sign)
  }

  @Test func stringsShareTheirEnds() {
    let table = SuffixStringTable(["libc.so.6", "/lib/libc.so.6", "so.6", "other", ""])
    #expect(
      table.bytes == [UInt8]("other\0/lib/libc.so.6\0".utf8)
        || table.bytes == [UInt8]("/lib/libc.so.6\0other\0".utf8))
    for string in ["libc.so.6", "/lib/libc.so.6", "so.6", "other", ""] {
      let start = table.offset(of: string)
      #expect(table.bytes[start...].prefix { $0 != 0 }.elementsEqual(string.utf8))
    }
  }

  @Test(arguments: [
    ("libc.so.6", true), ("ld-linux-x86-64.so.2", true), ("ld.so.1", true), ("libc.a", false),
    ("xlibc.so", false),
    ("libc.so.6.dpkg-new", false), ("libc.so;5f3a", false), ("README", false),
  ])
  func knowsLibraryNames(_ name: String, _ expected: Bool) {
    #expect(LibraryCache.isLibraryName(name) == expected)
  }

  @Test func fileBeatsLinkAndLaterVersionBeatsEarlier() throws {
    func library(_ soname: String?) throws -> ELFFile {
      var elf = MiniELF()
      if let soname {
        elf.dynamicStrings = [soname]
        elf.dynamic = [(14, .string(0))]
      }
      return try ELFFile(elf.encode(), path: "x")
    }
    var program = MiniELF()
    program.kind = 2
    var foreign = MiniELF()
    foreign.machine = 183
    let selection = try LibraryCache.select(
      directory: "/usr/lib", machine: .amd64,
      candidates: [
        .init(name: "libx.so.1.9", isLink: false, elf: try library("libx.so.1")),
        .init(name: "libx.so.1.10", isLink: false, elf: try library("libx.so.1")),
        .init(name: "libx.so.1", isLink: true, elf: try library("libx.so.1")),
        .init(name: "libx.so", isLink: true, elf: try library("libx.so.1")),
        .init(name: "libnosoname.so", isLink: false, elf: try library(nil)),
        .init(name: "libprogram.so", isLink: false, elf: try ELFFile(program.encode(), path: "x")),
        .init(name: "libforeign.so", isLink: false, elf: try ELFFile(foreign.encode(), path: "x")),
      ])
    #expect(selection.entries.map(\.soname) == ["libnosoname.so", "libx.so", "libx.so.1"])
    #expect(
      selection.entries.map(\.path) == ["/usr/lib/libnosoname.so", "/usr/lib/libx.so", "/usr/lib/libx.so.1"])
    #expect(selection.links.map(\.name) == ["libx.so.1"])
    #expect(selection.links.map(\.target) == ["libx.so.1.10"])
  }

  @Test func refusesWhatTheFormatCannotHold() {
    #expect(
      code { _ = try LibraryCache.encode([.init(soname: "a\0b", path: "/a", flags: 3)]) } == .malformed)
    #expect(
      code { _ = try LibraryCache.encode([.init(soname: "a", path: "/a", flags: 3, isaLevel: 1024)]) }
        == .malformed)
    #expect(code { _ = try LibraryCache.flags(for: .init(rawValue: 8)) } == .unsupported)
  }

  /// A root with copies of real libraries, a second directory with one of them again, and a library below
  /// `glibc-hwcaps` where a compiler is at hand. Returns the directories in search order with their hwcaps names.
  private func makeRoot(_ root: String) throws -> [(path: String, hwcaps: String?)] {
    let first = "/opt/first"
    let second = "/usr/lib/x86_64-linux-gnu"
    let manager = FileManager.default
    for directory in [first, second] {
      try manager.createDirectory(atPath: root + directory, withIntermediateDirectories: true)
    }
    for name in try manager.contentsOfDirectory(atPath: Self.libraries).sorted() {
      let path = "\(Self.libraries)/\(name)"
      let isWanted = [
        "libc.", "libm.", "libz.", "libcrypto.", "libselinux.", "libpcre2-8.", "libstdc++.", "ld-",
      ]
      .contains { name.hasPrefix($0) }
      guard isWanted, LibraryCache.isLibraryName(name) else { continue }
      if let target = try? manager.destinationOfSymbolicLink(atPath: path) {
        guard !target.contains("/") else { continue }
        try manager.createSymbolicLink(atPath: "\(root)\(second)/\(name)", withDestinationPath: target)
      } else if ELFFile.isELF(try contents(path)) {
        try manager.copyItem(atPath: path, toPath: "\(root)\(second)/\(name)")
      }
    }
    try manager.copyItem(atPath: "\(Self.libraries)/libm.so.6", toPath: "\(root)\(first)/libm.so.6")
    try write(
      "# a comment\ninclude /etc/ld.so.conf.d/*.conf\n\(second)/ # the second\n", to: "\(root)/etc/ld.so.conf"
    )
    try write("\(first)\n", to: "\(root)/etc/ld.so.conf.d/first.conf")
    var directories: [(String, String?)] = [(first, nil), (second, nil)]
    if let compiler = HostProgram("gcc") {
      let level = "\(second)/glibc-hwcaps/x86-64-v3"
      try manager.createDirectory(atPath: root + level, withIntermediateDirectories: true)
      try write("int fast(void) { return 3; }\n", to: "\(root)/fast.c")
      for (directory, options) in [(level, ["-Wl,-z,x86-64-v3"]), (second, [])] {
        _ = try compiler.succeed(
          options + [
            "-shared", "-fPIC", "-nostdlib", "-Wl,-soname,libfast.so.1", "-o",
            "\(root)\(directory)/libfast.so.1.0",
            "\(root)/fast.c",
          ])
      }
      try manager.removeItem(atPath: "\(root)/fast.c")
      directories.append((level, "x86-64-v3"))
    }
    return directories
  }

  private func entries(_ root: String, _ directories: [(path: String, hwcaps: String?)]) throws
    -> [LibraryCacheEntry]
  {
    let manager = FileManager.default
    var entries: [LibraryCacheEntry] = []
    for directory in directories {
      var candidates: [LibraryCache.Candidate] = []
      for name in try manager.contentsOfDirectory(atPath: root + directory.path) {
        let path = "\(root)\(directory.path)/\(name)"
        guard let bytes = try? contents(path), let elf = try? ELFFile(bytes, path: path) else { continue }
        let isLink = (try? manager.destinationOfSymbolicLink(atPath: path)) != nil
        candidates.append(LibraryCache.Candidate(name: name, isLink: isLink, elf: elf))
      }
      let selection = try LibraryCache.select(
        directory: directory.path, hwcaps: directory.hwcaps, machine: .amd64, candidates: candidates)
      for link in selection.links {
        let path = "\(root)\(directory.path)/\(link.name)"
        if (try? manager.destinationOfSymbolicLink(atPath: path)) == link.target { continue }
        try manager.createSymbolicLink(atPath: path, withDestinationPath: link.target)
      }
      entries += selection.entries
    }
    return entries
  }

  @Test(.enabled(if: HostProgram.exists("ldconfig"), "ldconfig (libc-bin) is missing"))
  func equalsWhatLdconfigWritesByteForByte() async throws {
    let ldconfig = try #require(HostProgram("ldconfig"))
    try await withScratchDirectory { scratch in
      let root = scratch.path
      let directories = try makeRoot(root)
      let ours = try entries(root, directories)
      _ = try ldconfig.succeed(["-r", root])
      let theirs = try contents("\(root)/etc/ld.so.cache")
      // The generator is the version's line: "ldconfig (Debian GLIBC …) 2.36" with "stable release version" put in.
      let printed = try ldconfig.succeed(["-r", root, "-p"]).split(separator: "\n")
      let generator = try #require(printed.last?.split(separator: ": ", maxSplits: 1).last)
      #expect(ours.count > 8)
      let cache = try LibraryCache.encode(ours, generator: String(generator))
      #expect(cache == theirs)
      try write(cache, to: "\(root)/etc/ld.so.cache")
      #expect(try ldconfig.succeed(["-r", root, "-p"]).split(separator: "\n") == printed)
    }
  }

  @Test(.enabled(if: geteuid() == 0 && HostProgram.exists("chroot"), "chroot needs root"))
  func theLoaderFindsLibrariesThroughIt() async throws {
    let chroot = try #require(HostProgram("chroot"))
    try await withScratchDirectory { scratch in
      let root = scratch.path
      let program = try ELFFile(try contents("/bin/ls"), path: "/bin/ls")
      let interpreter = try #require(program.interpreter)
      let manager = FileManager.default
      for directory in ["/opt/elsewhere", "/lib64", "/bin"] {
        try manager.createDirectory(atPath: root + directory, withIntermediateDirectories: true)
      }
      try write(try contents(interpreter), to: root + interpreter)
      try manager.copyItem(atPath: "/bin/ls", toPath: "\(root)/bin/ls")
      try manager.setAttributes([.posixPermissions: 0o755], ofItemAtPath: root + interpreter)
      for name in ["libc.so.6", "libselinux.so.1", "libpcre2-8.so.0"] {
        try write(try contents("\(Self.libraries)/\(name)"), to: "\(root)/opt/elsewhere/\(name)")
      }
      // Without the cache the loader must fail: no library is in a directory that it searches by itself.
      let without = try chroot.run([root, "/bin/ls", "/"])
      #expect(without.status == 127)
      try write(
        try LibraryCache.encode(try entries(root, [("/opt/elsewhere", nil)])), to: "\(root)/etc/ld.so.cache")
      #expect(try chroot.succeed([root, "/bin/ls", "/"]).contains("opt"))
    }
  }

  @Test func parsesConfiguration() throws {
    let text = """
      # Multiarch support
      include /etc/ld.so.conf.d/*.conf local/*.conf
      \t/usr/lib/frr//   # trailing
      hwcap 0 nosegneg

      /
      """
    #expect(
      try LdSoConf.parse([UInt8](text.utf8), file: "/etc/ld.so.conf") == [
        .include("/etc/ld.so.conf.d/*.conf"), .include("/etc/local/*.conf"), .directory("/usr/lib/frr"),
      ])
  }

  @Test func refusesHostileConfiguration() {
    #expect(code { _ = try LdSoConf.parse([0x2F, 0], file: "a") } == .malformed)
    #expect(code { _ = try LdSoConf.parse([0x2F, 0xFF], file: "a") } == .malformed)
    // glibc's ldconfig would cache a path that is relative to wherever a program happens to run.
    for relative in ["includes", "lib", "../lib", "include"] {
      #expect(
        code { _ = try LdSoConf.parse([UInt8]("/usr/lib/a\n\(relative)\n".utf8), file: "a") } == .malformed)
    }
    let long = [UInt8](repeating: 0x61, count: 70_000)
    #expect(code { _ = try LdSoConf.parse(long, file: "a") } == .limitExceeded)
  }
}
