package import Bytes
internal import Synchronization

/// A file's bytes: in memory, or in the store's unpacked packages and read when somebody looks. Hard links share one
/// object; identity tells them from equal files.
package final class FileContent: Sendable {
  private enum Source: Sendable {
    case memory([UInt8])
    case stored(UnpackedData, offset: Int)
  }

  /// The number of bytes.
  package let size: Int
  private let source: Source
  private let knownDigest: Mutex<SHA256Digest?>

  package init(_ bytes: [UInt8]) {
    size = bytes.count
    source = .memory(bytes)
    knownDigest = Mutex(nil)
  }

  package convenience init(_ text: String) {
    self.init(Array(text.utf8))
  }

  /// Bytes that lie in `data` from `offset` on and have this digest.
  init(in data: UnpackedData, offset: Int, size: Int, digest: SHA256Digest) {
    self.size = size
    source = .stored(data, offset: offset)
    knownDigest = Mutex(digest)
  }

  /// SHA-256 of the bytes; of stored ones it is known without reading them.
  package var digest: SHA256Digest {
    if let digest = knownDigest.withLock({ $0 }) { return digest }
    let digest = SHA256.digest(of: bytes)
    knownDigest.withLock { $0 = digest }
    return digest
  }

  /// The bytes. Stored ones are read and checked each time; if that fails, they are empty here, and the build starts
  /// again with the package unpacked anew (`PackageUnpacker.dropDamaged`).
  package var bytes: [UInt8] {
    switch source {
    case .memory(let bytes): return bytes
    case .stored(let data, let offset):
      return data.read(offset: offset, size: size, digest: knownDigest.withLock { $0 })
    }
  }
}
