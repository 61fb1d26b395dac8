internal import BlobStore
internal import Bytes
internal import CPosixShim
internal import Glibc
internal import Synchronization

/// The contents of one package's files, one behind the other in a blob of the store.
final class UnpackedData: Sendable {
  private let file: Int32
  private let damage = Mutex(false)

  /// - Throws: `.missingInput` if the blob has gone.
  init(_ blob: SHA256Digest, in store: BlobStore) throws(BuildError) {
    file = netimg_open(store.path(of: blob), O_RDONLY, 0)
    guard file >= 0 else {
      throw BuildError(.missingInput, "\(store.path(of: blob)) is not there: build again")
    }
  }

  deinit { close(file) }

  /// Whether a read went wrong; whoever relied on the bytes must not go on.
  var isDamaged: Bool { damage.withLock { $0 } }

  func read(offset: Int, size: Int, digest: SHA256Digest?) -> [UInt8] {
    var count = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
      while count < size {
        let got = pread(file, buffer.baseAddress?.advanced(by: count), size - count, off_t(offset + count))
        if got < 0 && errno == EINTR { continue }
        if got <= 0 { break }
        count += got
      }
      initialized = count
    }
    guard count == size, digest == nil || SHA256.digest(of: bytes) == digest else {
      damage.withLock { $0 = true }
      return []
    }
    return bytes
  }
}
