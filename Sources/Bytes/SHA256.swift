internal import CLibcrypto

/// A SHA-256 digest (FIPS 180-4): 32 bytes, written as 64 lower-case hexadecimal digits.
package struct SHA256Digest: Hashable, Sendable {
  /// The digest's length in bytes.
  package static let byteCount = 32

  // Four big-endian words: hashing and comparing stay cheap, and nothing is allocated.
  private let word0: UInt64
  private let word1: UInt64
  private let word2: UInt64
  private let word3: UInt64

  /// Takes exactly 32 bytes; `nil` for any other length.
  package init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == Self.byteCount else { return nil }
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    var index = 0
    for byte in bytes {
      switch index / 8 {
      case 0: words.0 = words.0 << 8 | UInt64(byte)
      case 1: words.1 = words.1 << 8 | UInt64(byte)
      case 2: words.2 = words.2 << 8 | UInt64(byte)
      default: words.3 = words.3 << 8 | UInt64(byte)
      }
      index += 1
    }
    (word0, word1, word2, word3) = words
  }

  /// Parses 64 hexadecimal digits of either case; `nil` for anything else.
  package init?(hex: some StringProtocol) {
    guard let bytes = Hex.decode(hex) else { return nil }
    self.init(bytes)
  }

  /// The 32 bytes, in order.
  package var bytes: [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(Self.byteCount)
    for word in [word0, word1, word2, word3] {
      for shift in stride(from: 56, through: 0, by: -8) {
        result.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
      }
    }
    return result
  }

  /// 64 lower-case hexadecimal digits.
  package var hex: String { Hex.encode(bytes) }
}

extension SHA256Digest: Comparable {
  package static func < (left: SHA256Digest, right: SHA256Digest) -> Bool {
    if left.word0 != right.word0 { return left.word0 < right.word0 }
    if left.word1 != right.word1 { return left.word1 < right.word1 }
    if left.word2 != right.word2 { return left.word2 < right.word2 }
    return left.word3 < right.word3
  }
}

/// An incremental SHA-256, on the CPU's own instructions where it has them (libcrypto).
package struct SHA256: ~Copyable {
  private var context = SHA256_CTX()

  package init() {
    SHA256_Init(&context)
  }

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    SHA256_Update(&context, base, bytes.count)
  }

  package mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { update($0) }
  }

  package consuming func finish() -> SHA256Digest {
    let bytes = [UInt8](unsafeUninitializedCapacity: SHA256Digest.byteCount) { buffer, count in
      SHA256_Final(buffer.baseAddress, &context)
      count = SHA256Digest.byteCount
    }
    guard let digest = SHA256Digest(bytes) else { preconditionFailure("SHA-256 is 32 bytes") }
    return digest
  }

  /// The digest of one buffer.
  package static func digest(of bytes: UnsafeRawBufferPointer) -> SHA256Digest {
    var hash = SHA256()
    hash.update(bytes)
    return hash.finish()
  }

  /// The digest of one array.
  package static func digest(of bytes: [UInt8]) -> SHA256Digest {
    bytes.withUnsafeBytes { digest(of: $0) }
  }

  /// Writes the 32 digest bytes of `bytes` to `output`: the inner loop of a hash tree, without allocation.
  package static func hash(_ bytes: UnsafeRawBufferPointer, into output: UnsafeMutablePointer<UInt8>) {
    var context = SHA256_CTX()
    SHA256_Init(&context)
    SHA256_Update(&context, bytes.baseAddress, bytes.count)
    SHA256_Final(output, &context)
  }
}
