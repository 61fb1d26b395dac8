import Bytes
import Testing

@testable import NativeActions

/// Attacks on the tables that an ELF header leads to; offsets are those of `Elf64_Ehdr`.
@Suite struct ELFLimitsTests {
  private func patched(_ offset: Int, _ value: UInt64, width: Int, _ elf: MiniELF = ELFFileTests.golden)
    -> [UInt8]
  {
    var bytes = elf.encode()
    bytes.replaceSubrange(offset..<offset + width, with: littleEndian([(width, value)]))
    return bytes
  }

  private func failure(_ bytes: [UInt8]) -> NativeActionError.Code? {
    code { _ = try ELFFile(bytes, path: "x") }
  }

  @Test func headerTables() {
    #expect(failure(patched(32, .max, width: 8)) == .truncated)  // e_phoff
    #expect(failure(patched(40, .max - 10, width: 8)) == .truncated)  // e_shoff
    #expect(failure(patched(54, 32, width: 2)) == .malformed)  // e_phentsize
    #expect(failure(patched(58, 40, width: 2)) == .malformed)  // e_shentsize
    #expect(failure(patched(56, 5000, width: 2)) == .limitExceeded)  // e_phnum
    #expect(failure(patched(60, 60000, width: 2)) == .truncated)  // e_shnum
    #expect(failure(patched(62, 40, width: 2)) == .malformed)  // e_shstrndx
  }

  @Test func withoutSectionHeadersTheDynamicPartIsStillThere() throws {
    let elf = try ELFFile(patched(40, 0, width: 8), path: "x")
    #expect(elf.sections.isEmpty)
    #expect(elf.soname == "libself.so.2")
    #expect(elf.needed.count == 2)
  }

  /// Section counts above 65,279 stand in the first section header (gABI, "Extended numbering").
  @Test func extendedNumbering() throws {
    let golden = ELFFileTests.golden
    var bytes = golden.encode()
    let table = bytes.count - 64 * (golden.sections.count + 2)
    bytes.replaceSubrange(60..<64, with: [0, 0, 0xFF, 0xFF])
    bytes.replaceSubrange(
      table + 32..<table + 40, with: littleEndian([(8, UInt64(golden.sections.count + 2))]))
    bytes.replaceSubrange(
      table + 40..<table + 44, with: littleEndian([(4, UInt64(golden.sections.count + 1))]))
    #expect(try ELFFile(bytes, path: "x").sections.map(\.name) == [".text", ".modinfo", ".shstrtab"])
    bytes.replaceSubrange(table + 32..<table + 40, with: littleEndian([(8, 1 << 40)]))
    #expect(failure(bytes) == .limitExceeded)
  }

  @Test func sectionsWithoutContentsTakeNoBytes() throws {
    let golden = ELFFileTests.golden
    var bytes = golden.encode()
    // The first real section becomes SHT_NOBITS with a size beyond everything.
    let header = bytes.count - 64 * (golden.sections.count + 1)
    bytes.replaceSubrange(header + 4..<header + 8, with: [8, 0, 0, 0])
    bytes.replaceSubrange(header + 32..<header + 40, with: [UInt8](repeating: 0xFF, count: 8))
    #expect(try ELFFile(bytes, path: "x").data(ofSection: ".text") == [])
  }

  @Test func endlessNamesAreRefused() {
    var elf = ELFFileTests.golden
    elf.sections = [(String(repeating: "s", count: 600), [])]
    #expect(failure(elf.encode()) == .malformed)
    elf = ELFFileTests.golden
    elf.interpreter = String(repeating: "/", count: 5000)
    #expect(failure(elf.encode()) == .malformed)
  }

  @Test func endlessDynamicSectionsAreRefused() {
    var elf = ELFFileTests.golden
    elf.dynamic = (0..<5000).map { _ in (1, .string(0)) }
    #expect(failure(elf.encode()) == .limitExceeded)
  }

  @Test func dynamicWithoutStringsIsEmpty() throws {
    var elf = MiniELF()
    elf.dynamic = [(0x6FFF_FFF9, .plain(1))]
    let file = try ELFFile(elf.encode(), path: "x")
    #expect(file.needed.isEmpty)
    #expect(file.soname == nil)
    #expect(file.interpreter == nil)
  }

  @Test func addressesOutsideEverySegmentAreMalformed() {
    var elf = ELFFileTests.golden
    elf.dynamic.append((5, .plain(1 << 40)))  // a second DT_STRTAB wins
    #expect(failure(elf.encode()) == .malformed)
  }

  @Test func versionRecordsOutsideTheirSegmentAreMalformed() {
    for field in [8, 12] {
      var elf = ELFFileTests.golden
      elf.versionNeedCount = 2
      // vn_aux, then vn_next, beyond the file.
      elf.versionNeeds.replaceSubrange(field..<field + 4, with: [0xFF, 0xFF, 0xFF, 0x7F])
      #expect(failure(elf.encode()) == .malformed)
    }
    var elf = ELFFileTests.golden
    elf.versionDefinitions.replaceSubrange(12..<16, with: [0xFF, 0xFF, 0xFF, 0x7F])  // vd_aux
    #expect(failure(elf.encode()) == .malformed)
  }

  @Test func propertyNotes() throws {
    var elf = ELFFileTests.golden
    // pr_datasz beyond the note.
    elf.note.replaceSubrange(20..<24, with: [0xFF, 0xFF, 0xFF, 0x7F])
    #expect(failure(elf.encode()) == .malformed)
    elf.note = [4, 0, 0, 0]
    #expect(try ELFFile(elf.encode(), path: "x").isaNeeded == 0)
    elf.note = ELFFileTests.golden.note
    elf.machine = 183
    #expect(try ELFFile(elf.encode(), path: "x").isaNeeded == 0)
  }
}
