internal import Bytes

/// kmod's binary index (`libkmod/libkmod-index.c`): a trie over 7-bit keys with path compression, all numbers
/// big-endian, nodes in pre-order.
///
///     file: | magic B007F457 | version 00020001 | offset of the root, with flags |
///     node: [prefix NUL] [first 1, last 1, offsets 4 each] [count 4, (priority 4, value NUL) each]
///
/// The four high bits of an offset say which of the three parts the node has.
struct ModuleIndexTrie {
  private static let magic: UInt32 = 0xB007_F457
  private static let version: UInt32 = 0x0002_0001
  private static let prefixFlag: UInt32 = 0x8000_0000
  private static let valuesFlag: UInt32 = 0x4000_0000
  private static let childrenFlag: UInt32 = 0x2000_0000
  private static let largestOffset = 0x0FFF_FFFF

  private struct Entry {
    let key: [UInt8]
    let value: [UInt8]
    let priority: UInt32
    let sequence: Int
  }

  private struct Node {
    let prefix: ArraySlice<UInt8>
    let values: ArraySlice<Entry>
    let children: [(byte: UInt8, node: Node)]
    /// The node's own length, and with everything below it.
    let size: Int
    let total: Int

    var flags: UInt32 {
      (prefix.isEmpty ? 0 : prefixFlag) | (values.isEmpty ? 0 : valuesFlag)
        | (children.isEmpty ? 0 : childrenFlag)
    }
  }

  private var entries: [Entry] = []

  /// Adds a value for a key; among values of one key the lower priority comes first, and of equal ones the later.
  mutating func insert(_ key: String, _ value: String, priority: Int = 0) throws(NativeActionError) {
    guard key.utf8.allSatisfy({ (1..<128).contains($0) }), value.utf8.allSatisfy({ (1..<128).contains($0) })
    else {
      throw NativeActionError(
        .malformed, at: value.isEmpty ? key : value,
        "the module index holds 7-bit ASCII only; rename the module")
    }
    entries.append(
      Entry(
        key: [UInt8](key.utf8), value: [UInt8](value.utf8), priority: UInt32(clamping: priority),
        sequence: entries.count))
  }

  func encode() throws(NativeActionError) -> [UInt8] {
    let sorted = entries.sorted { left, right in
      if left.key != right.key { return left.key.lexicographicallyPrecedes(right.key) }
      if left.priority != right.priority { return left.priority < right.priority }
      return left.sequence > right.sequence
    }
    let root = Self.node(sorted[...], depth: 0, isRoot: true)
    guard root.total < Self.largestOffset - 12 else {
      throw NativeActionError(.limitExceeded, at: "modules", "a module index passes 256 MiB")
    }
    var writer = ByteWriter(reservingCapacity: 12 + root.total)
    writer.bigEndian(Self.magic)
    writer.bigEndian(Self.version)
    writer.bigEndian(12 | root.flags)
    Self.write(root, to: &writer)
    return writer.bytes
  }

  /// The node for sorted entries that share their first `depth` bytes. Its depth is bounded by the key's length, which
  /// the modules' parser limits.
  private static func node(_ entries: ArraySlice<Entry>, depth: Int, isRoot: Bool = false) -> Node {
    guard let first = entries.first, let last = entries.last else {
      return Node(prefix: [], values: [], children: [], size: 0, total: 0)
    }
    var end = depth
    if !isRoot {
      while end < first.key.count, end < last.key.count, first.key[end] == last.key[end] { end += 1 }
    }
    let values = entries.prefix { $0.key.count == end }
    var children: [(byte: UInt8, node: Node)] = []
    var rest = entries.dropFirst(values.count)
    while let byte = rest.first?.key[end] {
      let group = rest.prefix { $0.key[end] == byte }
      children.append((byte, node(group, depth: end + 1)))
      rest = rest.dropFirst(group.count)
    }
    let prefix = first.key[depth..<end]
    var size = prefix.isEmpty ? 0 : prefix.count + 1
    if let low = children.first?.byte, let high = children.last?.byte {
      size += 2 + 4 * (Int(high - low) + 1)
    }
    if !values.isEmpty { size += 4 + values.reduce(0) { $0 + 5 + $1.value.count } }
    return Node(
      prefix: prefix, values: values, children: children, size: size,
      total: children.reduce(size) { $0 + $1.node.total })
  }

  private static func write(_ node: Node, to writer: inout ByteWriter) {
    let start = writer.count
    if !node.prefix.isEmpty {
      writer.append(node.prefix)
      writer.append([0])
    }
    if let low = node.children.first?.byte, let high = node.children.last?.byte {
      writer.append([low, high])
      var offsets = [UInt32](repeating: 0, count: Int(high - low) + 1)
      var offset = start + node.size
      for (byte, child) in node.children {
        offsets[Int(byte - low)] = UInt32(offset) | child.flags
        offset += child.total
      }
      for offset in offsets { writer.bigEndian(offset) }
    }
    if !node.values.isEmpty {
      writer.bigEndian(UInt32(node.values.count))
      for entry in node.values {
        writer.bigEndian(entry.priority)
        writer.append(entry.value)
        writer.append([0])
      }
    }
    for (_, child) in node.children { write(child, to: &writer) }
  }
}
