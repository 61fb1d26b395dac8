internal import Bytes

/// Reads a repository's metadata from its directory and checks them, from the root down.
struct RepositoryLoader {
  let directory: RepositoryDirectory
  let limits: UpdateLimits
  private var snapshot: SnapshotRole?
  private var superseded: Set<ExactString> = []
  private var targets: [ExactString: Metadata<TargetsRole>] = [:]

  init(directory: RepositoryDirectory, limits: UpdateLimits) {
    self.directory = directory
    self.limits = limits
  }

  mutating func load() throws(UpdateError) -> Repository? {
    let roots = try loadRoots()
    guard let root = roots.last else { return nil }
    let timestamp = try loadTimestamp(roots)
    let snapshot = try loadSnapshot(timestamp, roots)
    self.snapshot = snapshot?.signed
    guard let role = root.signed.roles["targets"] else { preconditionFailure("a root has the four roles") }
    try load("targets", role, root.signed.keys, delegator: "root")
    return Repository(
      root: root, timestamp: superseded.contains("timestamp") ? nil : timestamp, snapshot: snapshot,
      targets: targets, superseded: superseded, directory: directory)
  }

  /// The chain of roots, from the one that is trusted to the newest; empty if there is none.
  func loadRoots() throws(UpdateError) -> [Metadata<RootRole>] {
    guard let first = try firstRoot() else { return [] }
    // Nothing is older than this, so nothing has expired.
    var set = try TrustedSet(root: first, startTime: UpdateTime(seconds: .min), limits: limits)
    var roots = [set.root]
    while true {
      let next = set.root.signed.header.version + 1
      guard let bytes = try directory.read("root", version: next, limit: limits.rootLength) else { break }
      try set.update(root: bytes)
      roots.append(set.root)
    }
    return roots
  }

  /// The root that is trusted, which must be one of the repository's; without one, the repository's first.
  private func firstRoot() throws(UpdateError) -> [UInt8]? {
    guard let trusted = directory.trustedRoot else {
      return try directory.read("root", version: 1, limit: limits.rootLength)
    }
    let metadata = try Metadata<RootRole>(trusted, role: "root", limit: limits.rootLength)
    let version = metadata.signed.header.version
    guard let there = try directory.read("root", version: version, limit: limits.rootLength) else {
      throw UpdateError(
        .rollback, role: "root", version: version,
        "it is trusted here, but missing in \(directory.path): that is an older state or another repository; restore it, "
          + "or name the root of the repository that you mean")
    }
    guard (try? Metadata<RootRole>(there, role: "root", limit: .max))?.signedBytes == metadata.signedBytes
    else {
      throw UpdateError(
        .threshold, role: "root", version: version,
        "\(directory.path) has another one than is trusted here: somebody changed it, or it is another repository; restore "
          + "it, or name the root of the repository that you mean")
    }
    return trusted
  }

  private mutating func loadTimestamp(_ roots: [Metadata<RootRole>]) throws(UpdateError)
    -> Metadata<TimestampRole>?
  {
    guard let bytes = try directory.read("timestamp", version: nil, limit: limits.timestampLength) else {
      // Clients have seen its versions, which must not begin again at 1.
      if let newest = try directory.versions(of: "snapshot").last, try !directory.isBeginning {
        throw UpdateError(
          .notAvailable, role: "timestamp",
          "timestamp.json is missing in \(directory.path)/metadata, though \(newest).snapshot.json is there; restore it "
            + "from a backup, a mirror or the trusted metadata of any client")
      }
      return nil
    }
    let found = try Metadata<TimestampRole>(bytes, role: "timestamp", limit: limits.timestampLength)
    try judge(found, "timestamp", roots)
    return found
  }

  private mutating func loadSnapshot(
    _ timestamp: Metadata<TimestampRole>?, _ roots: [Metadata<RootRole>]
  ) throws(UpdateError) -> Metadata<SnapshotRole>? {
    guard let file = timestamp?.signed.snapshot else { return nil }
    let isNamed = !superseded.contains("timestamp")
    do throws(UpdateError) {
      guard let bytes = try directory.read("snapshot", version: file.version, limit: limits.snapshotLength)
      else {
        throw UpdateError(
          .notAvailable, role: "snapshot", version: file.version,
          "the timestamp names it, but it is missing in \(directory.path)/metadata; restore it from a backup, a mirror or "
            + "the trusted metadata of any client")
      }
      try file.check(bytes, role: "snapshot")
      let found = try Metadata<SnapshotRole>(bytes, role: "snapshot", limit: limits.snapshotLength)
      guard found.signed.header.version == file.version else {
        throw UpdateError(
          .wrongVersion, role: "snapshot", version: found.signed.header.version,
          "its file is named after version \(file.version); put the right file back")
      }
      try judge(found, "snapshot", roots)
      return superseded.contains("snapshot") ? nil : found
    } catch {
      // Whoever has a revoked key may have written that timestamp: what it names need not be there.
      if isNamed { throw error }
      superseded.insert("snapshot")
      return nil
    }
  }

  /// After a root that replaced their keys, the timestamp and the snapshot are still those that an earlier
  /// root's keys signed, until they are made anew. They count for nothing.
  private mutating func judge<Content>(
    _ metadata: Metadata<Content>, _ name: ExactString, _ roots: [Metadata<RootRole>]
  ) throws(UpdateError) {
    var failure: UpdateError?
    for root in roots.reversed() {
      guard let role = root.signed.roles[name] else { continue }
      do throws(UpdateError) {
        try metadata.check(role, keys: root.signed.keys, name: name.text, delegator: "root")
        if failure != nil { superseded.insert(name) }
        return
      } catch {
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
  }

  /// Loads the newest version of a role that its delegator's keys have signed, and everything below it.
  private mutating func load(
    _ name: ExactString, _ role: RoleKeys, _ keys: [ExactString: VerificationKey], delegator: String
  ) throws(UpdateError) {
    if let known = targets[name] {
      return try known.check(role, keys: keys, name: name.text, delegator: delegator)
    }
    var version = try directory.firstVersion(of: name, in: snapshot)
    var newest = try read(name, version)
    if newest == nil, let file = snapshot?[role: name] {
      throw UpdateError(
        .notAvailable, role: name.text, version: file.version,
        "the snapshot names it, but it is missing in \(directory.path)/metadata; restore it from a backup or a mirror"
      )
    }
    while version < ObjectReader.largest, let next = try read(name, version + 1) {
      version += 1
      newest = next
    }
    // Delegated, but nothing published yet.
    guard let newest else { return }
    try newest.check(role, keys: keys, name: name.text, delegator: delegator)
    targets[name] = newest
    guard let delegations = newest.signed.delegations, case .listed(let roles) = delegations.roles else {
      return
    }
    for role in roles { try load(role.name, role.keys, delegations.keys, delegator: name.text) }
  }

  private func read(_ name: ExactString, _ version: Int) throws(UpdateError) -> Metadata<TargetsRole>? {
    guard version > 0, let bytes = try directory.read(name, version: version, limit: limits.targetsLength)
    else {
      return nil
    }
    if let file = snapshot?[role: name], file.version == version { try file.check(bytes, role: name.text) }
    let metadata = try Metadata<TargetsRole>(bytes, role: name.text, limit: limits.targetsLength)
    guard metadata.signed.header.version == version else {
      throw UpdateError(
        .wrongVersion, role: name.text, version: metadata.signed.header.version,
        "its file is named after version \(version); put the right file back")
    }
    return metadata
  }
}
