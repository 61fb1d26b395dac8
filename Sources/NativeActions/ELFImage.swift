/// The bytes of an ELF file with checked access to its tables.
struct ELFImage {
  let bytes: [UInt8]
  let path: String

  /// No honest name is longer; overlapping long names would make a small file cost a lot of memory.
  static let longestName = 4096
  /// More program headers than any linker writes.
  static let mostSegments = 4096

  /// A segment (`Elf64_Phdr`), as far as anybody here looks at it.
  struct Segment {
    let type: UInt32
    let fileOffset: UInt64
    let address: UInt64
    let fileSize: UInt64

    static let load: UInt32 = 1
    static let dynamic: UInt32 = 2
    static let interpreter: UInt32 = 3
    static let gnuProperty: UInt32 = 0x6474_E553
  }

  /// A little-endian integer at an offset that the file itself may have named.
  func integer<Value: FixedWidthInteger & UnsignedInteger>(
    _ type: Value.Type, at offset: Int, _ what: String
  ) throws(NativeActionError) -> Value {
    let size = MemoryLayout<Value>.size
    guard offset >= 0, bytes.count >= size, offset <= bytes.count - size else {
      throw outside(what, UInt64(max(0, offset)), UInt64(size))
    }
    var value: Value = 0
    for index in stride(from: offset + size - 1, through: offset, by: -1) {
      value = value << 8 | Value(bytes[index])
    }
    return value
  }

  /// A range of the file, or an error that says what lies outside.
  func range(_ offset: UInt64, _ size: UInt64, _ what: String) throws(NativeActionError) -> Range<Int> {
    let (end, overflow) = offset.addingReportingOverflow(size)
    guard !overflow, end <= UInt64(bytes.count) else { throw outside(what, offset, size) }
    return Int(offset)..<Int(end)
  }

  /// The NUL-terminated string at `offset` within a string table.
  func string(
    in table: Range<Int>, at offset: UInt64, _ what: String, longest: Int = longestName
  ) throws(NativeActionError) -> String {
    guard offset < UInt64(table.count) else {
      throw malformed("\(what) begins at \(offset), beyond its string table of \(table.count) bytes")
    }
    let start = table.lowerBound + Int(offset)
    let limit = min(table.upperBound, start + longest)
    guard let end = bytes[start..<limit].firstIndex(of: 0) else {
      throw malformed("\(what) has no end within its string table or \(longest) bytes")
    }
    return String(decoding: bytes[start..<end], as: UTF8.self)
  }

  func malformed(_ message: String) -> NativeActionError {
    NativeActionError(
      .malformed, at: path, "not a well-formed ELF file: \(message); leave the file out or replace it")
  }

  func outside(_ what: String, _ offset: UInt64, _ size: UInt64) -> NativeActionError {
    NativeActionError(
      .truncated, at: path,
      "\(what) at offset \(offset), \(size) bytes long, lies outside the ELF file of \(bytes.count) bytes; "
        + "get the file again")
  }
}

extension ELFImage {
  /// All program headers; none for an object file.
  func segments(_ header: ELFHeader) throws(NativeActionError) -> [Segment] {
    guard header.segmentCount > 0 else { return [] }
    guard header.segmentEntrySize == 56 else {
      throw malformed("program headers of \(header.segmentEntrySize) bytes instead of 56")
    }
    guard header.segmentCount <= Self.mostSegments else {
      throw NativeActionError(
        .limitExceeded, at: path,
        "\(header.segmentCount) ELF program headers, but at most \(Self.mostSegments) are read")
    }
    let table = try range(header.segmentOffset, UInt64(header.segmentCount) * 56, "the program header table")
    var segments: [Segment] = []
    for offset in stride(from: table.lowerBound, to: table.upperBound, by: 56) {
      segments.append(
        Segment(
          type: try integer(UInt32.self, at: offset, "p_type"),
          fileOffset: try integer(UInt64.self, at: offset + 8, "p_offset"),
          address: try integer(UInt64.self, at: offset + 16, "p_vaddr"),
          fileSize: try integer(UInt64.self, at: offset + 32, "p_filesz")))
    }
    return segments
  }

  /// The path in `PT_INTERP`.
  func interpreter(_ segments: [Segment]) throws(NativeActionError) -> String? {
    guard let segment = segments.first(where: { $0.type == Segment.interpreter }) else { return nil }
    let range = try range(segment.fileOffset, segment.fileSize, "the interpreter's path")
    return try string(in: range, at: 0, "the interpreter's path")
  }

  /// The file's bytes from a virtual address to the end of what its `PT_LOAD` segment has in the file.
  func range(
    fromAddress address: UInt64, _ segments: [Segment], _ what: String
  ) throws(NativeActionError) -> Range<Int> {
    for segment in segments where segment.type == Segment.load && address >= segment.address {
      let distance = address - segment.address
      guard distance < segment.fileSize else { continue }
      let (offset, overflow) = segment.fileOffset.addingReportingOverflow(distance)
      guard !overflow else { break }
      return try range(offset, segment.fileSize - distance, what)
    }
    throw malformed("\(what) at address \(address) is in no loaded segment")
  }
}
