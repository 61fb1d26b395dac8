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
  private let known: Mutex<FileDigests?>

  package init(_ bytes: [UInt8]) {
    size = bytes.count
    source = .memory(bytes)
    known = Mutex(nil)
  }

  package convenience init(_ text: String) {
    self.init(Array(text.utf8))
  }

  /// Bytes that lie in `data` from `offset` on and have these digests.
  init(in data: UnpackedData, offset: Int, size: Int, digests: FileDigests) {
    self.size = size
    source = .stored(data, offset: offset)
    known = Mutex(digests)
  }

  /// SHA-256 and SHA-1 of the bytes; of stored ones they are known without reading them.
  package var digests: FileDigests {
    if let digests = known.withLock({ $0 }) { return digests }
    let digests = FileDigests(of: bytes)
    known.withLock { $0 = digests }
    return digests
  }

  /// SHA-256 of the bytes.
  package var digest: SHA256Digest { digests.sha256 }

  /// The bytes. Stored ones are read and checked each time; if that fails, they are empty here, and the build starts
  /// again with the package unpacked anew (`PackageUnpacker.dropDamaged`).
  package var bytes: [UInt8] {
    switch source {
    case .memory(let bytes): return bytes
    case .stored(let data, let offset):
      return data.read(offset: offset, size: size, digest: known.withLock { $0?.sha256 })
    }
  }
}
