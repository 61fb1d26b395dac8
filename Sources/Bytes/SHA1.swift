internal import CLibcrypto

/// A SHA-1 digest (FIPS 180-4), 20 bytes. SPDX names files by it; nothing here trusts it.
package struct SHA1Digest: Hashable, Sendable {
  /// The digest's length in bytes.
  package static let byteCount = 20

  /// The bytes, in order.
  package let bytes: [UInt8]

  /// Takes exactly 20 bytes; `nil` for any other length.
  package init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == Self.byteCount else { return nil }
    self.bytes = Array(bytes)
  }

  /// 40 lower-case hexadecimal digits.
  package var hex: String { Hex.encode(bytes) }
}

/// SHA-1 and SHA-256 of the same bytes, which are read once.
package struct FileDigests: Hashable, Sendable {
  package let sha1: SHA1Digest
  package let sha256: SHA256Digest

  /// Half of a core's second-level cache, so that the second hash finds the bytes there.
  private static let pieceSize = 256 << 10

  package init(sha1: SHA1Digest, sha256: SHA256Digest) {
    self.sha1 = sha1
    self.sha256 = sha256
  }

  package init(of bytes: [UInt8]) {
    var context = SHA_CTX()
    SHA1_Init(&context)
    var hash = SHA256()
    bytes.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.pieceSize))
        SHA1_Update(&context, piece.baseAddress, piece.count)
        hash.update(piece)
        rest = rest.dropFirst(piece.count)
      }
    }
    let digest = [UInt8](unsafeUninitializedCapacity: SHA1Digest.byteCount) { buffer, count in
      SHA1_Final(buffer.baseAddress, &context)
      count = SHA1Digest.byteCount
    }
    guard let digest = SHA1Digest(digest) else { preconditionFailure("SHA-1 is 20 bytes") }
    sha1 = digest
    sha256 = hash.finish()
  }
}

extension SHA1Digest {
  /// The digest of one array.
  package static func digest(of bytes: [UInt8]) -> SHA1Digest {
    FileDigests(of: bytes).sha1
  }
}
