internal import Glibc
internal import Synchronization

/// A file on disk as TFTP reads it: forwards, in small pieces, of which a few are read ahead.
package final class DiskFile: VirtualFile {
  private static let ahead = 64 << 10

  private struct Buffer: Sendable {
    var bytes: [UInt8] = []
    var offset = 0
  }

  private let file: Int32
  private let path: String
  package let size: Int
  private let buffer = Mutex(Buffer())

  /// Opens a regular file.
  /// - Throws: ``TFTPError`` if it cannot be opened.
  package init(_ path: String) throws(TFTPError) {
    file = open(path, O_RDONLY | O_CLOEXEC)
    self.path = path
    var status = stat()
    guard file >= 0, fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      let reason = file < 0 ? String(cString: strerror(errno)) : "it is not a regular file"
      if file >= 0 { close(file) }
      throw TFTPError(code: .invalid, "\(path) cannot be opened: \(reason)")
    }
    size = Int(status.st_size)
  }

  deinit { close(file) }

  package func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) throws {
    if target.count > Self.ahead / 4 { return try readFile(into: target, at: offset) }
    try buffer.withLock { buffer in
      let start = offset - buffer.offset
      if start < 0 || start + target.count > buffer.bytes.count {
        let count = min(Self.ahead, size - offset)
        if buffer.bytes.count != count { buffer.bytes = [UInt8](repeating: 0, count: count) }
        buffer.offset = offset
        do {
          try buffer.bytes.withUnsafeMutableBytes { try readFile(into: $0, at: offset) }
        } catch {
          buffer.bytes = []
          throw error
        }
      }
      buffer.bytes.withUnsafeBytes {
        let start = offset - buffer.offset
        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + target.count]))
      }
    }
  }

  private func readFile(into target: UnsafeMutableRawBufferPointer, at offset: Int) throws {
    var done = 0
    while done < target.count {
      let count = pread(
        file, target.baseAddress?.advanced(by: done), target.count - done, off_t(offset + done))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        let reason = count == 0 ? "it has become shorter" : String(cString: strerror(errno))
        throw TFTPError(code: .truncated, "\(path) cannot be read at offset \(offset + done): \(reason)")
      }
      done += count
    }
  }
}
