internal import CPosixShim
internal import Glibc

/// What `stat` says about a file, as far as the store cares.
struct FileStatus: Equatable {
  let device: UInt64
  let inode: UInt64
  let size: Int
  /// Last modification in seconds since 1970: the store's note of an entry's last use.
  let modified: Int
  /// The user that the file belongs to.
  let owner: UInt32
  let isRegular: Bool
  let isDirectory: Bool

  init(_ raw: stat) {
    device = UInt64(raw.st_dev)
    inode = UInt64(raw.st_ino)
    size = Int(raw.st_size)
    modified = Int(raw.st_mtim.tv_sec)
    owner = raw.st_uid
    isRegular = raw.st_mode & S_IFMT == S_IFREG
    isDirectory = raw.st_mode & S_IFMT == S_IFDIR
  }

  /// Whether nobody but root could have made the file in the name of whoever runs this program.
  var isTrusted: Bool { owner == 0 || owner == geteuid() }

  func isSameFile(as other: FileStatus) -> Bool {
    device == other.device && inode == other.inode
  }
}

/// An open file that closes itself; every failure is a `StoreError` that names the path.
struct OpenFile: ~Copyable {
  let path: String
  let descriptor: Int32

  /// Opens without following a symbolic link and without waiting for a FIFO's other end.
  init(_ path: String, _ flags: Int32, action: String) throws(StoreError) {
    self.path = path
    var result: Int32
    repeat {
      result = netimg_open(path, flags | O_NOFOLLOW | O_NONBLOCK, 0o644)
    } while result < 0 && errno == EINTR
    guard result >= 0 else { throw .system(action, path, errno: errno) }
    descriptor = result
  }

  deinit { close(descriptor) }

  func status() throws(StoreError) -> FileStatus {
    var raw = stat()
    guard fstat(descriptor, &raw) == 0 else { throw .system("read", path, errno: errno) }
    return FileStatus(raw)
  }

  /// Writes the whole buffer at `offset`.
  func write(_ buffer: UnsafeRawBufferPointer, at offset: Int) throws(StoreError) {
    var done = 0
    while done < buffer.count {
      let rest = UnsafeRawBufferPointer(rebasing: buffer[done...])
      let count = pwrite(descriptor, rest.baseAddress, rest.count, offset + done)
      if count < 0 {
        if errno == EINTR { continue }
        throw .system("write", path, errno: errno)
      }
      done += count
    }
  }

  /// Reads from `offset` until the buffer is full or the file ends; gives the count.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(StoreError) -> Int {
    var done = 0
    while done < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = pread(descriptor, rest.baseAddress, rest.count, offset + done)
      if count < 0 {
        if errno == EINTR { continue }
        throw .system("read", path, errno: errno)
      }
      if count == 0 { break }
      done += count
    }
    return done
  }

  func truncate(to size: Int) throws(StoreError) {
    guard ftruncate(descriptor, size) == 0 else { throw .system("write", path, errno: errno) }
  }

  /// Waits until the data are on the disk: a delayed allocation may report a full disk only here.
  func synchronize() throws(StoreError) {
    guard fdatasync(descriptor) == 0 else { throw .system("write", path, errno: errno) }
  }

  /// Makes the file 0644 whatever the umask is, so that other users of a shared store can read it.
  func makeReadable() throws(StoreError) {
    guard fchmod(descriptor, 0o644) == 0 else { throw .system("write", path, errno: errno) }
  }

  /// Takes the file's lock (flock, which the kernel drops with the last descriptor). `false`: another has it.
  func lock(waiting: Bool) throws(StoreError) -> Bool {
    while flock(descriptor, waiting ? LOCK_EX : LOCK_EX | LOCK_NB) != 0 {
      if errno == EWOULDBLOCK { return false }
      if errno != EINTR { throw .system("lock", path, errno: errno) }
    }
    return true
  }

  /// Waits for the file's lock, shared or exclusive.
  func lockGate(isExclusive: Bool) throws(StoreError) {
    while flock(descriptor, isExclusive ? LOCK_EX : LOCK_SH) != 0 {
      if errno != EINTR { throw .system("lock", path, errno: errno) }
    }
  }
}
