/// Cuts bytes where their content says so (a rolling "gear" hash): what two files have in common is cut alike in both,
/// wherever it lies, and is the same objects. Only how much is shared depends on the numbers here, nothing else.
enum ContentCut {
  /// No piece is shorter but the last, and none is longer; on average they have about 40 KiB.
  static let least = 8 << 10
  static let most = 128 << 10
  /// Fifteen of the bits that the last 64 bytes decide.
  private static let mask: UInt64 = 0x7FFF << 49

  private static let table: [UInt64] = {
    // splitmix64: any well mixed numbers do, as long as they stay the same.
    var state: UInt64 = 0x6E65_7469_6D67
    return (0..<256).map { _ in
      state &+= 0x9E37_79B9_7F4A_7C15
      var value = state
      value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
      value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
      return value ^ (value >> 31)
    }
  }()

  /// The lengths of the pieces, in order; they add up to all of it.
  static func lengths(of bytes: UnsafeRawBufferPointer) -> [Int] {
    table.withUnsafeBufferPointer { table in
      var lengths: [Int] = []
      var start = 0
      while start < bytes.count {
        let end = min(bytes.count, start + most)
        var position = start + least
        var hash: UInt64 = 0
        while position < end {
          hash = (hash << 1) &+ table[Int(bytes[position])]
          position += 1
          if hash & mask == 0 { break }
        }
        position = min(position, end)
        lengths.append(position - start)
        start = position
      }
      return lengths
    }
  }
}
