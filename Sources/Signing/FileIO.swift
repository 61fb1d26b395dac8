internal import CPosixShim
internal import Glibc

/// Reading and writing the small files that keys live in.
package enum FileIO {
  /// A regular file's bytes and mode. Throws `notFound`, `malformed` if it has more than `limit` bytes.
  package static func read(_ path: String, limit: Int) throws(SigningError) -> (bytes: [UInt8], mode: UInt32)
  {
    let file = netimg_open(path, O_RDONLY | O_NONBLOCK, 0)
    guard file >= 0 else {
      throw .system("read", path, errno: errno, advice: "check the path and its permissions")
    }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw SigningError(.malformed, "\(path) is not a regular file; name the file that holds the key")
    }
    guard status.st_size <= limit else {
      throw SigningError(.malformed, "\(path) has more than \(limit) bytes: this is no key file")
    }
    var bytes = [UInt8](repeating: 0, count: limit)
    var count = 0
    while count < limit {
      let got = bytes.withUnsafeMutableBytes {
        pread(file, $0.baseAddress?.advanced(by: count), limit - count, count)
      }
      if got < 0 && errno == EINTR { continue }
      guard got >= 0 else { throw .system("read", path, errno: errno, advice: "check the disk") }
      if got == 0 { break }
      count += got
    }
    bytes.removeLast(limit - count)
    return (bytes, status.st_mode & 0o7777)
  }

  /// Creates a file of exactly that mode, whole or not at all, and on disk when this returns. Throws `exists`
  /// rather than replace one.
  package static func create(_ path: String, _ text: String, mode: UInt32) throws(SigningError) {
    try create(path, Array(text.utf8), mode: mode)
  }

  /// The same for bytes.
  package static func create(_ path: String, _ bytes: [UInt8], mode: UInt32) throws(SigningError) {
    let temporary = "\(path).\(getpid()).\(String(UInt32.random(in: 0...UInt32.max), radix: 16)).tmp"
    let file = netimg_open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    guard file >= 0 else {
      throw .system("write", path, errno: errno, advice: "check the directory and its permissions")
    }
    var failure = write(bytes, mode: mode, to: file)
    close(file)
    if failure == 0, netimg_rename_new(temporary, path) != 0 {
      failure = errno
      // File systems without RENAME_NOREPLACE: a hard link refuses to replace just as well.
      if failure == EINVAL || failure == ENOSYS { failure = link(temporary, path) == 0 ? 0 : errno }
    }
    unlink(temporary)
    if failure == EEXIST {
      throw SigningError(
        .exists, cause: EEXIST,
        "\(path) exists already and is not replaced; choose another name, or move it away")
    }
    guard failure == 0 else {
      throw .system("write", path, errno: failure, advice: "check the disk and the directory's permissions")
    }
    synchronizeDirectory(of: path)
  }

  /// 0 or errno.
  private static func write(_ bytes: [UInt8], mode: UInt32, to file: Int32) -> Int32 {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes {
        pwrite(file, $0.baseAddress?.advanced(by: done), bytes.count - done, done)
      }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { return errno }
      done += count
    }
    guard fchmod(file, mode) == 0, fsync(file) == 0 else { return errno }
    return 0
  }

  /// Makes the new name survive a power cut; a file system that cannot is not an error.
  private static func synchronizeDirectory(of path: String) {
    let directory = path.lastIndex(of: "/").map { path[..<$0] } ?? "."
    let file = netimg_open(directory.isEmpty ? "/" : String(directory), O_RDONLY | O_DIRECTORY, 0)
    if file >= 0 {
      fsync(file)
      close(file)
    }
  }
}
