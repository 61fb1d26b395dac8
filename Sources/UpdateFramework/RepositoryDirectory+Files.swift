internal import Bytes
internal import CPosixShim
internal import Glibc
internal import Synchronization

/// What lies in the directory, apart from what its files say.
extension RepositoryDirectory {
  /// Changes whenever a file comes, goes or is replaced.
  struct Stamp: Equatable {
    private let seconds: Int
    private let nanoseconds: Int

    fileprivate init(_ status: stat) {
      seconds = status.st_mtim.tv_sec
      nanoseconds = status.st_mtim.tv_nsec
    }
  }

  /// `nil` where there is no directory yet.
  var stamp: Stamp? {
    var status = stat()
    return stat(metadata, &status) == 0 ? Stamp(status) : nil
  }

  /// The versions of a role whose files are there, ascending, whatever is in them.
  func versions(of role: ExactString) throws(UpdateError) -> [Int] {
    let suffix = ".\(FileNames.escaped(role.text)).json"
    return try Self.names(in: metadata).compactMap { name in
      guard name.hasSuffix(suffix), let version = Int(name.dropLast(suffix.count)), version > 0,
        version <= ObjectReader.largest, name == "\(version)\(suffix)"
      else { return nil }
      return version
    }.sorted()
  }

  /// The version of a role from which on its files are read: what the snapshot says, or the first that is there; 0 for none.
  func firstVersion(of role: ExactString, in snapshot: SnapshotRole?) throws(UpdateError) -> Int {
    if let file = snapshot?[role: role] { return file.version }
    return try versions(of: role).first ?? 0
  }

  /// The names in a directory, in no order; none if it is not there.
  private static func names(in directory: String) throws(UpdateError) -> [String] {
    guard let stream = opendir(directory) else {
      if errno == ENOENT || errno == ENOTDIR { return [] }
      throw LocalMetadata.failed("read", directory)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      names.append(
        withUnsafePointer(to: &entry.pointee.d_name) { pointer in
          pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        })
    }
    return names
  }

  /// Removes what writers left there that were killed.
  /// - Parameter age: Leaves files that were written to within so many seconds, where writers may be at work.
  static func sweep(_ directory: String, olderThan age: Int?) {
    for name in (try? names(in: directory)) ?? [] where name.hasPrefix("%.") && name.hasSuffix(".part") {
      let path = "\(directory)/\(name)"
      if let age {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mtim.tv_sec < UpdateTime.now.seconds - age else {
          continue
        }
      }
      unlink(path)
    }
  }

  private static let swept = Mutex<Set<String>>([])

  /// Does the same for the directory of a file, once in a process. Files of targets are written without a lock, each
  /// within an hour.
  static func sweepOnce(above path: String) {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return }
    let directory = String(path[..<slash])
    guard swept.withLock({ $0.insert(directory).inserted }) else { return }
    sweep(directory, olderThan: 3600)
  }
}
