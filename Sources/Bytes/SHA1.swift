internal import CLibcrypto

/// A SHA-1 digest (FIPS 180-4), 20 bytes. SPDX names files by it; nothing here trusts it.
package struct SHA1Digest: Hashable, Sendable {
  /// 40 lower-case hexadecimal digits.
  package let hex: String

  /// Takes 40 lower-case hexadecimal digits; `nil` for anything else.
  package init?(hex: String) {
    guard let bytes = Hex.decode(hex), bytes.count == 20, Hex.encode(bytes) == hex else { return nil }
    self.hex = hex
  }

  fileprivate init(bytes: [UInt8]) {
    hex = Hex.encode(bytes)
  }
}

/// SHA-1 and SHA-256 of the same bytes, which are read once.
package struct FileDigests: Hashable, Sendable {
  package let sha1: SHA1Digest
  package let sha256: SHA256Digest

  /// Digests that were computed before.
  package init(sha1: SHA1Digest, sha256: SHA256Digest) {
    self.sha1 = sha1
    self.sha256 = sha256
  }

  /// Half of a core's second-level cache, so that the second hash finds the bytes there.
  private static let pieceSize = 256 << 10

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
    let digest = [UInt8](unsafeUninitializedCapacity: 20) { buffer, count in
      SHA1_Final(buffer.baseAddress, &context)
      count = 20
    }
    sha1 = SHA1Digest(bytes: digest)
    sha256 = hash.finish()
  }
}

extension SHA1Digest {
  /// The digest of one array.
  package static func digest(of bytes: [UInt8]) -> SHA1Digest {
    FileDigests(of: bytes).sha1
  }
}
