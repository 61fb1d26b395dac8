import Bytes

/// Builds small ELF files by hand, laid out as: header, program headers, contents, section headers. Virtual addresses
/// equal file offsets.
struct MiniELF {
  var machine: UInt16 = 62
  var kind: UInt16 = 3
  var interpreter: String?
  var dynamicStrings: [String] = []
  /// (tag, value), or a tag with a string's index in `dynamicStrings`.
  var dynamic: [(UInt64, Value)] = []
  /// Bytes of `DT_VERNEED` and `DT_VERDEF`; names in them are offsets into the string table.
  var versionNeeds: [UInt8] = []
  var versionNeedCount: UInt64 = 0
  var versionDefinitions: [UInt8] = []
  var versionDefinitionCount: UInt64 = 0
  var note: [UInt8] = []
  var sections: [(name: String, contents: [UInt8])] = []

  enum Value {
    case plain(UInt64)
    case string(Int)
  }

  /// The offset of the dynamic string with that index: the table begins with an empty string.
  func stringOffset(_ index: Int) -> UInt32 {
    UInt32(1 + dynamicStrings[..<index].reduce(0) { $0 + $1.utf8.count + 1 })
  }

  func encode() -> [UInt8] {
    var contents: [(type: UInt32, offset: Int, size: Int)] = []
    var body = ByteWriter()
    let hasDynamic = !dynamic.isEmpty
    let segmentCount = 1 + (interpreter == nil ? 0 : 1) + (hasDynamic ? 1 : 0) + (note.isEmpty ? 0 : 1)
    let start = 64 + segmentCount * 56
    func place(_ bytes: [UInt8], _ type: UInt32) -> UInt64 {
      body.align(to: 8)
      let offset = start + body.count
      body.append(bytes)
      contents.append((type, offset, bytes.count))
      return UInt64(offset)
    }
    if let interpreter { _ = place([UInt8](interpreter.utf8) + [0], 3) }
    if !note.isEmpty { _ = place(note, 0x6474_E553) }
    if hasDynamic {
      let strings: [UInt8] = [0] + dynamicStrings.flatMap { [UInt8]($0.utf8) + [0] }
      var entries: [(UInt64, UInt64)] = [(5, place(strings, 0)), (10, UInt64(strings.count))]
      if !versionNeeds.isEmpty {
        entries += [(0x6FFF_FFFE, place(versionNeeds, 0)), (0x6FFF_FFFF, versionNeedCount)]
      }
      if !versionDefinitions.isEmpty {
        entries += [(0x6FFF_FFFC, place(versionDefinitions, 0)), (0x6FFF_FFFD, versionDefinitionCount)]
      }
      for (tag, value) in dynamic {
        switch value {
        case .plain(let number): entries.append((tag, number))
        case .string(let index): entries.append((tag, UInt64(stringOffset(index))))
        }
      }
      var table = ByteWriter()
      for (tag, value) in entries + [(0, 0)] {
        table.littleEndian(tag)
        table.littleEndian(value)
      }
      _ = place(table.bytes, 2)
    }
    var headers = ByteWriter()
    var names: [UInt8] = [0]
    headers.fill(64)
    for (name, bytes) in sections + [(".shstrtab", [])] {
      let nameOffset = names.count
      names += [UInt8](name.utf8) + [0]
      let isNames = name == ".shstrtab"
      let placed = place(isNames ? names : bytes, 0)
      headers.littleEndian(UInt32(nameOffset))
      headers.littleEndian(UInt32(isNames ? 3 : 1))
      headers.fill(16)
      headers.littleEndian(placed)
      headers.littleEndian(UInt64(isNames ? names.count : bytes.count))
      headers.fill(24)
    }
    body.align(to: 8)
    let sectionOffset = start + body.count
    body.append(headers.bytes)

    var file = ByteWriter()
    file.append([0x7F, 0x45, 0x4C, 0x46, 2, 1, 1])
    file.fill(9)
    file.littleEndian(kind)
    file.littleEndian(machine)
    file.littleEndian(UInt32(1))
    file.littleEndian(UInt64(0))
    file.littleEndian(UInt64(64))
    file.littleEndian(UInt64(sectionOffset))
    file.littleEndian(UInt32(0))
    for value in [64, 56, segmentCount, 64, sections.count + 2, sections.count + 1] {
      file.littleEndian(UInt16(value))
    }
    let loaded = (type: UInt32(1), offset: 0, size: start + body.count)
    for segment in [loaded] + contents.filter({ $0.type != 0 }) {
      file.littleEndian(segment.type)
      file.littleEndian(UInt32(4))
      for value in [segment.offset, segment.offset, segment.offset, segment.size, segment.size, 8] {
        file.littleEndian(UInt64(value))
      }
    }
    file.append(body.bytes)
    return file.bytes
  }
}

/// Concatenates little-endian integers of the widths given.
func littleEndian(_ fields: [(width: Int, value: UInt64)]) -> [UInt8] {
  fields.flatMap { field in (0..<field.width).map { UInt8(truncatingIfNeeded: field.value >> UInt64($0 * 8)) }
  }
}
