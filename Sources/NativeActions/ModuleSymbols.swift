/// The symbols that tie kernel modules together, found as kmod finds them (`libkmod/libkmod-elf.c`), because the order
/// of the lines in `modules.dep` follows from the order of the symbols here.
struct ModuleSymbols {
  private(set) var exported: [String] = []
  private(set) var required: [String] = []

  /// The biggest modules have some 60,000.
  private static let mostSymbols = 1 << 18
  /// Above `KSYM_NAME_LEN`, which is 512.
  private static let longestName = 1024
  private static let versionEntrySize = 64
  private static let checksumPrefix = [UInt8]("__crc_".utf8)

  init(_ elf: ELFFile, path: String) throws(NativeActionError) {
    try readSymbolTable(elf, path)
    if exported.isEmpty, let strings = elf.data(ofSection: "__ksymtab_strings") {
      // A kernel without symbol versions has no checksums.
      exported = strings.split(separator: 0).map(\.text)
    }
    let names = Set(required)
    for name in versionNames(elf) where !names.contains(name) { required.append(name) }
    for name in exported + required {
      guard name.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
        throw NativeActionError(
          .malformed, at: path, "a symbol's name is not one word of ASCII; replace the module")
      }
    }
  }

  /// `Elf64_Sym`: | name 4 | info 1 | other 1 | shndx 2 | value 8 | size 8 |
  private mutating func readSymbolTable(_ elf: ELFFile, _ path: String) throws(NativeActionError) {
    guard let table = elf.data(ofSection: ".symtab"), let strings = elf.data(ofSection: ".strtab") else {
      return
    }
    guard table.count.isMultiple(of: 24) else {
      throw NativeActionError(
        .malformed, at: path, "a symbol table of \(table.count) bytes, which is no multiple of 24")
    }
    guard table.count / 24 <= Self.mostSymbols else {
      throw NativeActionError(
        .limitExceeded, at: path, "\(table.count / 24) symbols, but at most \(Self.mostSymbols) are read")
    }
    for offset in stride(from: table.startIndex + 24, to: table.endIndex, by: 24) {
      let isUndefined = table[offset + 6] == 0 && table[offset + 7] == 0
      let nameOffset = (0..<4).reduce(0) { $0 | Int(table[offset + $1]) << (8 * $1) }
      guard nameOffset < strings.count else {
        throw NativeActionError(.malformed, at: path, "a symbol's name begins beyond the string table")
      }
      let start = strings.startIndex + nameOffset
      let isChecksum = strings[start...].starts(with: Self.checksumPrefix)
      guard isUndefined || isChecksum else { continue }
      guard let end = strings[start...].prefix(Self.longestName).firstIndex(of: 0) else {
        throw NativeActionError(
          .malformed, at: path, "a symbol's name has no end within \(Self.longestName) bytes")
      }
      if isChecksum { exported.append(strings[(start + Self.checksumPrefix.count)..<end].text) }
      if isUndefined, start != end { required.append(strings[start..<end].text) }
    }
  }

  /// Names in `__versions`: 8 bytes of checksum and a name in 56 bytes, for each symbol that the module imports.
  private func versionNames(_ elf: ELFFile) -> [String] {
    guard let versions = elf.data(ofSection: "__versions"),
      versions.count.isMultiple(of: Self.versionEntrySize)
    else { return [] }
    return stride(from: versions.startIndex, to: versions.endIndex, by: Self.versionEntrySize).compactMap {
      start in
      let name = versions[(start + 8)..<(start + Self.versionEntrySize)]
      return name.firstIndex(of: 0).map { name[..<$0].text }
    }.filter { !$0.isEmpty }
  }
}
