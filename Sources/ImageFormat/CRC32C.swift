/// The Castagnoli CRC (RFC 3720, appendix B.4), reflected, as Linux computes it: no final inversion.
enum CRC32C {
  private static let table: [UInt32] = (0..<256).map { index in
    var value = UInt32(index)
    for _ in 0..<8 {
      value = value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1
    }
    return value
  }

  /// The register after `bytes`, starting from `seed`.
  static func update(_ seed: UInt32, _ bytes: some Sequence<UInt8>) -> UInt32 {
    var register = seed
    for byte in bytes {
      register = register >> 8 ^ table[Int(UInt8(truncatingIfNeeded: register) ^ byte)]
    }
    return register
  }
}
