internal import CPosixShim
internal import FoundationEssentials
internal import Glibc
internal import ImageBuilder

/// A file to write from front to back, or standard output. The file appears whole or not at all.
final class OutputFile {
  private let path: String
  private let temporary: String
  private let descriptor: Int32
  private var isCommitted = false

  /// - Parameter path: `-` is standard output.
  init(_ path: String) throws {
    self.path = path
    guard path != "-" else {
      (temporary, descriptor) = ("-", 1)
      return
    }
    // A rename would put a file in the place of a device or a FIFO.
    var status = stat()
    guard stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG else {
      throw BuildError(
        .inputOutput, "\(path) is no regular file: name another, or write to standard output with -")
    }
    temporary = "\(path).partial-\(getpid())"
    descriptor = netimg_open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    guard descriptor >= 0 else { throw Self.failure("create", temporary) }
    Interruption.remember(temporary)
  }

  deinit {
    guard descriptor != 1 else { return }
    close(descriptor)
    if !isCommitted { unlink(temporary) }
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw Self.failure("write", path == "-" ? "standard output" : path) }
      rest = rest.dropFirst(count)
    }
  }

  func commit() throws {
    guard descriptor != 1 else { return }
    guard fdatasync(descriptor) == 0, rename(temporary, path) == 0 else { throw Self.failure("write", path) }
    isCommitted = true
    Interruption.forget(temporary)
  }

  fileprivate static func failure(_ action: String, _ path: String) -> BuildError {
    BuildError(.inputOutput, "cannot \(action) \(path): \(String(cString: strerror(errno)))")
  }
}

/// A file to read from front to back, or standard input.
final class InputFile {
  /// The file's size; 0 where it is not known.
  let size: Int
  private let name: String
  private let descriptor: Int32

  /// - Parameter path: `-` is standard input.
  init(_ path: String) throws {
    name = path == "-" ? "standard input" : path
    descriptor = path == "-" ? 0 : netimg_open(path, O_RDONLY, 0)
    guard descriptor >= 0 else {
      throw BuildError(
        errno == ENOENT ? .missingInput : .inputOutput,
        "cannot open \(path): \(String(cString: strerror(errno)))")
    }
    var status = stat()
    size = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : 0
  }

  deinit { if descriptor > 0 { close(descriptor) } }

  /// Reads some bytes; 0 at the end.
  func read(_ buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw OutputFile.failure("read", name) }
      return count
    }
  }
}
