internal import CPosixShim
internal import FoundationEssentials
internal import Glibc
internal import Manifest
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

/// The directory where a server keeps what must outlast it; one process at a time in each role.
struct StateDirectory: ~Copyable {
  let path: String
  private let locks: [Int32]

  /// Makes the directory if it is not there, readable by its owner's group at most, and takes its roles.
  init(_ path: String, roles: Set<ServerRole>) throws {
    self.path = path
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
    } catch {
      throw ServerError(
        .system,
        "cannot make the state directory \(path): is its parent yours to write? name another with --state")
    }
    var locks: [Int32] = []
    do {
      for role in ServerRole.allCases where roles.contains(role) {
        locks.append(try Self.lock(path, role, roles))
      }
    } catch {
      for lock in locks { Self.unlock(lock) }
      throw error
    }
    self.locks = locks
  }

  deinit {
    for lock in locks { Self.unlock(lock) }
  }

  private static func lockFile(_ path: String, _ role: ServerRole) -> String {
    "\(path)/serve-\(role.rawValue).lock"
  }

  /// Takes a role, and leaves a note in its file of which others the process has.
  private static func lock(_ path: String, _ role: ServerRole, _ roles: Set<ServerRole>) throws -> Int32 {
    let file = netimg_open(lockFile(path, role), O_RDWR | O_CREAT | O_NOFOLLOW, 0o640)
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
        "another netimg serve uses the state directory \(path) in the role \(role.rawValue): stop it, give this one another role, or name another directory with --state"
      )
    }
    let note = Array(roles.map { "\($0.rawValue)\n" }.sorted().joined().utf8)
    ftruncate(file, 0)
    _ = pwrite(file, note, note.count, 0)
    return file
  }

  private static func unlock(_ file: Int32) {
    flock(file, LOCK_UN)
    close(file)
  }
}

/// Where things are in a state directory.
extension StateDirectory {
  /// What the role control has verified of the repository, as a repository of metadata that the role boot reads.
  static func verified(_ state: String) -> String { "\(state)/verified" }

  /// What the role boot keeps for itself where it runs apart.
  static func boot(_ state: String) -> String { "\(state)/boot" }

  /// The metadata that boot decisions go by, or that the role control does.
  static func trust(_ state: String, isBootApart: Bool) -> String {
    isBootApart ? "\(boot(state))/trust" : "\(state)/trust"
  }

  /// Whether the process that boots devices, or did last, has that role alone.
  static func isBootApart(_ state: String) -> Bool {
    let note = FileManager.default.contents(atPath: lockFile(state, .boot)) ?? Data()
    return note == Data("\(ServerRole.boot.rawValue)\n".utf8)
  }
}
