internal import NetworkTypes

/// The bytes of the blocks that the machine wants sent.
extension TFTPServer {
  /// What a run of blocks looks like.
  package struct Blocks: Sendable {
    /// Bytes of data in every block but perhaps the last.
    package let blockSize: Int
    /// Bytes of data in all of them.
    package let byteCount: Int
    /// The number of the first on the wire; those behind it count on, and 65535 is followed by 0.
    package let firstNumber: UInt16
  }

  /// Reads the data of some blocks of a session's file, without headers, into the beginning of a buffer.
  /// - Parameter buffer: Has room for `count` whole blocks.
  /// - Returns: `nil` if the session is over.
  /// - Throws: What the file's reader throws.
  package func read(
    _ id: TFTPSessionID, first: UInt64, count: Int, into buffer: UnsafeMutableRawBufferPointer
  ) throws -> Blocks? {
    let slot = Int(id.slot)
    guard slot < slots.count, slots[slot]?.id == id, let blockSize = slots[slot]?.blockSize,
      let byteCount = slots[slot]?.byteCount(first: first, count: UInt64(count))
    else { return nil }
    precondition(byteCount <= buffer.count, "the buffer has room for whole blocks")
    if byteCount > 0 {
      try slots[slot]?.file.read(
        into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<byteCount]), at: Int(first - 1) * blockSize)
    }
    return Blocks(blockSize: blockSize, byteCount: byteCount, firstNumber: UInt16(truncatingIfNeeded: first))
  }
}

/// A text with CR LF for its line ends and CR NUL for its other CRs (RFC 764), in memory.
struct NetASCIIFile: VirtualFile {
  private let bytes: [UInt8]
  static let maximumSize = 1 << 20

  /// Converts a whole file of at most 1 MiB.
  init(_ file: any VirtualFile) throws {
    guard file.size <= Self.maximumSize else {
      throw TFTPError(
        code: .tooLarge, "\(file.size) bytes were asked for in netascii, which is for small texts")
    }
    var raw = [UInt8](repeating: 0, count: file.size)
    if !raw.isEmpty { try raw.withUnsafeMutableBytes { try file.read(into: $0, at: 0) } }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(raw.count + raw.count / 32)
    for byte in raw {
      switch byte {
      case 0x0A: bytes += [0x0D, 0x0A]
      case 0x0D: bytes += [0x0D, 0]
      default: bytes.append(byte)
      }
    }
    self.bytes = bytes
  }

  var size: Int { bytes.count }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) {
    bytes.withUnsafeBytes {
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + buffer.count]))
    }
  }
}
