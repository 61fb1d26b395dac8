import Bytes
import Testing

@testable import NativeActions

/// The cache file byte by byte, and read back as the loader reads it.
@Suite struct LibraryCacheFormatTests {
  @Test func oneEntry() throws {
    let bytes = try LibraryCache.encode(
      [.init(soname: "b.so", path: "/l/b.so", flags: 0x303)], generator: "me")
    #expect(
      bytes == [UInt8]("glibc-ld.so.cache1.1".utf8)
        + littleEndian([(4, 1), (4, 8), (4, 2), (4, 80), (4, 0), (4, 0), (4, 0)])  // header
        + littleEndian([(4, 0x303), (4, 75), (4, 72), (4, 0), (8, 0)])  // entry: key inside the path
        + [UInt8]("/l/b.so\0".utf8)
        + littleEndian([(4, 0xEAA4_2174), (4, 1), (4, 0), (4, 0), (4, 104), (4, 2)]) + [UInt8]("me".utf8))
  }

  @Test func noEntriesAreACacheToo() throws {
    let bytes = try LibraryCache.encode([], generator: "")
    #expect(bytes.count == 48 + 24)
    #expect(Array(bytes[20..<28]) == [UInt8](repeating: 0, count: 8))
  }

  private struct Entry: Equatable {
    let soname: String
    let path: String
    let hwcap: UInt64
  }

  /// Reads all entries by the offsets in the file.
  private func decode(_ bytes: [UInt8]) throws -> [Entry] {
    var reader = ByteReader(bytes)
    #expect(try reader.read(20, "magic").elementsEqual("glibc-ld.so.cache1.1".utf8))
    let count = try reader.littleEndian(UInt32.self, "nlibs")
    try reader.seek(to: 48, "entries")
    func string(_ offset: UInt32) -> String {
      String(decoding: bytes[Int(offset)...].prefix { $0 != 0 }, as: UTF8.self)
    }
    return try (0..<count).map { _ in
      _ = try reader.littleEndian(UInt32.self, "flags")
      let key = try reader.littleEndian(UInt32.self, "key")
      let value = try reader.littleEndian(UInt32.self, "value")
      _ = try reader.littleEndian(UInt32.self, "osversion")
      return Entry(
        soname: string(key), path: string(value), hwcap: try reader.littleEndian(UInt64.self, "hwcap"))
    }
  }

  @Test func sortsForTheLoadersSearchAndKeepsTheOrderOfDirectories() throws {
    let entries = [
      LibraryCacheEntry(soname: "liba.so.2", path: "/first/liba.so.2", flags: 3),
      LibraryCacheEntry(soname: "liba.so.10", path: "/first/liba.so.10", flags: 3),
      LibraryCacheEntry(soname: "liba.so.2", path: "/second/liba.so.2", flags: 3),
      LibraryCacheEntry(
        soname: "liba.so.2", path: "/h/v3/liba.so.2", flags: 3, hwcaps: "x86-64-v3", isaLevel: 2),
      LibraryCacheEntry(
        soname: "liba.so.2", path: "/h/v2/liba.so.2", flags: 3, hwcaps: "x86-64-v2", isaLevel: 1),
      LibraryCacheEntry(soname: "liba.so.2", path: "/other", flags: 0x303),
    ]
    let decoded = try decode(try LibraryCache.encode(entries))
    #expect(
      decoded.map(\.path) == [
        "/first/liba.so.10", "/other", "/h/v2/liba.so.2", "/h/v3/liba.so.2", "/first/liba.so.2",
        "/second/liba.so.2",
      ])
    #expect(decoded[2].hwcap == 1 << 62 | 1 << 32)
    #expect(decoded[3].hwcap == 1 << 62 | 2 << 32 | 1)
    #expect(decoded[4].hwcap == 0)
  }

  @Test(arguments: 0..<10 as Range<UInt64>)
  func everyNameIsFoundByHalving(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let names = Set(
      (0..<150).map { _ in
        "lib"
          + String(
            (0..<Int.random(in: 1...4, using: &generator)).map { _ in
              "ab1.9é".randomElement(using: &generator) ?? "a"
            }) + ".so.\(Int.random(in: 0...120, using: &generator))"
      })
    let entries = names.sorted().map { LibraryCacheEntry(soname: $0, path: "/l/\($0)", flags: 0x303) }
    let decoded = try decode(try LibraryCache.encode(entries.shuffled(using: &generator)))
    #expect(decoded.count == names.count)
    for name in names {
      // The loader's search: descending order, halving by its own comparison.
      var (low, high) = (0, decoded.count - 1)
      var found: Entry?
      while low <= high, found == nil {
        let middle = (low + high) / 2
        let order = LibraryNameOrder.compare(name, decoded[middle].soname)
        if order == 0 {
          found = decoded[middle]
        } else if order < 0 {
          low = middle + 1
        } else {
          high = middle - 1
        }
      }
      #expect(found.map { LibraryNameOrder.compare($0.soname, name) } == 0)
    }
  }
}
