internal import CPosixShim
internal import Glibc

/// A file that appears under its name whole and on disk, or not at all.
final class AtomicFile {
  /// Called before each step that other processes can see: tests end their process there.
  @TaskLocal static var beforeStep: (@Sendable () -> Void)?

  private let path: String
  private let temporary: String
  private var file: Int32
  private var isInPlace = false

  /// - Throws: `localStorage`.
  init(_ path: String) throws(UpdateError) {
    self.path = path
    // In the same directory, of a name that no role and no target has: none contains a bare "%.".
    let slash =
      path.utf8.lastIndex(of: UInt8(ascii: "/")).map { path.utf8.index(after: $0) } ?? path.startIndex
    temporary = "\(path[..<slash])%.\(getpid()).\(UInt64.random(in: 0...UInt64.max)).part"
    file = netimg_open(temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644)
    guard file >= 0 else { throw Self.failed("create", path) }
  }

  /// Writes a file beside its place, so that only ``commit()`` is left to do.
  /// - Throws: `localStorage`.
  convenience init(_ bytes: [UInt8], for path: String) throws(UpdateError) {
    try self.init(path)
    try append(bytes)
    guard fsync(file) == 0 else { throw Self.failed("write", path) }
  }

  deinit {
    if file >= 0 { close(file) }
    discard()
  }

  /// Removes what was written so far; without effect once the file is in its place.
  func discard() {
    if !isInPlace { unlink(temporary) }
    isInPlace = true
  }

  /// - Throws: `localStorage`, for instance on a full disk.
  func append(_ bytes: UnsafeRawBufferPointer) throws(UpdateError) {
    var rest = bytes
    while !rest.isEmpty {
      let count = Glibc.write(file, rest.baseAddress, rest.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw Self.failed("write", path) }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }

  private func append(_ bytes: [UInt8]) throws(UpdateError) {
    let failure = bytes.withUnsafeBytes { bytes -> UpdateError? in
      do throws(UpdateError) { try append(bytes) } catch { return error }
      return nil
    }
    if let failure { throw failure }
  }

  /// Puts the file in place of what was there before.
  /// - Throws: `localStorage`.
  func commit() throws(UpdateError) {
    guard fsync(file) == 0 else { throw Self.failed("write", path) }
    Self.beforeStep?()
    guard rename(temporary, path) == 0 else { throw Self.failed("write", path) }
    isInPlace = true
    Self.synchronizeDirectory(of: path)
  }

  /// Removes a file, unless it is gone already.
  static func remove(_ path: String) throws(UpdateError) {
    beforeStep?()
    guard unlink(path) == 0 || errno == ENOENT else { throw failed("remove", path) }
    synchronizeDirectory(of: path)
  }

  /// Makes names survive a power cut; a file system that cannot is not an error.
  static func synchronizeDirectory(of path: String) {
    let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
    let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let file = netimg_open(directory, O_RDONLY | O_DIRECTORY, 0)
    if file >= 0 {
      fsync(file)
      close(file)
    }
  }

  private static func failed(_ action: String, _ path: String) -> UpdateError {
    UpdateError(
      .localStorage,
      "cannot \(action) \(path): \(String(cString: strerror(errno))); make room, or check permissions")
  }

  /// Writes a file in one go.
  static func write(_ bytes: [UInt8], to path: String) throws(UpdateError) {
    let file = try AtomicFile(path)
    try file.append(bytes)
    try file.commit()
  }

  /// The bytes of a regular file; `nil` if there is none.
  /// - Throws: `tooLarge` beyond `limit`, `localStorage` if it cannot be read.
  static func read(_ path: String, limit: Int) throws(UpdateError) -> [UInt8]? {
    let file = netimg_open(path, O_RDONLY | O_NONBLOCK, 0)
    guard file >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw failed("read", path)
    }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw UpdateError(.localStorage, "\(path) is not a regular file; remove it")
    }
    guard status.st_size <= limit else {
      throw UpdateError(
        .tooLarge, "\(path) has more than \(limit) bytes; it is not what it should be, remove it")
    }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeMutableBytes {
        pread(file, $0.baseAddress?.advanced(by: done), $0.count - done, off_t(done))
      }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw failed("read", path) }
      if count == 0 { break }
      done += count
    }
    return Array(bytes.prefix(done))
  }

  /// Whether a file has exactly this length and these digests; read in pieces, however long it is.
  static func fits(_ path: String, length: Int, digests: ContentDigests) -> Bool {
    let file = netimg_open(path, O_RDONLY | O_NONBLOCK, 0)
    guard file >= 0 else { return false }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size == length else {
      return false
    }
    var check = DigestCheck(digests)
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    var done = 0
    while done < length {
      let count = Glibc.read(file, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return false }
      buffer.withUnsafeBytes { check.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
      done += count
    }
    return done == length && check.finish()
  }
}
