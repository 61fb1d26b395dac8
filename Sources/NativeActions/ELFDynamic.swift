/// What `PT_DYNAMIC` says: names, search paths, symbol versions.
struct ELFDynamic {
  private(set) var soname: String?
  private(set) var needed: [String] = []
  private(set) var rpath: [String] = []
  private(set) var runpath: [String] = []
  private(set) var versionNeeds: [ELFFile.VersionNeed] = []
  private(set) var versionDefinitions: [String] = []

  /// Far above what any program needs; a hostile file must not make us collect long strings without end.
  private static let mostEntries = 4096

  private enum Tag {
    static let null: UInt64 = 0
    static let needed: UInt64 = 1
    static let stringTable: UInt64 = 5
    static let stringTableSize: UInt64 = 10
    static let soname: UInt64 = 14
    static let rpath: UInt64 = 15
    static let runpath: UInt64 = 29
    static let versionDefinitions: UInt64 = 0x6FFF_FFFC
    static let versionDefinitionCount: UInt64 = 0x6FFF_FFFD
    static let versionNeeds: UInt64 = 0x6FFF_FFFE
    static let versionNeedCount: UInt64 = 0x6FFF_FFFF
  }

  init(_ image: ELFImage, _ segments: [ELFImage.Segment]) throws(NativeActionError) {
    guard let segment = segments.first(where: { $0.type == ELFImage.Segment.dynamic }) else { return }
    let table = try image.range(segment.fileOffset, segment.fileSize, "PT_DYNAMIC")
    var neededOffsets: [UInt64] = []
    // A static-pie has no names at all, and needs no string table.
    var values: [UInt64: UInt64] = [:]
    var entries = 0
    for offset in stride(from: table.lowerBound, to: table.upperBound - 15, by: 16) {
      let tag = try image.integer(UInt64.self, at: offset, "d_tag")
      let value = try image.integer(UInt64.self, at: offset + 8, "d_val")
      if tag == Tag.null { break }
      entries += 1
      guard entries <= Self.mostEntries else {
        throw NativeActionError(
          .limitExceeded, at: image.path, "more than \(Self.mostEntries) entries in the ELF dynamic section")
      }
      if tag == Tag.needed { neededOffsets.append(value) } else { values[tag] = value }
    }
    guard let stringsAddress = values[Tag.stringTable] else {
      guard neededOffsets.isEmpty, values[Tag.soname] == nil else {
        throw image.malformed("its dynamic section names strings, but no DT_STRTAB")
      }
      return
    }
    var strings = try image.range(fromAddress: stringsAddress, segments, "DT_STRTAB")
    if let size = values[Tag.stringTableSize], size < UInt64(strings.count) {
      strings = strings.lowerBound..<strings.lowerBound + Int(size)
    }
    for offset in neededOffsets {
      needed.append(try image.string(in: strings, at: offset, "DT_NEEDED"))
    }
    if let offset = values[Tag.soname] {
      soname = try image.string(in: strings, at: offset, "DT_SONAME")
    }
    if let offset = values[Tag.rpath] {
      rpath = Self.directories(try image.string(in: strings, at: offset, "DT_RPATH"))
    }
    if let offset = values[Tag.runpath] {
      runpath = Self.directories(try image.string(in: strings, at: offset, "DT_RUNPATH"))
    }
    let chains = ELFVersionChains(image: image, strings: strings)
    if let address = values[Tag.versionNeeds], let count = values[Tag.versionNeedCount] {
      let area = try image.range(fromAddress: address, segments, "DT_VERNEED")
      versionNeeds = try chains.needs(in: area, count: count)
    }
    if let address = values[Tag.versionDefinitions], let count = values[Tag.versionDefinitionCount] {
      let area = try image.range(fromAddress: address, segments, "DT_VERDEF")
      versionDefinitions = try chains.definitions(in: area, count: count)
    }
  }

  private static func directories(_ path: String) -> [String] {
    path.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
  }
}
