internal import Bytes

/// Lays out the cache file.
struct LibraryCacheWriter {
  private static let headerSize = 48
  private static let entrySize = 24
  /// `cache_extension_magic`, which is -358342284.
  private static let extensionMagic = UInt32(bitPattern: -358_342_284)
  /// Set in `hwcap` where the low 32 bits are an index into the hwcaps extension.
  private static let hwcapsFlag: UInt64 = 1 << 62

  private let entries: [LibraryCacheEntry]
  private let hwcaps: [String]
  private let strings: SuffixStringTable
  private let generator: [UInt8]

  init(_ unsorted: [LibraryCacheEntry], generator: String) {
    entries = unsorted.enumerated().sorted { left, right in
      let order = Self.compare(left.element, right.element)
      return order == 0 ? left.offset < right.offset : order < 0
    }.map(\.element)
    hwcaps = Set(unsorted.compactMap(\.hwcaps)).sortedBytewise()
    strings = SuffixStringTable(unsorted.flatMap { [$0.soname, $0.path] } + hwcaps)
    self.generator = [UInt8](generator.utf8)
  }

  /// Descending by name and flags, because the loader halves that way; then hwcaps before plain entries, by name.
  private static func compare(_ left: LibraryCacheEntry, _ right: LibraryCacheEntry) -> Int {
    let names = LibraryNameOrder.compare(right.soname, left.soname)
    if names != 0 { return names }
    if left.flags != right.flags { return left.flags < right.flags ? 1 : -1 }
    switch (left.hwcaps, right.hwcaps) {
    case (nil, nil): return 0
    case (_, nil): return -1
    case (nil, _): return 1
    case (let left?, let right?): return left == right ? 0 : precedesBytewise(left, right) ? -1 : 1
    }
  }

  func bytes() throws(NativeActionError) -> [UInt8] {
    let stringsOffset = Self.headerSize + entries.count * Self.entrySize
    let extensionOffset = (stringsOffset + strings.bytes.count + 3) / 4 * 4
    guard extensionOffset < Int(Int32.max) - 65536 else {
      throw NativeActionError(
        .limitExceeded, at: "ld.so.cache", "the names of all libraries together pass 2 GiB")
    }
    var writer = ByteWriter(reservingCapacity: extensionOffset + 128)
    writer.append("glibc-ld.so.cache1.1".utf8)
    writer.littleEndian(UInt32(entries.count))
    writer.littleEndian(UInt32(strings.bytes.count))
    writer.append([2, 0, 0, 0])  // little-endian
    writer.littleEndian(UInt32(extensionOffset))
    writer.fill(12)
    for entry in entries {
      writer.littleEndian(entry.flags)
      writer.littleEndian(UInt32(stringsOffset + strings.offset(of: entry.soname)))
      writer.littleEndian(UInt32(stringsOffset + strings.offset(of: entry.path)))
      writer.littleEndian(UInt32(0))
      writer.littleEndian(hwcapField(entry))
    }
    writer.append(strings.bytes)
    writer.align(to: 4)
    appendExtensions(to: &writer, stringsOffset: stringsOffset)
    return writer.bytes
  }

  private func hwcapField(_ entry: LibraryCacheEntry) -> UInt64 {
    guard let name = entry.hwcaps, let index = hwcaps.firstIndex(of: name) else { return 0 }
    return Self.hwcapsFlag | UInt64(entry.isaLevel) << 32 | UInt64(index)
  }

  /// The directory of (tag, flags, offset, size): tag 0 is the generator's name, tag 1 the hwcaps array, which is left
  /// out where it would be empty.
  private func appendExtensions(to writer: inout ByteWriter, stringsOffset: Int) {
    let sectionCount = hwcaps.isEmpty ? 1 : 2
    let hwcapsOffset = writer.count + 8 + sectionCount * 16
    writer.littleEndian(Self.extensionMagic)
    writer.littleEndian(UInt32(sectionCount))
    for value in [0, 0, hwcapsOffset + hwcaps.count * 4, generator.count] {
      writer.littleEndian(UInt32(value))
    }
    if !hwcaps.isEmpty {
      for value in [1, 0, hwcapsOffset, hwcaps.count * 4] { writer.littleEndian(UInt32(value)) }
      for name in hwcaps { writer.littleEndian(UInt32(stringsOffset + strings.offset(of: name))) }
    }
    writer.append(generator)
  }
}
