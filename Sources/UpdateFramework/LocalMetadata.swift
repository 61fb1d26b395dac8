internal import CPosixShim
internal import Glibc

/// A directory with what a client trusted last: `root.json`, `timestamp.json`, `snapshot.json`,
/// `targets.json` and a file for each delegated role, byte for byte as they came. Everything is checked anew
/// when it is read.
package struct LocalMetadata: Sendable {
  package let directory: String

  package init(directory: String) { self.directory = directory }

  /// Where a role's file is.
  package func path(of role: String) -> String { "\(directory)/\(FileNames.local(role)).json" }

  // The version of a root whose coming makes the timestamp and the snapshot void; see `replaceRoot`.
  private var voidingPath: String { "\(directory)/%voiding-root" }

  /// What becomes of what was trusted before, when a root is given.
  package enum Beginning: Sendable, Hashable {
    /// It stays, and guards against older versions; perhaps there was nothing.
    case goesOn
    /// The root has nothing to do with the one that was trusted: it is forgotten.
    case anew
  }

  /// Creates the directory, mode 0755, and takes the root as trusted from now on. If it vouches for the root that was
  /// trusted until now, that one stays; what else was trusted is forgotten only if neither vouches for the other.
  /// - Throws: `malformed` or `threshold` if the root is not a valid one, `localStorage`.
  @discardableResult
  package func initialize(
    root bytes: [UInt8], limits: UpdateLimits = UpdateLimits()
  ) throws(UpdateError) -> Beginning {
    let new = try TrustedSet(root: bytes, startTime: limits.startTime, limits: limits).root
    guard mkdir(directory, 0o755) == 0 || errno == EEXIST else { throw Self.failed("create", directory) }
    let lock = try lock()
    defer { lock.release() }
    guard let present = read("root", limit: limits.rootLength),
      let old = try? Metadata<RootRole>(present, role: "root", limit: limits.rootLength)
    else {
      // Whatever else is there counts only if the root's keys have signed it.
      try write(bytes, role: "root")
      return .goesOn
    }
    let (version, before) = (new.signed.header.version, old.signed.header.version)
    if present == bytes || version < before && Self.vouches(new.signed, for: old) { return .goesOn }
    let isNext = version > before && Self.vouches(old.signed, for: new)
    // The root first: until the rest is gone, it counts only if that root's keys have signed it.
    try write(bytes, role: "root")
    if isNext { return .goesOn }
    for role in ["timestamp", "snapshot", "targets"] { try remove(role) }
    return .anew
  }

  private static func vouches(_ root: RootRole, for other: Metadata<RootRole>) -> Bool {
    root.roles["root"].map { other.tally($0, keys: root.keys).isMet } ?? false
  }

  /// When the trusted root was made, if it says for how long it is good: no clock of today is right that says less.
  package var earliestTime: UpdateTime? {
    let limits = UpdateLimits()
    guard let bytes = read("root", limit: limits.rootLength),
      let root = try? Metadata<RootRole>(bytes, role: "root", limit: limits.rootLength).signed,
      let lifetime = root.roles["root"]?.lifetime
    else { return nil }
    return root.header.expires.advanced(by: -lifetime)
  }

  /// The same, with the root in a file.
  @discardableResult
  package func initialize(
    rootFile path: String, limits: UpdateLimits = UpdateLimits()
  ) throws(UpdateError) -> Beginning {
    guard let bytes = try AtomicFile.read(path, limit: limits.rootLength) else {
      throw UpdateError(
        .noRoot, role: "root", "there is no file \(path); name the root metadata that you were given")
    }
    return try initialize(root: bytes, limits: limits)
  }

  /// The file of a role; `nil` if there is none, or none that can be used.
  func read(_ role: String, limit: Int) -> [UInt8]? {
    (try? AtomicFile.read(path(of: role), limit: limit)) ?? nil
  }

  /// The bytes of what was trusted last of a role; `nil` if there is nothing.
  package func trusted(_ role: String, limit: Int) -> [UInt8]? { read(role, limit: limit) }

  /// The trusted root.
  /// - Throws: `noRoot`.
  package func readRoot(limit: Int) throws(UpdateError) -> [UInt8] {
    guard let bytes = try AtomicFile.read(path(of: "root"), limit: limit) else {
      throw UpdateError(
        .noRoot, role: "root",
        "there is no trusted root in \(directory); begin with init and the root you were given")
    }
    return bytes
  }

  func write(_ bytes: [UInt8], role: String) throws(UpdateError) {
    try AtomicFile.write(bytes, to: path(of: role))
  }

  func remove(_ role: String) throws(UpdateError) {
    guard unlink(path(of: role)) == 0 || errno == ENOENT else { throw Self.failed("remove", path(of: role)) }
  }

  /// Writes a new root and, if it revoked keys of the timestamp or the snapshot, removes these. A note comes
  /// first, so that an interruption at any point leaves both undone, or both to be done by
  /// ``finishReplacement(rootVersion:)``.
  func replaceRoot(_ bytes: [UInt8], version: Int, voidsOthers: Bool) throws(UpdateError) {
    guard voidsOthers else { return try write(bytes, role: "root") }
    try AtomicFile.write(Array("\(version)\n".utf8), to: voidingPath)
    try write(bytes, role: "root")
    try finishReplacement(rootVersion: version)
  }

  /// Does what an interrupted ``replaceRoot(_:version:voidsOthers:)`` left to do.
  func finishReplacement(rootVersion: Int) throws(UpdateError) {
    guard let note = try AtomicFile.read(voidingPath, limit: 32) else { return }
    let text = String(decoding: note, as: UTF8.self)
    if let version = Int(text.prefix { $0.isNumber }), version <= rootVersion {
      try remove("timestamp")
      try remove("snapshot")
    }
    guard unlink(voidingPath) == 0 || errno == ENOENT else { throw Self.failed("remove", voidingPath) }
  }

  static func failed(_ action: String, _ path: String) -> UpdateError {
    let reason = errno
    let next = reason == ENOSPC || reason == EDQUOT ? "make room" : "check the path and its permissions"
    return UpdateError(
      .localStorage, "cannot \(action) \(path): \(String(cString: strerror(reason))); \(next)")
  }

  /// A lock that lasts until it is released or the process ends.
  struct Lock {
    fileprivate let file: Int32
    func release() {
      // A child process between fork and exec shares the open file: closing alone would leave it locked.
      flock(file, LOCK_UN)
      close(file)
    }
  }

  /// Keeps other clients out: two that wrote in turn could undo each other's protection against old versions.
  /// - Throws: `conflict` if another one is at work, `localStorage`.
  func lock() throws(UpdateError) -> Lock {
    let path = "\(directory)/%lock"
    let file = netimg_open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o644)
    guard file >= 0 else { throw Self.failed("create", path) }
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
      close(file)
      throw UpdateError(.conflict, "another client is updating \(directory); try again when it is done")
    }
    return Lock(file: file)
  }
}
