import Bytes
import Testing

@testable import NativeActions

/// Reads a trie as kmod's own reader does, from the description of the format and not from the writer.
private struct TrieReader {
  let bytes: [UInt8]

  /// The values of a key with their priorities, in file order.
  func values(of key: [UInt8]) throws -> [(priority: UInt32, value: String)] {
    var reader = ByteReader(bytes)
    #expect(try reader.bigEndian(UInt32.self, "magic") == 0xB007_F457)
    #expect(try reader.bigEndian(UInt32.self, "version") == 0x0002_0001)
    var position = try reader.bigEndian(UInt32.self, "root")
    var rest = key[...]
    while true {
      try reader.seek(to: Int(position & 0x0FFF_FFFF), "node")
      if position & 0x8000_0000 != 0 {
        let prefix = try string(&reader)
        guard rest.starts(with: prefix) else { return [] }
        rest = rest.dropFirst(prefix.count)
      }
      var children: [UInt8: UInt32] = [:]
      if position & 0x2000_0000 != 0 {
        let first = try #require(try reader.read(1, "first").first)
        let last = try #require(try reader.read(1, "last").first)
        for byte in first...last { children[byte] = try reader.bigEndian(UInt32.self, "child") }
      }
      guard let byte = rest.first else {
        guard position & 0x4000_0000 != 0 else { return [] }
        let count = try reader.bigEndian(UInt32.self, "count")
        var values: [(UInt32, String)] = []
        for _ in 0..<count {
          let priority = try reader.bigEndian(UInt32.self, "priority")
          values.append((priority, String(decoding: try string(&reader), as: UTF8.self)))
        }
        return values
      }
      guard let child = children[byte], child != 0 else { return [] }
      position = child
      rest = rest.dropFirst()
    }
  }

  private func string(_ reader: inout ByteReader) throws -> [UInt8] {
    var result: [UInt8] = []
    while let byte = try reader.read(1, "string").first, byte != 0 { result.append(byte) }
    return result
  }
}

@Suite struct ModuleIndexTrieTests {
  @Test(arguments: 0..<20 as Range<UInt64>)
  func everyKeyIsFoundWithItsValuesInOrder(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var trie = ModuleIndexTrie()
    var expected: [String: [(priority: UInt32, sequence: Int, value: String)]] = [:]
    for sequence in 0..<200 {
      // A small alphabet makes long common prefixes, and keys that end inside others.
      let length = Int.random(in: 1...8, using: &generator)
      let key = String((0..<length).map { _ in "ab_\u{7f}".randomElement(using: &generator) ?? "a" })
      let priority = Int.random(in: 0...5, using: &generator)
      try trie.insert(key, "v\(sequence)", priority: priority)
      expected[key, default: []].append((UInt32(priority), sequence, "v\(sequence)"))
    }
    let reader = TrieReader(bytes: try trie.encode())
    for (key, values) in expected {
      let sorted = values.sorted {
        $0.priority == $1.priority ? $0.sequence > $1.sequence : $0.priority < $1.priority
      }
      let found = try reader.values(of: Array(key.utf8))
      #expect(found.map(\.value) == sorted.map(\.value))
      #expect(found.map(\.priority) == sorted.map(\.priority))
    }
    for absent in ["", "c", "abababababab", "a_a_a_a_a"] where expected[absent] == nil {
      #expect(try reader.values(of: Array(absent.utf8)).isEmpty)
    }
  }

  @Test func theOrderOfInsertionShapesNothingButEqualPriorities() throws {
    let entries = (0..<60).map { ("key\($0 * 7 % 60)", "value\($0)", $0) }
    var (forwards, backwards) = (ModuleIndexTrie(), ModuleIndexTrie())
    for (key, value, priority) in entries { try forwards.insert(key, value, priority: priority) }
    for (key, value, priority) in entries.reversed() { try backwards.insert(key, value, priority: priority) }
    #expect(try forwards.encode() == backwards.encode())
  }

  @Test func triesEqualThoseOfKmod34() throws {
    let files = try ModuleIndexes.encode(
      modules: try KernelModuleFixture.family.map { try $0.parse() },
      order: [UInt8](KernelModuleFixture.order.utf8), builtin: [UInt8](KernelModuleFixture.builtin.utf8),
      builtinModinfo: [UInt8](KernelModuleFixture.builtinModinfo.utf8))
    #expect(KernelModuleGolden.tries.count == 5)
    for (name, golden) in KernelModuleGolden.tries { #expect(files[name] == golden, "\(name)") }
  }

  @Test func withoutBuiltinListsTheirIndexesAreEmpty() throws {
    let files = try ModuleIndexes.encode(modules: [], order: nil, builtin: nil, builtinModinfo: nil)
    #expect(files["modules.builtin.bin"] == [])
    #expect(files["modules.builtin.alias.bin"] == [])
    #expect(files["modules.devname"] == [])
    #expect(files.count == 11)
  }

  @Test(arguments: [
    ("my-module.ko.xz", "my_module"), ("a/b-c/d-e.ko", "d_e"), ("plain", "plain"), ("", ""), ("a/", "a"),
  ])
  func moduleNames(_ path: String, _ name: String) {
    #expect(ModuleName.ofPath(path) == name)
  }

  @Test(arguments: [
    ("a-b", "a_b"), ("a[0-9]-c", "a[0-9]_c"), ("a[b-", nil), ("a]b", nil), ("[-]", "[-]"),
    ("[a][b-c]-", "[a][b-c]_"),
  ])
  func aliasNames(_ alias: String, _ normal: String?) {
    #expect(ModuleName.normalizeAlias(alias) == normal)
  }
}
