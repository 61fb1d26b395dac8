/// An appending encoder: integers of a stated byte order, padding, and fields patched once they are known.
package struct ByteWriter: Sendable {
  /// What has been written so far.
  package private(set) var bytes: [UInt8] = []

  package init(reservingCapacity capacity: Int = 0) {
    bytes.reserveCapacity(capacity)
  }

  /// Bytes written so far.
  package var count: Int { bytes.count }

  package mutating func append(_ more: some Sequence<UInt8>) {
    bytes.append(contentsOf: more)
  }

  /// Appends an integer, least significant byte first.
  package mutating func littleEndian<Value: FixedWidthInteger & UnsignedInteger>(_ value: Value) {
    for shift in stride(from: 0, to: Value.bitWidth, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> Value(shift)))
    }
  }

  /// Appends an integer, most significant byte first.
  package mutating func bigEndian<Value: FixedWidthInteger & UnsignedInteger>(_ value: Value) {
    for shift in stride(from: Value.bitWidth - 8, through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> Value(shift)))
    }
  }

  /// Appends `count` bytes of `byte`.
  package mutating func fill(_ count: Int, with byte: UInt8 = 0) {
    bytes.append(contentsOf: repeatElement(byte, count: max(0, count)))
  }

  /// Appends zeros until the length is a multiple of `boundary` (greater than 0).
  package mutating func align(to boundary: Int) {
    let excess = bytes.count % boundary
    if excess != 0 { fill(boundary - excess) }
  }

  /// Overwrites bytes already written, from `offset` on. The range must have been written.
  package mutating func patch(at offset: Int, with replacement: [UInt8]) {
    precondition(
      offset >= 0 && offset + replacement.count <= bytes.count, "a patch stays inside what is written")
    for (index, byte) in replacement.enumerated() {
      bytes[offset + index] = byte
    }
  }

  /// Overwrites an integer already written, least significant byte first.
  package mutating func patchLittleEndian<Value: FixedWidthInteger & UnsignedInteger>(
    at offset: Int, _ value: Value
  ) {
    var encoded = ByteWriter()
    encoded.littleEndian(value)
    patch(at: offset, with: encoded.bytes)
  }
}
