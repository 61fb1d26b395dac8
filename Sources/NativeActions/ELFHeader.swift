/// The fields of `Elf64_Ehdr` that lead to the tables.
///
///     0       4 5 6 7          16     18     20      24      32      40      48
///     | magic  |C|D|V| padding | type | mach | versn | entry | phoff | shoff | flags
///     52     54          56      58          60      62         64
///     | ehsz | phentsize | phnum | shentsize | shnum | shstrndx |
struct ELFHeader {
  let kind: UInt16
  let machine: UInt16
  let segmentOffset: UInt64
  let segmentEntrySize: UInt16
  let segmentCount: Int
  let sectionOffset: UInt64
  let sectionEntrySize: UInt16
  let sectionCount: UInt16
  let sectionNamesIndex: UInt16

  init(_ image: ELFImage) throws(NativeActionError) {
    guard ELFFile.isELF(image.bytes) else {
      throw NativeActionError(.unsupported, at: image.path, "not an ELF file: its magic number is missing")
    }
    let fileClass = try image.integer(UInt8.self, at: 4, "EI_CLASS")
    let byteOrder = try image.integer(UInt8.self, at: 5, "EI_DATA")
    guard fileClass == 2, byteOrder == 1 else {
      throw NativeActionError(
        .unsupported, at: image.path,
        "ELF class \(fileClass) with byte order \(byteOrder), but only 64-bit little-endian files are handled"
      )
    }
    kind = try image.integer(UInt16.self, at: 16, "e_type")
    machine = try image.integer(UInt16.self, at: 18, "e_machine")
    segmentOffset = try image.integer(UInt64.self, at: 32, "e_phoff")
    sectionOffset = try image.integer(UInt64.self, at: 40, "e_shoff")
    segmentEntrySize = try image.integer(UInt16.self, at: 54, "e_phentsize")
    segmentCount = Int(try image.integer(UInt16.self, at: 56, "e_phnum"))
    sectionEntrySize = try image.integer(UInt16.self, at: 58, "e_shentsize")
    sectionCount = try image.integer(UInt16.self, at: 60, "e_shnum")
    sectionNamesIndex = try image.integer(UInt16.self, at: 62, "e_shstrndx")
  }
}
