internal import CPosixShim
internal import FoundationEssentials
internal import Glibc
internal import ServerCore

/// As many open files as this process may have: connections and transfers take one each.
enum OpenFiles {
  static func allowMost() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}

/// The directory where a server keeps what must outlast it; one server at a time.
struct StateDirectory: ~Copyable {
  let path: String
  private let lock: Int32

  /// Makes the directory if it is not there, readable by its owner's group at most, and takes it.
  init(_ path: String) throws {
    self.path = path
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
    } catch {
      throw ServerError(
        .system,
        "cannot make the state directory \(path): is its parent yours to write? name another with --state")
    }
    let file = netimg_open("\(path)/serve.lock", O_RDWR | O_CREAT, 0o640)
    guard file >= 0 else {
      throw ServerError(
        .system,
        "cannot write in the state directory \(path): \(String(cString: strerror(errno))); name another with --state"
      )
    }
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
      close(file)
      throw ServerError(
        .alreadyRunning,
        "another netimg serve uses the state directory \(path): stop it, or name another with --state")
    }
    lock = file
  }

  deinit {
    flock(lock, LOCK_UN)
    close(lock)
  }
}
