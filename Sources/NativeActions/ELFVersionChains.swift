/// Walks the linked lists of GNU symbol versioning (LSB Core, "Symbol Versioning"): each record holds the distance to
/// the next. Counts bound every walk, so that a chain that points at itself ends.
struct ELFVersionChains {
  let image: ELFImage
  let strings: Range<Int>

  /// glibc defines some 50 versions and needs a handful; this bounds the product of files and versions as well.
  private static let mostRecords = 1 << 14

  /// `Elf64_Verneed` (vn_version, vn_cnt, vn_file, vn_aux, vn_next) with `Elf64_Vernaux` (hash, flags, other, name,
  /// next) below each.
  func needs(in area: Range<Int>, count: UInt64) throws(NativeActionError) -> [ELFFile.VersionNeed] {
    var needs: [ELFFile.VersionNeed] = []
    var budget = Self.mostRecords
    var offset = area.lowerBound
    for _ in 0..<(try limited(count)) {
      try check(offset, in: area)
      let auxCount = Int(try image.integer(UInt16.self, at: offset + 2, "vn_cnt"))
      let file = try name(at: offset + 4, "vn_file")
      var aux = offset + Int(try image.integer(UInt32.self, at: offset + 8, "vn_aux"))
      var versions: [String] = []
      budget -= auxCount + 1
      guard budget >= 0 else { throw tooMany() }
      for _ in 0..<auxCount {
        try check(aux, in: area)
        // VER_FLG_WEAK: the loader goes on without it.
        let isWeak = try image.integer(UInt16.self, at: aux + 4, "vna_flags") & 2 != 0
        let version = try name(at: aux + 8, "vna_name")
        if !isWeak { versions.append(version) }
        aux += Int(try image.integer(UInt32.self, at: aux + 12, "vna_next"))
      }
      needs.append(ELFFile.VersionNeed(file: file, versions: versions))
      let next = Int(try image.integer(UInt32.self, at: offset + 12, "vn_next"))
      if next == 0 { break }
      offset += next
    }
    return needs
  }

  /// `Elf64_Verdef` (version, flags, ndx, cnt, hash, aux, next); the first `Elf64_Verdaux` (name, next) of each is its
  /// own name, further ones are its parents. Flag 1 marks the base definition, which is the file's own name.
  func definitions(in area: Range<Int>, count: UInt64) throws(NativeActionError) -> [String] {
    var definitions: [String] = []
    var offset = area.lowerBound
    for _ in 0..<(try limited(count)) {
      try check(offset, in: area)
      let flags = try image.integer(UInt16.self, at: offset + 2, "vd_flags")
      let aux = offset + Int(try image.integer(UInt32.self, at: offset + 12, "vd_aux"))
      try check(aux, in: area)
      if flags & 1 == 0 { definitions.append(try name(at: aux, "vda_name")) }
      let next = Int(try image.integer(UInt32.self, at: offset + 16, "vd_next"))
      if next == 0 { break }
      offset += next
    }
    return definitions
  }

  private func name(at offset: Int, _ what: String) throws(NativeActionError) -> String {
    try image.string(in: strings, at: UInt64(try image.integer(UInt32.self, at: offset, what)), what)
  }

  private func check(_ offset: Int, in area: Range<Int>) throws(NativeActionError) {
    guard area.contains(offset) else { throw image.malformed("a version record lies outside its segment") }
  }

  private func limited(_ count: UInt64) throws(NativeActionError) -> Int {
    guard count <= UInt64(Self.mostRecords) else { throw tooMany() }
    return Int(count)
  }

  private func tooMany() -> NativeActionError {
    NativeActionError(
      .limitExceeded, at: image.path, "more than \(Self.mostRecords) ELF symbol version records")
  }
}
