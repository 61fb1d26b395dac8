internal import Bytes
internal import CPosixShim
internal import FoundationEssentials
internal import Glibc
internal import UpdateFramework

/// A file in the directory of proposals, where others write: it may be anything.
struct ProposalFile {
  /// The most bytes that one may have.
  static let maximumSize = 16 << 20

  let path: String

  var name: String { path.slashSeparated().last ?? path }

  /// Its bytes. A link is not followed: it could make the server read whatever it may read itself.
  /// - Throws: `tooLarge`, `localStorage`.
  func read() throws -> [UInt8] {
    let file = netimg_open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0)
    guard file >= 0 else {
      throw UpdateError(
        .localStorage,
        "cannot open it (\(String(cString: strerror(errno)))); put the file itself there, readable")
    }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw UpdateError(.localStorage, "it is no regular file; put the proposal itself there")
    }
    guard status.st_size <= Self.maximumSize else {
      throw UpdateError(
        .tooLarge, "it has more than \(Self.maximumSize) bytes; that is no proposal, remove it")
    }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeMutableBytes {
        pread(file, $0.baseAddress?.advanced(by: done), $0.count - done, off_t(done))
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      done += count
    }
    return Array(bytes.prefix(done))
  }

  /// Moves it to `merged` beside it; one of the same name that is there stays.
  /// - Returns: Whether it is gone from here.
  func moveToMerged() -> Bool {
    let folder = path.slashSeparated(omittingEmpty: false).dropLast().joined(separator: "/") + "/merged"
    guard mkdir(folder, 0o755) == 0 || errno == EEXIST else { return false }
    for number in 0..<1000 {
      if netimg_rename_new(path, "\(folder)/\(name)\(number == 0 ? "" : ".\(number)")") == 0 { return true }
      guard errno == EEXIST else { return false }
    }
    return false
  }
}
