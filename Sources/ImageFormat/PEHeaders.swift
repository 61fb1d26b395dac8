import Bytes

/// What we read of a PE32+ file's headers (Microsoft, "PE Format"), with where it stands, so that it can be
/// patched.
///
///     "MZ" … e_lfanew ─▶ "PE\0\0" │ COFF header, 20 │ optional header │ section table, 40 each │ … SizeOfHeaders
struct PEHeaders {
  static let sectionHeaderSize = 40
  /// Headers beyond this are no kernel's and no stub's.
  static let maximumSize = 65_536
  /// The limit of the Windows loader; firmware has none that is written down.
  static let maximumSections = 96

  /// The offset of the COFF header, behind "PE\0\0".
  let coffOffset: Int
  /// The offset of the optional header.
  let optionalOffset: Int
  /// The offset of the section table.
  let sectionTableOffset: Int
  let machine: UInt16
  let sectionCount: Int
  let sizeOfCode: UInt32
  let sizeOfInitializedData: UInt32
  let sectionAlignment: UInt32
  let fileAlignment: UInt32
  let sizeOfImage: UInt32
  let sizeOfHeaders: Int
  /// The attribute certificate table: a range of the file, empty when unsigned.
  let certificates: Range<Int>
  let sections: [PEImage.Section]

  /// Where fields stand in the COFF header.
  enum COFF {
    static let sectionCount = 2
    static let symbolTable = 8
    static let symbolCount = 12
    static let size = 20
  }

  /// Where fields stand in the optional header.
  enum Optional {
    static let sizeOfCode = 4
    static let sizeOfInitializedData = 8
    static let sizeOfImage = 56
    static let checkSum = 64
    /// Data directory 4: offset and size of the attribute certificate table.
    static let certificates = 144
    /// What we need of it, up to and with that directory.
    static let minimumSize = 152
  }

  /// The end of the section table.
  var sectionTableEnd: Int { sectionTableOffset + sectionCount * Self.sectionHeaderSize }

  /// Parses the headers in `header`, the beginning of a file of `fileSize` bytes.
  init(_ header: [UInt8], fileSize: Int) throws(ImageFormatError) {
    do {
      try self.init(parsing: header, fileSize: fileSize)
    } catch let error as ByteReadError {
      throw ImageFormatError(.truncated, "the PE file ends early: \(error); fetch or build it again")
    } catch let error as ImageFormatError {
      throw error
    } catch {
      throw ImageFormatError(.corrupt, "the PE file cannot be read: \(error)")
    }
  }

  private init(parsing header: [UInt8], fileSize: Int) throws {
    var reader = ByteReader(header)
    guard try reader.read(2, "e_magic").elementsEqual("MZ".utf8) else {
      throw ImageFormatError(.corrupt, "the file does not begin with MZ: give an EFI program")
    }
    try reader.seek(to: 0x3C, "e_lfanew")
    try reader.seek(to: Int(reader.littleEndian(UInt32.self, "e_lfanew")), "PE signature")
    guard try reader.read(4, "PE signature").elementsEqual([0x50, 0x45, 0, 0]) else {
      throw ImageFormatError(
        .corrupt, "the file has no PE signature at \(reader.offset - 4): give an EFI program")
    }
    coffOffset = reader.offset
    machine = try reader.littleEndian(UInt16.self, "Machine")
    sectionCount = Int(try reader.littleEndian(UInt16.self, "NumberOfSections"))
    _ = try reader.read(12, "TimeDateStamp and symbols")
    let optionalSize = Int(try reader.littleEndian(UInt16.self, "SizeOfOptionalHeader"))
    _ = try reader.read(2, "Characteristics")
    optionalOffset = reader.offset
    guard optionalSize >= Optional.minimumSize else {
      throw ImageFormatError(.unsupported, "the PE optional header has \(optionalSize) bytes: 152 are needed")
    }
    guard try reader.littleEndian(UInt16.self, "optional Magic") == 0x20B else {
      throw ImageFormatError(.unsupported, "the file is not PE32+: give a 64-bit EFI program")
    }
    _ = try reader.read(2, "linker version")
    sizeOfCode = try reader.littleEndian(UInt32.self, "SizeOfCode")
    sizeOfInitializedData = try reader.littleEndian(UInt32.self, "SizeOfInitializedData")
    _ = try reader.read(20, "SizeOfUninitializedData to ImageBase")
    sectionAlignment = try reader.littleEndian(UInt32.self, "SectionAlignment")
    fileAlignment = try reader.littleEndian(UInt32.self, "FileAlignment")
    _ = try reader.read(16, "versions")
    sizeOfImage = try reader.littleEndian(UInt32.self, "SizeOfImage")
    let headers = try reader.littleEndian(UInt32.self, "SizeOfHeaders")
    _ = try reader.read(44, "CheckSum to LoaderFlags")
    guard try reader.littleEndian(UInt32.self, "NumberOfRvaAndSizes") >= 5 else {
      throw ImageFormatError(.unsupported, "the PE file has no certificate directory: it cannot be signed")
    }
    _ = try reader.read(32, "data directories")
    let certificateOffset = Int(try reader.littleEndian(UInt32.self, "certificate table offset"))
    let certificateSize = Int(try reader.littleEndian(UInt32.self, "certificate table size"))
    sectionTableOffset = optionalOffset + optionalSize

    guard Self.isAlignment(fileAlignment), Self.isAlignment(sectionAlignment) else {
      throw ImageFormatError(
        .corrupt,
        "the PE file's alignments \(fileAlignment) and \(sectionAlignment) are not powers of two up to 1 MiB")
    }
    guard sectionCount <= Self.maximumSections else {
      throw ImageFormatError(.tooLarge, "the PE file has \(sectionCount) sections: at most 96 are read")
    }
    guard headers <= Self.maximumSize, headers <= fileSize,
      sectionTableOffset + sectionCount * Self.sectionHeaderSize <= headers
    else {
      throw ImageFormatError(.corrupt, "the PE file's SizeOfHeaders, \(headers), does not span its headers")
    }
    sizeOfHeaders = Int(headers)
    guard
      certificateSize == 0 || certificateOffset >= headers && certificateOffset + certificateSize <= fileSize
    else {
      throw ImageFormatError(.corrupt, "the PE file's certificate table lies outside the file")
    }
    certificates =
      certificateSize == 0 ? fileSize..<fileSize : certificateOffset..<certificateOffset + certificateSize
    try reader.seek(to: sectionTableOffset, "section table")
    sections = try Self.sections(&reader, sectionCount, sizeOfImage, fileSize)
  }

  private static func isAlignment(_ value: UInt32) -> Bool {
    value > 0 && value <= 1 << 20 && value & (value - 1) == 0
  }

  private static func sections(
    _ reader: inout ByteReader, _ count: Int, _ sizeOfImage: UInt32, _ fileSize: Int
  ) throws -> [PEImage.Section] {
    var sections: [PEImage.Section] = []
    var memoryEnd: UInt64 = 0
    for _ in 0..<count {
      let name = String(decoding: try reader.read(8, "section Name").prefix { $0 != 0 }, as: UTF8.self)
      let virtualSize = try reader.littleEndian(UInt32.self, "VirtualSize of \(name)")
      let virtualAddress = try reader.littleEndian(UInt32.self, "VirtualAddress of \(name)")
      let rawSize = Int(try reader.littleEndian(UInt32.self, "SizeOfRawData of \(name)"))
      let rawOffset = Int(try reader.littleEndian(UInt32.self, "PointerToRawData of \(name)"))
      _ = try reader.read(12, "relocations of \(name)")
      let characteristics = try reader.littleEndian(UInt32.self, "Characteristics of \(name)")
      guard rawSize == 0 || rawOffset <= fileSize && rawSize <= fileSize - rawOffset else {
        throw ImageFormatError(
          .truncated, "section \(name) reaches to \(rawOffset + rawSize) in a file of \(fileSize) bytes")
      }
      // Rising addresses bound what all sections together can ask for in memory.
      guard UInt64(virtualAddress) >= memoryEnd else {
        throw ImageFormatError(.corrupt, "section \(name) overlaps in memory with the one before it")
      }
      memoryEnd = UInt64(virtualAddress) + UInt64(virtualSize)
      guard memoryEnd <= UInt64(sizeOfImage) else {
        throw ImageFormatError(.corrupt, "section \(name) ends beyond SizeOfImage, \(sizeOfImage)")
      }
      sections.append(
        PEImage.Section(
          name: name, virtualAddress: virtualAddress, virtualSize: virtualSize,
          fileRange: rawSize == 0 ? 0..<0 : rawOffset..<rawOffset + rawSize,
          characteristics: characteristics))
    }
    return sections
  }
}
