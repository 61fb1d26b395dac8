extension ELFImage {
  /// Objects with a section for each function reach tens of thousands.
  static let mostSections: UInt64 = 1 << 16
  /// Names in hostile tables may overlap: this times the one above bounds the memory they take.
  static let longestSectionName = 512

  /// All section headers but the empty first one, with names.
  func sections(_ header: ELFHeader) throws(NativeActionError) -> [ELFFile.Section] {
    guard header.sectionOffset != 0 else { return [] }
    guard header.sectionEntrySize == 64 else {
      throw malformed("section headers of \(header.sectionEntrySize) bytes instead of 64")
    }
    // The first header holds the real numbers when they do not fit into the ELF header's 16 bits.
    let first = try range(header.sectionOffset, 64, "the first section header").lowerBound
    let count =
      header.sectionCount != 0
      ? UInt64(header.sectionCount) : try integer(UInt64.self, at: first + 32, "sh_size of section 0")
    let namesIndex =
      header.sectionNamesIndex != 0xFFFF
      ? UInt64(header.sectionNamesIndex)
      : UInt64(try integer(UInt32.self, at: first + 40, "sh_link of section 0"))
    guard count <= Self.mostSections else {
      throw NativeActionError(
        .limitExceeded, at: path, "\(count) ELF sections, but at most \(Self.mostSections) are read")
    }
    let table = try range(header.sectionOffset, count * 64, "the section header table")
    guard count > 1, namesIndex != 0 else { return [] }
    guard namesIndex < count else {
      throw malformed("its section names are in section \(namesIndex) of \(count)")
    }
    let names = try sectionRange(at: table.lowerBound + Int(namesIndex) * 64)
    var sections: [ELFFile.Section] = []
    for offset in stride(from: table.lowerBound + 64, to: table.upperBound, by: 64) {
      let nameOffset = try integer(UInt32.self, at: offset, "sh_name")
      let name = try string(
        in: names, at: UInt64(nameOffset), "a section's name", longest: Self.longestSectionName)
      sections.append(ELFFile.Section(name: name, range: try sectionRange(at: offset)))
    }
    return sections
  }

  /// The bytes that the section header at `offset` covers; none for `SHT_NOBITS` (8).
  private func sectionRange(at offset: Int) throws(NativeActionError) -> Range<Int> {
    if try integer(UInt32.self, at: offset + 4, "sh_type") == 8 { return 0..<0 }
    return try range(
      try integer(UInt64.self, at: offset + 24, "sh_offset"),
      try integer(UInt64.self, at: offset + 32, "sh_size"), "a section")
  }

  /// The x86-64 levels in `PT_GNU_PROPERTY` (Linux gABI extensions; x86-64 psABI 1.0, "program property"): notes
  /// of type 5 and name `GNU`, with properties of (type, size, data) on 8-byte boundaries.
  func isaNeeded(_ segments: [Segment]) throws(NativeActionError) -> UInt32 {
    guard let segment = segments.first(where: { $0.type == Segment.gnuProperty }) else { return 0 }
    let note = try range(segment.fileOffset, segment.fileSize, "PT_GNU_PROPERTY")
    guard note.count >= 16, try integer(UInt32.self, at: note.lowerBound, "n_namesz") == 4,
      try integer(UInt32.self, at: note.lowerBound + 8, "n_type") == 5
    else { return 0 }
    var offset = note.lowerBound + 16
    while note.upperBound - offset >= 8 {
      let type = try integer(UInt32.self, at: offset, "pr_type")
      let size = Int(try integer(UInt32.self, at: offset + 4, "pr_datasz"))
      guard size <= note.upperBound - offset - 8 else {
        throw malformed("a GNU property ends outside its note")
      }
      if type == 0xC000_8002, size == 4 { return try integer(UInt32.self, at: offset + 8, "ISA_1_NEEDED") }
      offset += 8 + (size + 7) / 8 * 8
    }
    return 0
  }
}
