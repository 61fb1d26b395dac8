internal import Glibc

/// The few calls on paths that the store makes.
enum FileSystem {
  /// `nil` where there is no such file, or it cannot be looked at.
  static func status(_ path: String) -> FileStatus? {
    var raw = stat()
    guard lstat(path, &raw) == 0 else { return nil }
    return FileStatus(raw)
  }

  /// Whether the path leads to a directory, through symbolic links too.
  static func isDirectory(_ path: String) -> Bool {
    var raw = stat()
    return stat(path, &raw) == 0 && FileStatus(raw).isDirectory
  }

  /// Creates a directory of mode 0755 and its parents; fine if it is there already, also as a symbolic link.
  static func makeDirectory(_ path: String) throws(StoreError) {
    var raw = stat()
    if stat(path, &raw) == 0 {
      guard FileStatus(raw).isDirectory else { throw .system("create", path, errno: ENOTDIR) }
      return
    }
    if mkdir(path, 0o755) != 0 {
      let failure = errno
      if failure == EEXIST { return }
      guard failure == ENOENT, let parent = parent(of: path) else {
        throw .system("create", path, errno: failure)
      }
      try makeDirectory(parent)
      guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw .system("create", path, errno: errno) }
    }
    chmod(path, 0o755)
  }

  /// The names inside a directory, sorted; none if it does not exist.
  static func names(in directory: String) throws(StoreError) -> [String] {
    guard let stream = opendir(directory) else {
      if errno == ENOENT { return [] }
      throw .system("read", directory, errno: errno)
    }
    defer { closedir(stream) }
    var names: [String] = []
    errno = 0
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
      errno = 0
    }
    guard errno == 0 else { throw .system("read", directory, errno: errno) }
    return names.sorted()
  }

  static func rename(_ from: String, _ to: String) throws(StoreError) {
    guard Glibc.rename(from, to) == 0 else { throw .system("write", to, errno: errno) }
  }

  /// Removes a file; `false` if it was not there.
  @discardableResult
  static func remove(_ path: String) throws(StoreError) -> Bool {
    if unlink(path) == 0 { return true }
    if errno == ENOENT { return false }
    throw .system("remove", path, errno: errno)
  }

  /// Notes that a file is in use now. Best effort: a reader of a foreign store may not.
  static func touch(_ path: String) {
    utimensat(AT_FDCWD, path, nil, 0)
  }

  /// Seconds since 1970, for ages of files and nothing else.
  static var now: Int { time(nil) }

  private static func parent(of path: String) -> String? {
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return nil }
    return String(path[..<slash])
  }
}
