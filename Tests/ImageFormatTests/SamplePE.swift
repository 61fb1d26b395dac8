import Bytes
import FoundationEssentials

/// EFI programs to test with.
enum SamplePE {
  /// Where a stub may be: one named by the environment, then the one that Debian installs for this host.
  static let stubPaths: [String] = {
    let named = ProcessInfo.processInfo.environment["NETIMG_TEST_EFI_STUB"].map { [$0] } ?? []
    return (named + ["/usr/lib/systemd/boot/efi/linuxx64.efi.stub"]).filter {
      FileManager.default.isReadableFile(atPath: $0)
    }
  }()

  static func stub(_ path: String) throws -> [UInt8] {
    try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// A section of ``small(sections:)``.
  struct Section {
    var name: String
    var virtualSize: UInt32
    var virtualAddress: UInt32
    var rawSize: UInt32
    var rawOffset: UInt32
  }

  static let text = Section(
    name: ".text", virtualSize: 300, virtualAddress: 0x1000, rawSize: 0x200, rawOffset: 0x400)
  static let sbat = Section(
    name: ".sbat", virtualSize: 0x210, virtualAddress: 0x2000, rawSize: 0x200, rawOffset: 0x600)

  // Offsets in a small program, for tests that damage it.
  static let signatureOffset = 0x40
  static let sectionCountOffset = 0x46
  static let optionalSizeOffset = 0x54
  static let optionalOffset = 0x58
  static let sectionTableOffset = 0x148

  /// The smallest stub: DOS header, PE header at 0x40, a table with room for fifteen sections more, data from 0x400.
  static func small(sections: [Section] = [text, sbat]) -> [UInt8] {
    var writer = ByteWriter()
    writer.append("MZ".utf8)
    writer.fill(0x3A)
    writer.littleEndian(UInt32(0x40))  // 0x3C e_lfanew
    writer.append([0x50, 0x45, 0, 0])
    writer.littleEndian(UInt16(0x8664))  // 0x44 Machine
    writer.littleEndian(UInt16(sections.count))
    writer.fill(12)
    writer.littleEndian(UInt16(240))  // 0x54 SizeOfOptionalHeader
    writer.littleEndian(UInt16(0x206))
    writer.littleEndian(UInt16(0x20B))  // 0x58 Magic
    writer.fill(2)
    writer.littleEndian(UInt32(0x200))  // SizeOfCode
    writer.littleEndian(UInt32(0x210))  // SizeOfInitializedData
    writer.fill(20)
    writer.littleEndian(UInt32(0x1000))  // 0x78 SectionAlignment
    writer.littleEndian(UInt32(0x200))  // FileAlignment
    writer.fill(16)
    writer.littleEndian(UInt32(0x3000))  // 0x90 SizeOfImage
    writer.littleEndian(UInt32(0x400))  // SizeOfHeaders
    writer.littleEndian(UInt32(0xDEAD_BEEF))  // CheckSum
    writer.fill(40)
    writer.littleEndian(UInt32(16))  // 0xC4 NumberOfRvaAndSizes
    writer.fill(128)
    for section in sections {
      writer.append(section.name.utf8)
      writer.fill(8 - section.name.utf8.count)
      writer.littleEndian(section.virtualSize)
      writer.littleEndian(section.virtualAddress)
      writer.littleEndian(section.rawSize)
      writer.littleEndian(section.rawOffset)
      writer.fill(12)
      writer.littleEndian(UInt32(0x4000_0040))
    }
    writer.fill(0x400 - writer.count)
    writer.fill(0x200, with: 0x90)
    writer.fill(0x200, with: 0x73)
    return writer.bytes
  }
}
