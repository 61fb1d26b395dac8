package import Bytes
internal import CPosixShim
internal import Glibc
internal import ServerCore
internal import TFTP

/// A file of the library, open, and known to be what its release says.
package final class ArtifactFile: ServedFile, VirtualFile {
  package let path: String
  package let size: Int
  package let digest: SHA256Digest
  package let descriptor: Int32
  private let signature: FileSignature

  /// Opens a regular file and reads all of it.
  /// - Parameters:
  ///   - size: How many bytes its release says it has; `nil` if no release says.
  ///   - expected: Its SHA-256, as its release says; `nil` if no release says.
  /// - Throws: ``BootServerError`` `.notFound`, `.inputOutput`, or `.corrupt` if it is another file than that.
  init(path: String, size: Int?, expected: SHA256Digest?) throws(BootServerError) {
    // A named pipe must not make the server wait for a writer.
    let file = netimg_open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0)
    guard file >= 0 else {
      throw BootServerError(
        errno == ENOENT ? .notFound : .inputOutput, "cannot open \(path): \(String(cString: strerror(errno)))"
      )
    }
    do throws(BootServerError) {
      guard let signature = FileSignature(descriptor: file), signature.isRegular else {
        throw BootServerError(.corrupt, "\(path) is no regular file: publish its release again")
      }
      if let size, signature.size != size {
        throw BootServerError(
          .corrupt,
          "\(path) has \(signature.size) bytes where its release says \(size): publish the release again")
      }
      let found = try Self.hash(file, size: signature.size, path: path)
      if let expected, found != expected {
        throw BootServerError(
          .corrupt,
          "\(path) has SHA-256 \(found.hex) where its release says \(expected.hex): publish the release again"
        )
      }
      guard FileSignature(descriptor: file) == signature else {
        throw BootServerError(
          .corrupt, "\(path) was written to while it was read: publish its release again")
      }
      self.path = path
      self.size = signature.size
      self.signature = signature
      digest = found
      descriptor = file
    } catch {
      close(file)
      throw error
    }
  }

  deinit { close(descriptor) }

  /// What the file looked like when it was opened.
  var opened: FileSignature { signature }

  /// Whether nobody has written to the file since it was opened.
  package func isUnchanged() -> Bool { FileSignature(descriptor: descriptor) == signature }

  private static func hash(_ file: Int32, size: Int, path: String) throws(BootServerError) -> SHA256Digest {
    var hash = SHA256()
    var offset = 0
    var buffer = [UInt8](repeating: 0, count: 256 << 10)
    while offset < size {
      let count = pread(file, &buffer, min(buffer.count, size - offset), off_t(offset))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        throw BootServerError(.inputOutput, "cannot read \(path): \(String(cString: strerror(errno)))")
      }
      buffer.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0.prefix(count))) }
      offset += count
    }
    return hash.finish()
  }

  package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws {
    var done = 0
    while done < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = pread(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw BootServerError(.inputOutput, "cannot read \(path)") }
      done += count
    }
    // The end of a file that somebody wrote to is never sent.
    if offset + buffer.count >= size, !isUnchanged() {
      throw BootServerError(.corrupt, "\(path) was written to while it was served: publish its release again")
    }
  }
}

/// What tells that a file was written to: identity, size and both times, which no write leaves alone.
struct FileSignature: Sendable, Hashable {
  let device: UInt64
  let inode: UInt64
  let size: Int
  let isRegular: Bool
  private let modified: Int
  private let changed: Int

  init?(descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    self.init(status)
  }

  init?(path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  /// An ETag: a file that was written to has another.
  var tag: String {
    "\"\(String(inode, radix: 36))-\(String(size, radix: 36))-\(String(modified, radix: 36))\""
  }

  private init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    size = Int(status.st_size)
    isRegular = status.st_mode & S_IFMT == S_IFREG
    modified = status.st_mtim.tv_sec &* 1_000_000_000 &+ status.st_mtim.tv_nsec
    changed = status.st_ctim.tv_sec &* 1_000_000_000 &+ status.st_ctim.tv_nsec
  }
}
