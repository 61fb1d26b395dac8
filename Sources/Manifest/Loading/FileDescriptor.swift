internal import Glibc

/// An open file or directory, closed when it goes out of scope.
struct FileDescriptor: ~Copyable {
  private let number: CInt

  /// Opens the root of a tree, following symbolic links: whoever names it may choose what they like.
  init(directory path: String) throws(PosixError) {
    number = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard number >= 0 else { throw PosixError(errno) }
  }

  /// Opens an entry of a directory, unless it is a symbolic link (ELOOP or ENOTDIR).
  init(entry name: String, of directory: borrowing FileDescriptor, isDirectory: Bool) throws(PosixError) {
    // Without O_NONBLOCK, a FIFO would wait for its writer.
    let flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | (isDirectory ? O_DIRECTORY : 0)
    number = openat(directory.number, name, flags)
    guard number >= 0 else { throw PosixError(errno) }
  }

  deinit { close(number) }

  /// What this is.
  func status() throws(PosixError) -> stat {
    var status = stat()
    guard fstat(number, &status) == 0 else { throw PosixError(errno) }
    return status
  }

  /// What an entry of this directory is; a symbolic link is not followed.
  func status(of name: String) throws(PosixError) -> stat {
    var status = stat()
    guard fstatat(number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { throw PosixError(errno) }
    return status
  }

  /// What a symbolic link of this directory holds.
  func target(of name: String) throws(PosixError) -> [UInt8] {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlinkat(number, name, &buffer, buffer.count)
    guard count >= 0 else { throw PosixError(errno) }
    return buffer.prefix(count).map { UInt8(bitPattern: $0) }
  }

  /// The whole content; `nil` if it is longer than `limit` bytes.
  func contents(limit: Int) throws(PosixError) -> [UInt8]? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = read(number, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw PosixError(errno) }
      if count == 0 { return bytes }
      bytes.append(contentsOf: buffer.prefix(count))
      guard bytes.count <= limit else { return nil }
    }
  }

  /// The names of this directory's entries, in no order, without `.` and `..`. Works once.
  func entryNames() throws(PosixError) -> [[UInt8]] {
    // The stream closes its descriptor: it gets one of its own.
    let copy = fcntl(number, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw PosixError(errno) }
    guard let stream = fdopendir(copy) else {
      let error = PosixError(errno)
      close(copy)
      throw error
    }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        guard errno == 0 else { throw PosixError(errno) }
        return names
      }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if !name.elementsEqual(".".utf8), !name.elementsEqual("..".utf8) { names.append(name) }
    }
  }
}

/// A failed system call.
struct PosixError: Error, CustomStringConvertible {
  let number: CInt

  init(_ number: CInt) { self.number = number }

  var description: String { String(cString: strerror(number)) }
}
