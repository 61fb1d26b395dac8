package import Bytes
internal import CPosixShim
internal import Glibc

/// A repository as static files: `metadata/` with every version of every role, and `targets/`, whose files
/// carry their digests in their names (consistent snapshots, specification 6.2). Any file server can serve
/// it.
package struct RepositoryDirectory: Sendable {
  package let path: String
  /// A root that is known to be right: everything else must follow from it. Without one, the first root that lies
  /// there is believed.
  package let trustedRoot: [UInt8]?
  /// What a client of this repository has trusted; no state that is older is published.
  package let seen: LocalMetadata?
  /// What is looked at as if it were merged already.
  var proposed: Proposal?

  package init(_ path: String, trustedRoot: [UInt8]? = nil, seen: LocalMetadata? = nil) {
    self.path = path
    self.trustedRoot = trustedRoot
    self.seen = seen
  }

  var metadata: String { "\(path)/metadata" }

  /// Where a version of a role is; the timestamp has no version in its name.
  func path(of role: ExactString, version: Int?) -> String {
    "\(metadata)/\(version.map { "\($0)." } ?? "")\(FileNames.escaped(role.text)).json"
  }

  /// The bytes of a version of a role; `nil` if it is not there. A merge that is not finished counts as done.
  func read(_ role: ExactString, version: Int?, limit: Int) throws(UpdateError) -> [UInt8]? {
    if let bytes = proposed?.bytes(of: role, version: version) { return bytes }
    let path = path(of: role, version: version)
    if let bytes = try AtomicFile.read(path, limit: limit) { return bytes }
    guard let version else { return nil }
    if let bytes = try unfinishedMerge()?.bytes(of: role, version: version) { return bytes }
    // Between the two looks, the merge may have been finished.
    return try AtomicFile.read(path, limit: limit)
  }

  /// Writes a version of a role.
  /// - Throws: `conflict` if that version is there with other bytes, which somebody may have seen.
  func write(_ bytes: [UInt8], role: ExactString, version: Int?) throws(UpdateError) {
    let path = path(of: role, version: version)
    if version != nil {
      switch try AtomicFile.read(path, limit: .max) {
      case nil: break
      case bytes?: return
      case _?: throw Self.taken(path)
      }
    }
    try AtomicFile.write(bytes, to: path)
  }

  static func taken(_ path: String) -> UpdateError {
    UpdateError(
      .conflict,
      "\(path) is there with other content, and a version never changes; find out whose it is, then remove it"
    )
  }

  /// Where the file of a target is.
  /// - Throws: `invalidName` for a path that is not plain: relative, without `.`, `..` and empty parts, of
  ///   characters that need no escaping in a URL.
  package func targetPath(_ target: String, _ file: TargetFile) throws(UpdateError) -> String {
    try Self.checkTargetPath(target)
    guard let digest = file.digests.fileNamePrefix else {
      throw UpdateError(.wrongDigest, "\(target) has no digest that can stand in its file name; add SHA-256")
    }
    return "\(path)/targets/\(FileNames.address(of: target, digest: digest))"
  }

  /// - Throws: `invalidName`.
  package static func checkTargetPath(_ target: String) throws(UpdateError) {
    let parts = target.slashSeparated(omittingEmpty: false)
    let isPlain =
      target.utf8.count <= 1024 && FileNames.address(of: target, digest: nil) == target
      && !target.contains("%")
      && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.count <= 180 }
    guard isPlain else {
      throw UpdateError(
        .invalidName,
        "\(UpdateError.printable(target)) cannot be a target's path: it must be relative, of letters, digits and "
          + "plain punctuation, in parts of at most 180 bytes")
    }
  }

  /// Adds a target's file, unless it is there. A file that is there is never replaced.
  /// - Throws: `wrongDigest` if the bytes are not what the metadata say, `invalidName`, `localStorage`.
  package func add(_ bytes: [UInt8], target: String, _ file: TargetFile) throws(UpdateError) {
    guard bytes.count == file.length, file.digests.fit(bytes) else {
      throw UpdateError(
        .wrongDigest, "\(target) is not the file that its metadata describe; describe it anew")
    }
    let path = try targetPath(target, file)
    if AtomicFile.fits(path, length: file.length, digests: file.digests) { return }
    try Self.makeDirectories(of: path)
    Self.sweepOnce(above: path)
    try AtomicFile.write(bytes, to: path)
  }

  /// Gives a target's file a second path.
  /// - Throws: `notAvailable` if it is not there, or what ``add(_:target:_:)`` throws.
  package func copyTarget(
    _ source: String, _ sourceFile: TargetFile, to target: String, _ file: TargetFile
  ) throws(UpdateError) {
    let place = try targetPath(source, sourceFile)
    guard let bytes = try AtomicFile.read(place, limit: sourceFile.length) else {
      throw UpdateError(.notAvailable, "\(place) is missing; publish it again")
    }
    try add(bytes, target: target, file)
  }

  /// Adds a file that is named by its content, below the repository's directory, unless one of the same bytes
  /// is there.
  /// - Parameter replaces: Whether the name is not the content's, so that other bytes may take the place of
  ///   those there.
  /// - Returns: Whether it was written.
  /// - Throws: `conflict` if other bytes have the name, `localStorage`.
  package func addObject(_ bytes: [UInt8], at name: String, replaces: Bool = false) throws(UpdateError)
    -> Bool
  {
    let place = "\(path)/\(name)"
    if let found = try AtomicFile.read(place, limit: .max) {
      if found == bytes { return false }
      guard replaces else {
        throw UpdateError(.conflict, "\(place) has other bytes than it should; it is damaged, remove it")
      }
    }
    try Self.makeDirectories(of: place)
    Self.sweepOnce(above: place)
    try AtomicFile.write(bytes, to: place)
    return true
  }

  /// Adds a file that is named by its content by giving one that lies elsewhere a second name. Whoever has looked at its
  /// bytes vouches that nobody writes to it.
  /// - Returns: Whether it was added; `false` if something is there already, or the two places are on different disks.
  package func addObject(linking source: String, at name: String) throws(UpdateError) -> Bool {
    let place = "\(path)/\(name)"
    try Self.makeDirectories(of: place)
    let status = linkat(AT_FDCWD, source, AT_FDCWD, place, AT_SYMLINK_FOLLOW)
    guard status != 0 else {
      AtomicFile.synchronizeDirectory(of: place)
      return true
    }
    if errno == EEXIST || errno == EXDEV || errno == EPERM || errno == EMLINK || errno == EOPNOTSUPP {
      return false
    }
    throw LocalMetadata.failed("create", place)
  }

  /// Whether a file of that many bytes lies there. Nobody looks at them.
  package func hasObject(at name: String, size: Int) -> Bool {
    var status = stat()
    return lstat("\(path)/\(name)", &status) == 0 && status.st_mode & S_IFMT == S_IFREG
      && status.st_size == size
  }

  /// The bytes of a file below the repository's directory that no metadata list; `nil` if there is none.
  /// - Throws: `tooLarge` beyond `limit`, `localStorage`.
  package func readObject(at name: String, limit: Int) throws(UpdateError) -> [UInt8]? {
    try AtomicFile.read("\(path)/\(name)", limit: limit)
  }

  /// The bytes of a target's file at a path from ``targetPath(_:_:)``; `nil` if it is not there, or not what its metadata
  /// say.
  /// - Throws: `localStorage`.
  package func readTarget(at place: String, _ file: TargetFile) throws(UpdateError) -> [UInt8]? {
    guard let bytes = try AtomicFile.read(place, limit: file.length), bytes.count == file.length,
      file.digests.fit(bytes)
    else { return nil }
    return bytes
  }

  /// A version of targets metadata as it lies there, not verified; `nil` if there is none.
  package func targets(
    _ role: ExactString, version: Int, limits: UpdateLimits = UpdateLimits()
  ) throws(UpdateError) -> Metadata<TargetsRole>? {
    guard let bytes = try read(role, version: version, limit: limits.targetsLength) else { return nil }
    return try Metadata(bytes, role: role.text, limit: limits.targetsLength)
  }

  /// Creates the directories above a path.
  static func makeDirectories(of path: String) throws(UpdateError) {
    var directory = path.hasPrefix("/") ? "" : "."
    for part in path.slashSeparated().dropLast() {
      directory += "/\(part)"
      guard mkdir(directory, 0o755) == 0 || errno == EEXIST else {
        throw LocalMetadata.failed("create", directory)
      }
    }
  }

  /// Keeps other publishers out while this one changes the repository, and does what one that was killed left to do. One
  /// that is at work is waited for: it needs a moment, unless it hangs.
  /// - Throws: `conflict` after ten seconds, `localStorage`.
  func lock() throws(UpdateError) -> LocalMetadata.Lock {
    try Self.makeDirectories(of: "\(metadata)/x")
    for _ in 0..<500 {
      let lock: LocalMetadata.Lock
      do throws(UpdateError) {
        lock = try LocalMetadata(directory: metadata).lock()
      } catch {
        guard error.code == .conflict else { throw error }
        usleep(20_000)
        continue
      }
      do throws(UpdateError) {
        // Whoever writes metadata has the lock, so nobody is at work on these.
        Self.sweep(metadata, olderThan: nil)
        try finishMerge()
        return lock
      } catch {
        lock.release()
        throw error
      }
    }
    throw UpdateError(
      .conflict, "somebody else has been changing \(path) for ten seconds; try again when it is done")
  }
}
