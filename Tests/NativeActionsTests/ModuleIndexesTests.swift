import Foundation
import NativeActions
import TestSupport
import Testing

@testable import NativeActions

@Suite struct ModuleIndexesTests {
  private func indexes(_ modules: [KernelModuleFixture] = KernelModuleFixture.family) throws -> [String:
    [UInt8]]
  {
    try ModuleIndexes.encode(
      modules: try modules.map { try $0.parse() }, order: [UInt8](KernelModuleFixture.order.utf8),
      builtin: [UInt8](KernelModuleFixture.builtin.utf8),
      builtinModinfo: [UInt8](KernelModuleFixture.builtinModinfo.utf8))
  }

  @Test func textFilesFollowModulesOrder() throws {
    let files = try indexes()
    func text(_ name: String) throws -> String { String(decoding: try #require(files[name]), as: UTF8.self) }
    #expect(
      try text("modules.dep") == """
        kernel/lib/base.ko:
        kernel/net/tunnel.ko: kernel/lib/base.ko
        kernel/net/wg-core.ko: kernel/lib/curve-one.ko kernel/net/tunnel.ko kernel/lib/base.ko
        kernel/crypto/md5.ko:
        kernel/lib/curve-one.ko: kernel/lib/base.ko
        kernel/lib/tail.ko: kernel/lib/base.ko

        """)
    #expect(
      try text("modules.devname")
        == "# Device nodes to trigger on-demand module loading.\ntunnel net/tun c10:200\n")
    #expect(try text("modules.softdep").hasSuffix("softdep wg_core pre: crypto-md5 post: tail\n"))
    #expect(try text("modules.weakdep").hasSuffix("weakdep md5 tail\n"))
    #expect(try text("modules.alias").contains("alias pci:v00008086d[0-9]*sv* tunnel\n"))
  }

  @Test func inputOrderDoesNotMatter() throws {
    #expect(try indexes() == indexes(KernelModuleFixture.family.reversed()))
  }

  @Test func emptyTrieIsAHeader() throws {
    #expect(
      try ModuleIndexTrie().encode() == [0xB0, 0x07, 0xF4, 0x57, 0, 2, 0, 1, 0, 0, 0, 12])
  }

  @Test func trieSplitsPrefixesAndSortsValues() throws {
    var trie = ModuleIndexTrie()
    try trie.insert("ab", "x", priority: 2)
    try trie.insert("ab", "y", priority: 1)
    try trie.insert("ab", "z", priority: 1)
    try trie.insert("acd", "w", priority: 0)
    #expect(
      try trie.encode() == [
        0xB0, 0x07, 0xF4, 0x57, 0, 2, 0, 1,
        0x20, 0, 0, 12,  // root: children only
        0x61, 0x61, 0x20, 0, 0, 18,  // 'a' → node at 18
        0x62, 0x63, 0x40, 0, 0, 28, 0xC0, 0, 0, 50,  // 'b' and 'c'
        0, 0, 0, 3, 0, 0, 0, 1, 0x7A, 0, 0, 0, 0, 1, 0x79, 0, 0, 0, 0, 2, 0x78, 0,
        0x64, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0x77, 0,
      ])
  }

  @Test func namesOutsideASCIIAreRefused() {
    var trie = ModuleIndexTrie()
    #expect(code { try trie.insert("\u{e9}", "x") } == .malformed)
    #expect(code { try trie.insert("x", "\u{e9}") } == .malformed)
  }

  @Test func twoModulesOfOneNameConflictUnlessOneIsAnUpdate() throws {
    let base = KernelModuleFixture(path: "kernel/lib/base.ko")
    #expect(code { _ = try indexes([base, KernelModuleFixture(path: "extra/base.ko")]) } == .conflict)
    let files = try indexes([base, KernelModuleFixture(path: "updates/base.ko")])
    #expect(files["modules.dep"] == [UInt8]("updates/base.ko:\n".utf8))
  }

  @Test func circularNeedsAreNamed() throws {
    let modules = [
      KernelModuleFixture(path: "a.ko", exports: ["a"], requires: ["b"]),
      KernelModuleFixture(path: "b.ko", exports: ["b"], requires: ["c"]),
      KernelModuleFixture(path: "c.ko", exports: ["c"], requires: ["b"]),
      KernelModuleFixture(path: "d.ko", requires: ["a"]),
    ]
    do {
      _ = try indexes(modules)
      Issue.record("the circle of b and c was not seen")
    } catch let error as NativeActionError {
      #expect(error.code == .conflict)
      #expect(error.message.contains("b → c → b") || error.message.contains("c → b → c"))
    }
  }

  /// Lays the family out below a root and lets `depmod` index it.
  private func layOut(_ root: String) throws {
    let base = "\(root)/lib/modules/6.12.1"
    for module in KernelModuleFixture.family { try write(module.encode(), to: "\(base)/\(module.path)") }
    try write(KernelModuleFixture.order, to: "\(base)/modules.order")
    try write(KernelModuleFixture.builtin, to: "\(base)/modules.builtin")
    try write(KernelModuleFixture.builtinModinfo, to: "\(base)/modules.builtin.modinfo")
  }

  @Test(.enabled(if: HostProgram.exists("depmod"), "depmod (kmod) is missing"))
  func agreesWithDepmod() async throws {
    let depmod = try #require(HostProgram("depmod"))
    let version = try depmod.succeed(["--version"]).split(separator: "\n").first?.split(separator: " ").last
    let major = Int(version?.split(separator: ".").first ?? "") ?? 0
    try await withScratchDirectory { scratch in
      try layOut(scratch.path)
      // Debian's own search order would look at the host's /etc/depmod.d.
      _ = try depmod.succeed(["-b", scratch.path, "-C", "/dev/null", "6.12.1"])
      for (name, bytes) in try indexes().sorted(by: { $0.key < $1.key }) {
        // Before 34 there was no weakdep, and tries were written children first.
        if major < 34, name.hasSuffix(".bin") || name == "modules.weakdep" { continue }
        let theirs = try contents("\(scratch.path)/lib/modules/6.12.1/\(name)")
        #expect(theirs == bytes, "\(name)")
      }
    }
  }

  @Test(.enabled(if: HostProgram.exists("modprobe"), "modprobe (kmod) is missing"))
  func modprobeReadsOurTries() async throws {
    let modprobe = try #require(HostProgram("modprobe"))
    try await withScratchDirectory { scratch in
      try layOut(scratch.path)
      for (name, bytes) in try indexes() {
        try write(bytes, to: "\(scratch.path)/lib/modules/6.12.1/\(name)")
      }
      // Without the host's configuration; soft dependencies are configuration too.
      let common = ["-d", scratch.path, "-S", "6.12.1", "-C", "/dev/null"]
      func names(_ arguments: [String]) throws -> [String] {
        try modprobe.succeed(common + arguments).split(separator: "\n").map {
          String($0.split(separator: "/").last ?? "").trimmingCharacters(in: .whitespaces)
        }
      }
      #expect(
        try names(["--show-depends", "--ignore-install", "wg-core"])
          == ["base.ko", "tunnel.ko", "curve-one.ko", "wg-core.ko"])
      #expect(try names(["-R", "pci:v00008086d5sv1"]) == ["tunnel"])
      #expect(try names(["-R", "symbol:curve_mul"]) == ["curve_one"])
      #expect(try names(["-R", "serial:x2y"]) == ["built_in"])
      #expect(try modprobe.run(common + ["-R", "pci:v00008087d5sv1"]).status != 0)
      #expect(try names(["--show-depends", "binfmt_script"]) == ["builtin binfmt_script"])
    }
  }

  @Test(.enabled(if: TrixieRoot.isAvailable, TrixieRoot.hint))
  func equalsDepmod34OnARealKernelByteForByte() async throws {
    let unpack = try #require(HostProgram("xz"))
    try await withScratchDirectory { scratch in
      let root = try TrixieRoot(
        scratch.path,
        unpacking: [
          "kmod_", "libkmod2_", "libc6_", "libzstd1_", "liblzma5_", "libssl3t64_", "zlib1g_", "linux-image-6",
        ])
      let manager = FileManager.default
      let release = try #require(
        try manager.contentsOfDirectory(atPath: "\(root.path)/usr/lib/modules").first)
      let base = "\(root.path)/usr/lib/modules/\(release)"
      var modules: [ModuleInfo] = []
      var packed: [String] = []
      for case let path as String in try #require(manager.enumerator(atPath: base))
      where path.hasSuffix(".ko.xz") {
        packed.append("\(base)/\(path)")
      }
      for start in stride(from: 0, to: packed.count, by: 200) {
        _ = try unpack.succeed(["-d"] + packed[start..<min(start + 200, packed.count)])
      }
      for case let path as String in try #require(manager.enumerator(atPath: base))
      where path.hasSuffix(".ko") {
        modules.append(try ModuleInfo.parse(ko: try contents("\(base)/\(path)"), path: path))
      }
      let builtin = try contents("\(base)/modules.builtin")
      let builtinModinfo = try contents("\(base)/modules.builtin.modinfo")
      let ours = try ModuleIndexes.encode(
        modules: modules, order: try contents("\(base)/modules.order"), builtin: builtin,
        builtinModinfo: builtinModinfo)
      let output = try root.run(
        "/usr/bin/kmod", named: "depmod",
        ["-b", root.path, "-m", "/usr/lib/modules", "-C", "/dev/null", release])
      #expect(output.status == 0, "\(output.standardError)")
      #expect(modules.count > 100)
      for (name, bytes) in ours.sorted(by: { $0.key < $1.key }) {
        #expect(try contents("\(base)/\(name)") == bytes, "\(name)")
      }
      // The closure by names must reach everything that the symbols reach.
      let lines = String(decoding: try #require(ours["modules.dep"]), as: UTF8.self).split(separator: "\n")
      for line in lines.filter({
        $0.contains("wireguard.ko:") || $0.contains("vxlan.ko:") || $0.contains("mlx5_core.ko:")
      }) {
        let paths = line.split(whereSeparator: { $0 == ":" || $0 == " " }).map(String.init)
        let name = try #require(modules.first { $0.path == paths[0] }?.name)
        let closure = try ModuleClosure.resolve(
          [name], modules: modules, builtin: builtin, builtinModinfo: builtinModinfo)
        #expect(Set(paths).isSubset(of: closure.modules.map(\.path)))
      }
    }
  }

  @Test func modulesOrderCountsTheFirstMention() throws {
    let modules = try ["a", "b", "c-d"].map { try KernelModuleFixture(path: "k/\($0).ko").parse() }
    func order(_ text: String) throws -> [String] {
      try ModuleGraph(modules, order: [UInt8](text.utf8)).modules.map(\.name)
    }
    #expect(try order("") == ["a", "b", "c_d"])
    #expect(try order("k/c-d.ko\nk/b.ko\nk/c-d.ko\nk/a.ko\n") == ["c_d", "b", "a"])
    #expect(try order("k/none.ko\nk/b.ko\n") == ["b", "a", "c_d"])
    // The list says .ko whatever the files are packed with.
    let packed = try KernelModuleFixture(path: "k/z.ko").parse()
    #expect(try ModuleGraph(modules + [packed], order: [UInt8]("k/z.ko\n".utf8)).modules.first?.name == "z")
  }
}
