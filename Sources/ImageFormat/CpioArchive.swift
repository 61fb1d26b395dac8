package import Bytes

/// An initrd in cpio's "newc" format (kernel documentation, "driver-api/early-userspace/buffer-format").
///
/// Entries stay in the order in which they are added. Inode numbers count from 1, times are all the same, nobody
/// but the caller's own arguments decides a byte. File contents are shared, not copied.
package struct CpioArchive: Sendable {
  /// Changes whenever the same entries would give other bytes.
  package static let formatVersion = 1
  /// The modification time of everything, in seconds since 1970.
  package let timestamp: UInt32
  private var rope = ByteRope()
  private var inode: UInt32 = 0
  /// Every path so far; `true` for directories. The kernel silently drops what has no directory.
  private var isDirectory: [[UInt8]: Bool] = [[]: true]

  private static let headerSize = 110
  private static let trailer = "TRAILER!!!"

  package init(timestamp: UInt32 = 0) {
    self.timestamp = timestamp
  }

  /// Adds a directory.
  /// - Throws: `invalidEntry`, `duplicate`, `missingParent`.
  package mutating func directory(
    _ path: String, permissions: UInt16 = 0o755, owner: UInt32 = 0, group: UInt32 = 0
  ) throws(ImageFormatError) {
    var header = Header(mode: 0o040000, permissions: permissions, owner: owner, group: group)
    header.links = 2
    try append(path, header, ByteRope())
  }

  /// Adds a regular file.
  /// - Throws: `invalidEntry`, `duplicate`, `missingParent`; `tooLarge` from 4 GiB on.
  package mutating func file(
    _ path: String, contents: ByteRope, permissions: UInt16 = 0o644, owner: UInt32 = 0, group: UInt32 = 0
  ) throws(ImageFormatError) {
    let header = Header(mode: 0o100000, permissions: permissions, owner: owner, group: group)
    try append(path, header, contents)
  }

  /// Adds a symbolic link to `target`, 1 to 4095 bytes without NUL.
  /// - Throws: `invalidEntry`, `duplicate`, `missingParent`.
  package mutating func symlink(_ path: String, target: String) throws(ImageFormatError) {
    let bytes = [UInt8](target.utf8)
    guard !bytes.isEmpty, bytes.count <= ImagePath.maximumLength, !bytes.contains(0) else {
      throw ImageFormatError(
        .invalidEntry, "the symbolic link \(path) needs a target of 1 to 4095 bytes without NUL")
    }
    try append(path, Header(mode: 0o120000, permissions: 0o777), ByteRope(bytes))
  }

  /// Adds a character device, such as `dev/console` (5, 1).
  /// - Throws: `invalidEntry`, `duplicate`, `missingParent`.
  package mutating func characterDevice(
    _ path: String, major: UInt32, minor: UInt32, permissions: UInt16 = 0o600
  ) throws(ImageFormatError) {
    var header = Header(mode: 0o020000, permissions: permissions)
    header.major = major
    header.minor = minor
    try append(path, header, ByteRope())
  }

  /// The archive with its trailer, a multiple of 4 bytes: another archive may follow it.
  package consuming func finish() -> ByteRope {
    var header = Header(mode: 0, permissions: 0)
    header.inode = 0
    rope.append(header.encoded(name: Array(Self.trailer.utf8), time: 0, size: 0))
    return rope
  }

  private mutating func append(
    _ path: String, _ fields: Header, _ contents: ByteRope
  ) throws(ImageFormatError) {
    let key = try ImagePath.key(of: path)
    guard !key.isEmpty, path != Self.trailer else {
      throw ImageFormatError(.invalidEntry, "\"\(path)\" cannot be a name in an initrd: choose another")
    }
    guard fields.mode & 0o7777 == fields.permissions else {
      throw ImageFormatError(.invalidEntry, "\(path) has a mode beyond 7777: only permission bits fit")
    }
    guard isDirectory[key] == nil else {
      throw ImageFormatError(.duplicate, "\(path) is in the initrd twice: add it once")
    }
    guard isDirectory[Array(key[..<(key.lastIndex(of: 0) ?? 0)])] == true else {
      throw ImageFormatError(.missingParent, "\(path) has no directory in the initrd: add that one first")
    }
    guard let size = UInt32(exactly: contents.count) else {
      throw ImageFormatError(
        .tooLarge, "\(path) has \(contents.count) bytes: an initrd's files stay below 4 GiB")
    }
    isDirectory[key] = fields.mode & 0o170000 == 0o040000
    inode &+= 1
    var header = fields
    header.inode = inode
    rope.append(header.encoded(name: Array(path.utf8), time: timestamp, size: size))
    rope.append(contents)
    rope.align(to: 4)
  }

  /// The fields of an entry's header that differ between entries.
  private struct Header {
    var inode: UInt32 = 0
    var mode: UInt32
    let permissions: UInt32
    let owner: UInt32
    let group: UInt32
    var links: UInt32 = 1
    var major: UInt32 = 0
    var minor: UInt32 = 0

    init(mode: UInt32, permissions: UInt16, owner: UInt32 = 0, group: UInt32 = 0) {
      self.mode = mode | UInt32(permissions & 0o7777)
      self.permissions = UInt32(permissions)
      self.owner = owner
      self.group = group
    }

    /// Magic, thirteen numbers of eight digits, the name with its NUL, padded to 4 bytes.
    func encoded(name: [UInt8], time: UInt32, size: UInt32) -> [UInt8] {
      let fields = [
        inode, mode, owner, group, links, time, size, 0, 0, major, minor, UInt32(name.count + 1), 0,
      ]
      var bytes = [UInt8]("070701".utf8)
      for field in fields {
        bytes += Hex.encode((0..<4).map { UInt8(truncatingIfNeeded: field >> UInt32(24 - 8 * $0)) }).utf8
      }
      bytes += name
      let length = CpioArchive.headerSize + name.count + 1
      return bytes + [UInt8](repeating: 0, count: aligned(length, to: 4) - length + 1)
    }
  }
}
