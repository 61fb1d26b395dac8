import Bytes
import FoundationEssentials
import ImageFormat
import TestSupport
import Testing

@Suite("Unified kernel image")
struct UnifiedKernelImageTests {
  static let sections: [(name: String, content: ByteRope)] = [
    (".osrel", ByteRope([UInt8]("ID=netimg\n".utf8))),
    (".cmdline", ByteRope([UInt8]("console=ttyS0 quiet".utf8))),
    (".uname", ByteRope([UInt8]("6.12.0-amd64".utf8))),
    (".initrd", ByteRope([UInt8](repeating: 0xA5, count: 5000))),
    (".linux", ByteRope([UInt8](repeating: 0x4C, count: 12_345))),
  ]

  private static func code(
    _ sections: [(name: String, content: ByteRope)], stub: [UInt8] = SamplePE.small()
  ) -> ImageFormatError.Code? {
    do {
      _ = try UnifiedKernelImage.assemble(stub: stub, sections: sections)
      return nil
    } catch {
      return error.code
    }
  }

  @Test("Sections follow the stub's, aligned in file and memory, and the headers count them")
  func layout() throws {
    let file = try UnifiedKernelImage.assemble(stub: SamplePE.small(), sections: Self.sections)
    let image = try PEImage(file)
    #expect(image.sections.map(\.name) == [".text", ".sbat"] + Self.sections.map(\.name))
    // .sbat ends at 0x2210 in memory and at 0x800 in the file.
    #expect(image.sections.dropFirst(2).map(\.virtualAddress) == [0x3000, 0x4000, 0x5000, 0x6000, 0x8000])
    #expect(
      image.sections.dropFirst(2).map(\.fileRange) == [
        0x800..<0xA00, 0xA00..<0xC00, 0xC00..<0xE00, 0xE00..<0x2200, 0x2200..<0x5400,
      ])
    for (name, content) in Self.sections {
      let section = try #require(image.section(named: name))
      #expect(image.contents(of: section).flattened() == content.flattened())
      #expect(section.characteristics == (name == ".linux" ? 0x4000_0020 : 0x4000_0040))
    }
    var reader = ByteReader(file.flattened())
    try reader.seek(to: SamplePE.optionalOffset + 4, "sizes")
    #expect(try reader.littleEndian(UInt32.self, "SizeOfCode") == 0x200 + 12_345)
    #expect(try reader.littleEndian(UInt32.self, "SizeOfInitializedData") == 0x210 + 10 + 19 + 12 + 5000)
    try reader.seek(to: SamplePE.optionalOffset + 56, "SizeOfImage")
    #expect(try reader.littleEndian(UInt32.self, "SizeOfImage") == 0xC000)
    try reader.seek(to: SamplePE.optionalOffset + 64, "CheckSum")
    #expect(try reader.littleEndian(UInt32.self, "CheckSum") == 0)
    #expect(file.count == 0x5400)
    #expect(file.chunks.contains(Self.sections[4].content.flattened()), "contents are shared")
  }

  @Test("The bytes are these, and the same every time")
  func golden() throws {
    let file = try UnifiedKernelImage.assemble(stub: SamplePE.small(), sections: Self.sections)
    #expect(file.digest.hex == "fd86af93c2c77cd1c4f564d105241b518b1d438c5a433675d1bcd47f9a7103ca")
    #expect(
      try UnifiedKernelImage.assemble(stub: SamplePE.small(), sections: Self.sections).digest == file.digest)
  }

  @Test("A symbol table behind the stub's sections is left out")
  func symbols() throws {
    var stub = SamplePE.small()
    stub[SamplePE.sectionCountOffset + 7] = 0x08  // PointerToSymbolTable 0x800
    stub[SamplePE.sectionCountOffset + 10] = 1
    stub += [UInt8](repeating: 0x53, count: 33)
    let file = try UnifiedKernelImage.assemble(stub: stub, sections: Self.sections)
    let plain = try UnifiedKernelImage.assemble(stub: SamplePE.small(), sections: Self.sections)
    #expect(file.digest == plain.digest)
  }

  @Test("A kernel that is larger in memory than in its file gets the room")
  func kernelSize() throws {
    // As a kernel, the small program wants 0x3000 bytes and has 0x800.
    let kernel = ByteRope(SamplePE.small())
    let image = try PEImage(
      UnifiedKernelImage.assemble(stub: SamplePE.small(), sections: [(".linux", kernel)]))
    let linux = try #require(image.section(named: ".linux"))
    #expect(linux.virtualSize == 0x3000)
    #expect(image.contents(of: linux).flattened().prefix(0x800).elementsEqual(SamplePE.small()))
    #expect(image.contents(of: linux).flattened().dropFirst(0x800).allSatisfy { $0 == 0 })
  }

  @Test("Names that are bad, taken or too many are refused, and so is a signed stub")
  func refused() {
    let content = ByteRope([1])
    #expect(Self.code([(".sbat", content)]) == .duplicate)
    #expect(Self.code([(".osrel", content), (".osrel", content)]) == .duplicate)
    for name in ["", ".nineltrs", ".naïve", ".a b", ".a\0"] {
      #expect(Self.code([(name, content)]) == .invalidEntry, "\(name)")
    }
    #expect(Self.code([(".osrel", ByteRope())]) == .invalidEntry)
    // The table begins at 0x148; 17 sections of 40 bytes end at 0x3F0, 18 beyond the headers' 0x400.
    let many = (0..<16).map { (name: ".s\($0)", content: content) }
    #expect(Self.code(Array(many.prefix(15))) == nil)
    #expect(Self.code(many) == .tooLarge)
    var occupied = SamplePE.small()
    occupied[SamplePE.sectionTableOffset + 80] = 1
    #expect(Self.code([(".osrel", content)], stub: occupied) == .tooLarge)
    var signed = SamplePE.small() + [UInt8](repeating: 0, count: 8)
    signed.replaceSubrange(
      SamplePE.optionalOffset + 144..<SamplePE.optionalOffset + 152, with: [0, 8, 0, 0, 8, 0, 0, 0])
    #expect(Self.code([(".osrel", content)], stub: signed) == .unsupported)
  }

  @Test("4 GiB do not fit")
  func tooLarge() {
    let chunk = [UInt8](repeating: 0, count: 1 << 24)
    var rope = ByteRope()
    for _ in 0..<256 { rope.append(chunk) }
    #expect(Self.code([(".initrd", rope)]) == .tooLarge)
  }

  @Test(
    "objdump and objcopy see the sections in a real stub",
    .enabled(
      if: findTool("objdump") != nil && !SamplePE.stubPaths.isEmpty, "objdump or systemd-boot-efi is missing"),
    arguments: SamplePE.stubPaths)
  func objdump(path: String) async throws {
    let file = try UnifiedKernelImage.assemble(stub: SamplePE.stub(path), sections: Self.sections)
    try await withScratchDirectory { directory in
      let uki = directory.appendingPathComponent("uki.efi").path
      try Data(file.flattened()).write(to: URL(fileURLWithPath: uki))
      let result = try run(["objdump", "-h", uki])
      #expect(result.status == 0 && result.errors.isEmpty, "\(result.errorText)")
      let lines = result.text.split(separator: "\n").map { $0.split(separator: " ") }
      for (name, content) in Self.sections {
        let line = try #require(lines.first { $0.count > 3 && $0[1] == name })
        #expect(Int(line[2], radix: 16) == content.count, "\(name)")
        let out = directory.appendingPathComponent("section").path
        let dumped = try run(["objcopy", "--dump-section", "\(name)=\(out)", uki, out + ".efi"])
        #expect(dumped.status == 0, "\(dumped.errorText)")
        #expect(try [UInt8](Data(contentsOf: URL(fileURLWithPath: out))) == content.flattened())
      }
    }
  }

  @Test(
    "sbsign signs the digest that we compute, and sbverify accepts it",
    .enabled(
      if: findTool("sbsign") != nil && findTool("openssl") != nil && !SamplePE.stubPaths.isEmpty,
      "sbsign, openssl or systemd-boot-efi is missing"),
    arguments: SamplePE.stubPaths)
  func secureBoot(path: String) async throws {
    let file = try UnifiedKernelImage.assemble(stub: SamplePE.stub(path), sections: Self.sections)
    let digest = try PEImage(file).authenticodeDigest()
    try await withScratchDirectory { directory in
      func name(_ file: String) -> String { directory.appendingPathComponent(file).path }
      func succeed(_ arguments: [String]) throws -> SubprocessResult {
        let result = try run(arguments)
        try #require(result.status == 0, "\(arguments): \(result.text)\(result.errorText)")
        return result
      }
      try Data(file.flattened()).write(to: URL(fileURLWithPath: name("uki.efi")))
      _ = try succeed([
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-keyout",
        name("key"),
        "-out", name("crt"),
      ])
      let signed = try succeed([
        "sbsign", "--key", name("key"), "--cert", name("crt"), "--output", name("signed"), name("uki.efi"),
      ])
      #expect(!signed.errorText.contains("warning"), "\(signed.errorText)")
      _ = try succeed(["sbverify", "--cert", name("crt"), name("signed")])
      let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: name("signed"))))
      let image = try PEImage(ByteRope(bytes))
      #expect(!image.certificates.isEmpty)
      let certificates = Array(bytes[image.certificates])
      #expect(certificates.contains(digest.bytes), "the signature holds our digest")
      #expect(try image.authenticodeDigest() == digest)
    }
  }
}
