import NativeActions
import Testing

@Suite struct ModuleInfoTests {
  @Test func readsFieldsAndSymbols() throws {
    let module = try KernelModuleFixture.family[0].parse()
    #expect(module.name == "wg_core")
    #expect(module.depends == ["tunnel", "curve_one"])
    #expect(module.aliases == ["rtnl-link-wg", "net-pf-16-proto-16-family-wg"])
    #expect(module.softDependencies == ["pre: crypto-md5 post: tail"])
    #expect(module.versionMagic == "6.12.1 SMP")
    #expect(module.requiredSymbols == ["tunnel_open", "curve_mul", "printk", "module_layout"])
    #expect(try KernelModuleFixture.family[3].parse().firmware == ["base.bin"])
    #expect(try KernelModuleFixture.family[1].parse().exportedSymbols == ["tunnel_open", "tunnel_close"])
  }

  @Test func everyTruncatedPrefixThrows() {
    let bytes = KernelModuleFixture.family[0].encode()
    for count in 0..<bytes.count {
      #expect(throws: NativeActionError.self) {
        try ModuleInfo.parse(ko: [UInt8](bytes[..<count]), path: "x.ko")
      }
    }
  }

  @Test func everyFlippedByteIsReadOrRefusedWithoutATrap() {
    let bytes = KernelModuleFixture.family[0].encode()
    for index in bytes.indices {
      for value: UInt8 in [0, 0x7F, 0xFF] {
        var hostile = bytes
        hostile[index] = value
        _ = try? ModuleInfo.parse(ko: hostile, path: "x.ko")
      }
    }
  }

  @Test func aLibraryIsNoModule() {
    #expect(code { _ = try ModuleInfo.parse(ko: ELFFileTests.golden.encode(), path: "x.ko") } == .unsupported)
  }

  @Test(arguments: ["alias=two\nlines", "depends=a\u{1}b", "softdep=pre: \u{e9}"])
  func fieldsThatWouldForgeIndexLinesAreMalformed(_ field: String) {
    let module = KernelModuleFixture(path: "x.ko", fields: [field])
    #expect(code { _ = try module.parse() } == .malformed)
  }

  @Test func symbolsThatAreNoWordAreMalformed() {
    #expect(code { _ = try KernelModuleFixture(path: "x.ko", exports: ["a b"]).parse() } == .malformed)
  }

  @Test func withoutChecksumsTheStringTableOfExportsCounts() throws {
    var elf = MiniELF()
    elf.kind = 1
    elf.sections = [(".modinfo", [0x61, 0x3D, 0]), ("__ksymtab_strings", [0] + [UInt8]("one\0two\0".utf8))]
    #expect(try ModuleInfo.parse(ko: elf.encode(), path: "x.ko").exportedSymbols == ["one", "two"])
  }
}
