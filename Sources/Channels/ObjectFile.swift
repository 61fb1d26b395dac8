internal import Bytes
internal import CPosixShim
internal import Glibc
internal import Transfers
internal import UpdateFramework

/// A file on its way into a directory that holds files by their SHA-256: `DIGEST.part` until all of it is there and right.
/// What an interrupted transfer left is gone on with. The engine has it during the transfer, the client before and after.
final class ObjectFile: TransferSink, @unchecked Sendable {
  private let object: ChannelClient.Object
  private let path: String
  private let part: String
  private var file: Int32
  private var hash: SHA256?
  private var verdict = false
  /// The bytes that are there.
  private(set) var count = 0

  /// - Throws: `ChannelError` `.storage`.
  init(_ object: ChannelClient.Object, in directory: String) throws(ChannelError) {
    self.object = object
    path = "\(directory)/\(object.digest)"
    part = "\(path).part"
    file = netimg_open(part, O_RDWR | O_CREAT | O_NOFOLLOW, 0o644)
    guard file >= 0 else { throw Self.failed("create", part) }
    var hash = SHA256()
    var buffer = [UInt8](repeating: 0, count: 256 << 10)
    while true {
      let read = Glibc.read(file, &buffer, buffer.count)
      if read < 0 && errno == EINTR { continue }
      guard read > 0 else { break }
      buffer.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0.prefix(read))) }
      count += read
    }
    self.hash = consume hash
    if count > object.size { try restart() }
  }

  deinit { if file >= 0 { close(file) } }

  /// Forgets what is there.
  func restart() throws(ChannelError) {
    guard ftruncate(file, 0) == 0, lseek(file, 0, SEEK_SET) == 0 else { throw Self.failed("write", part) }
    count = 0
    verdict = false
    hash = SHA256()
  }

  func receive(_ bytes: UnsafeRawBufferPointer) throws {
    guard bytes.count <= object.size - count else { throw lie }
    hash?.update(bytes)
    var rest = bytes
    while !rest.isEmpty {
      let written = Glibc.write(file, rest.baseAddress, rest.count)
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { throw Self.failed("write", part) }
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
    count += bytes.count
  }

  /// Whether all of it is there, and is what the release says. Once it was asked, nothing more can be received before
  /// ``restart()``.
  var isRight: Bool {
    if let digest = hash.take()?.finish() { verdict = count == object.size && digest.hex == object.digest }
    return verdict
  }

  /// Puts the file in its place.
  /// - Throws: `badRelease` if it is not what the release says; nothing is left of it then.
  func commit() throws(ChannelError) {
    guard isRight else {
      unlink(part)
      throw lie
    }
    guard fsync(file) == 0, rename(part, path) == 0 else { throw Self.failed("write", path) }
  }

  /// Removes what was written.
  func discard() { unlink(part) }

  private var lie: ChannelError {
    ChannelError(
      .badRelease,
      "\(object.name) does not have the SHA-256 that the release signs; the mirror is damaged, or lies: use another"
    )
  }

  private static func failed(_ action: String, _ path: String) -> ChannelError {
    ChannelError(
      errno == ENOSPC || errno == EDQUOT ? .diskFull : .storage,
      "cannot \(action) \(path): \(String(cString: strerror(errno))); make room, or check permissions")
  }
}
