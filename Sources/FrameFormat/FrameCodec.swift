internal import Bytes
internal import CZstd

/// One frame: a single zstd frame (RFC 8878) with its content size in the header and nothing after it.
package enum FrameCodec {
  /// Changes whenever the same input and level would give other bytes.
  package static let formatVersion = 1
  /// The largest frame in bytes of the image: stage 0 holds no more than this per core.
  package static let maximumSize = 16 << 20
  /// The largest stored frame: what zstd may need for `maximumSize` bytes that do not compress.
  package static let maximumStoredSize = maximumSize + (maximumSize >> 8) + 64

  /// Compresses one slice. `level` is zstd's, 1 to 19.
  package static func compress(
    _ bytes: UnsafeRawBufferPointer, level: Int
  ) throws(FrameFormatError) -> [UInt8] {
    guard bytes.count <= maximumSize else {
      throw FrameFormatError(.tooLarge, "a frame of \(bytes.count) bytes is over the limit of \(maximumSize)")
    }
    let bound = ZSTD_compressBound(bytes.count)
    var written = 0
    let stored = [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
      written = ZSTD_compress(buffer.baseAddress, bound, bytes.baseAddress, bytes.count, Int32(level))
      count = ZSTD_isError(written) == 0 ? written : 0
    }
    guard ZSTD_isError(written) == 0 else {
      throw FrameFormatError(.compressionFailed, "zstd: " + String(cString: ZSTD_getErrorName(written)))
    }
    return stored
  }

  /// Checks a stored frame against its name and its size, and only then decompresses it into `output`, which
  /// must be `frame.size` bytes long. Nothing that has the wrong digest reaches the decompressor.
  package static func decompress(
    _ stored: UnsafeRawBufferPointer, of frame: RootIndex.Frame, into output: UnsafeMutableRawBufferPointer
  ) throws(FrameFormatError) {
    precondition(output.count == frame.size, "the output has the frame's size")
    guard stored.count == frame.storedSize, SHA256.digest(of: stored) == frame.digest else {
      throw FrameFormatError(
        .digestMismatch, "frame \(frame.digest.hex) is corrupt: its bytes do not have this SHA-256")
    }
    let size = ZSTD_getFrameContentSize(stored.baseAddress, stored.count)
    let extent = ZSTD_findFrameCompressedSize(stored.baseAddress, stored.count)
    guard size == UInt64(frame.size), extent == stored.count else {
      throw FrameFormatError(
        .corruptFrame, "frame \(frame.digest.hex) is not one zstd frame of \(frame.size) bytes")
    }
    let written = ZSTD_decompress(output.baseAddress, output.count, stored.baseAddress, stored.count)
    guard ZSTD_isError(written) == 0, written == frame.size else {
      throw FrameFormatError(.corruptFrame, "frame \(frame.digest.hex) does not decompress")
    }
  }

  /// The same from a span.
  package static func decompress(
    _ stored: Span<UInt8>, of frame: RootIndex.Frame, into output: UnsafeMutableRawBufferPointer
  ) throws(FrameFormatError) {
    try stored.bytes.withUnsafeBytes { (bytes) throws(FrameFormatError) in
      try decompress(bytes, of: frame, into: output)
    }
  }
}
