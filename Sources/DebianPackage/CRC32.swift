/// The checksum of gzip (RFC 1952, section 8): the reflected polynomial 0xEDB88320.
struct CRC32 {
  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
  }

  private var state: UInt32 = 0xFFFF_FFFF

  /// The checksum of everything so far.
  var value: UInt32 { ~state }

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    var running = state
    Self.table.withUnsafeBufferPointer { table in
      for byte in bytes {
        running = running >> 8 ^ table[Int((running ^ UInt32(byte)) & 0xFF)]
      }
    }
    state = running
  }
}
