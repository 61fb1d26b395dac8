/// What a bounds-checked read found wrong.
package struct ByteReadError: Error, Equatable, Sendable {
  /// The field that was being read, in the words of its specification.
  package let field: String
  /// Where the field would have begun, in bytes from the start of the input.
  package let offset: Int
  /// How many bytes it needed.
  package let needed: Int
  /// How many were left.
  package let available: Int
}

extension ByteReadError: CustomStringConvertible {
  package var description: String {
    "\(field) needs \(needed) bytes at offset \(offset), but only \(available) are left"
  }
}

/// A bounds-checked cursor over bytes from outside: a short input throws and names the field, it never traps.
package struct ByteReader: Sendable {
  private let bytes: ArraySlice<UInt8>
  /// Bytes consumed so far.
  package private(set) var offset: Int = 0

  package init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
  }

  package init(_ bytes: [UInt8]) {
    self.init(bytes[...])
  }

  /// Bytes left to read.
  package var remaining: Int { bytes.count - offset }

  /// The next `count` bytes, and moves past them.
  package mutating func read(_ count: Int, _ field: String) throws(ByteReadError) -> ArraySlice<UInt8> {
    guard count >= 0, count <= remaining else {
      throw ByteReadError(field: field, offset: offset, needed: count, available: remaining)
    }
    let start = bytes.startIndex + offset
    offset += count
    return bytes[start..<start + count]
  }

  /// Moves to an absolute offset from the start of the input.
  package mutating func seek(to target: Int, _ field: String) throws(ByteReadError) {
    guard target >= 0, target <= bytes.count else {
      throw ByteReadError(field: field, offset: target, needed: 0, available: 0)
    }
    offset = target
  }

  /// The next integer, least significant byte first.
  package mutating func littleEndian<Value: FixedWidthInteger & UnsignedInteger>(
    _ type: Value.Type, _ field: String
  ) throws(ByteReadError) -> Value {
    var value: Value = 0
    for byte in try read(MemoryLayout<Value>.size, field).reversed() {
      value = value << 8 | Value(byte)
    }
    return value
  }

  /// The next integer, most significant byte first.
  package mutating func bigEndian<Value: FixedWidthInteger & UnsignedInteger>(
    _ type: Value.Type, _ field: String
  ) throws(ByteReadError) -> Value {
    var value: Value = 0
    for byte in try read(MemoryLayout<Value>.size, field) {
      value = value << 8 | Value(byte)
    }
    return value
  }
}
