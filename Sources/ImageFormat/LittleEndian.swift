extension [UInt8] {
  /// Overwrites bytes from `offset` on with an integer, least significant byte first.
  mutating func store<Value: FixedWidthInteger & UnsignedInteger>(_ value: Value, at offset: Int) {
    for index in 0..<MemoryLayout<Value>.size {
      self[offset + index] = UInt8(truncatingIfNeeded: value >> Value(8 * index))
    }
  }

  /// Overwrites bytes from `offset` on.
  mutating func store(_ bytes: some Collection<UInt8>, at offset: Int) {
    var position = offset
    for byte in bytes {
      self[position] = byte
      position += 1
    }
  }
}

/// `value` rounded up to a multiple of `boundary`, a power of two.
func aligned(_ value: Int, to boundary: Int) -> Int {
  (value + boundary - 1) & ~(boundary - 1)
}
