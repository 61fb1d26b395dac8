package import Bytes

/// The state of a repository, every signature checked: what a publisher starts from. Metadata that have
/// expired are loaded all the same, for they are there to be renewed.
package struct Repository: Sendable {
  package let root: Metadata<RootRole>
  package let timestamp: Metadata<TimestampRole>?
  package let snapshot: Metadata<SnapshotRole>?
  /// The newest version of every targets role that can be reached from the root: merged, if perhaps not yet
  /// part of a snapshot.
  package let targets: [ExactString: Metadata<TargetsRole>]

  /// A state that was verified elsewhere.
  package init(
    root: Metadata<RootRole>, timestamp: Metadata<TimestampRole>?, snapshot: Metadata<SnapshotRole>?,
    targets: [ExactString: Metadata<TargetsRole>]
  ) {
    self.root = root
    self.timestamp = timestamp
    self.snapshot = snapshot
    self.targets = targets
  }

  /// Reads a repository, after a merge that was broken off is finished.
  /// - Parameter trustedRoot: A root that is known to be right; without one, the first root of the repository
  ///   is believed.
  /// - Returns: `nil` if there is no root at all.
  /// - Throws: ``UpdateError``, which names the role whose metadata are wrong.
  package static func load(
    _ directory: RepositoryDirectory, trustedRoot: [UInt8]? = nil, limits: UpdateLimits = UpdateLimits()
  ) throws(UpdateError) -> Repository? {
    try directory.recover()
    return try read(directory, trustedRoot: trustedRoot, limits: limits)
  }

  /// Reads what is there.
  static func read(
    _ directory: RepositoryDirectory, trustedRoot: [UInt8]? = nil, limits: UpdateLimits
  ) throws(UpdateError) -> Repository? {
    var first = trustedRoot
    if first == nil { first = try directory.read("root", version: 1, limit: limits.rootLength) }
    guard let first else { return nil }
    // Nothing is older than this, so nothing has expired.
    var set = try TrustedSet(root: first, startTime: UpdateTime(seconds: .min), limits: limits)
    var roots = [set.root]
    while true {
      let next = set.root.signed.header.version + 1
      guard let bytes = try directory.read("root", version: next, limit: limits.rootLength) else { break }
      try set.update(root: bytes)
      roots.append(set.root)
    }
    let root = set.root
    var timestamp: Metadata<TimestampRole>?
    var snapshot: Metadata<SnapshotRole>?
    if let bytes = try directory.read("timestamp", version: nil, limit: limits.timestampLength) {
      let found = try Metadata<TimestampRole>(bytes, role: "timestamp", limit: limits.timestampLength)
      try check(found, "timestamp", roots)
      timestamp = found
      let version = found.signed.snapshot.version
      if let bytes = try directory.read("snapshot", version: version, limit: limits.snapshotLength) {
        try found.signed.snapshot.check(bytes, role: "snapshot")
        let found = try Metadata<SnapshotRole>(bytes, role: "snapshot", limit: limits.snapshotLength)
        try check(found, "snapshot", roots)
        snapshot = found
      }
    }
    var loader = TargetsLoader(directory: directory, limits: limits, snapshot: snapshot?.signed)
    guard let role = root.signed.roles["targets"] else { preconditionFailure("a root has the four roles") }
    try loader.load("targets", role, root.signed.keys, delegator: "root")
    return Repository(root: root, timestamp: timestamp, snapshot: snapshot, targets: loader.found)
  }

  /// After a root that replaced their keys, the timestamp and the snapshot are still those that an earlier
  /// root's keys signed, until they are made anew.
  private static func check<Content>(
    _ metadata: Metadata<Content>, _ name: ExactString, _ roots: [Metadata<RootRole>]
  ) throws(UpdateError) {
    var failure: UpdateError?
    for root in roots.reversed() {
      guard let role = root.signed.roles[name] else { continue }
      do throws(UpdateError) {
        return try metadata.check(role, keys: root.signed.keys, name: name.text, delegator: "root")
      } catch {
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
  }

  /// Who may sign for a role: the keys that the newest metadata of its delegators name. A role that several
  /// roles delegate to has several answers.
  package func delegations(to role: ExactString) -> [Delegation] {
    if let keys = root.signed.roles[role] {
      return [Delegation(delegator: "root", role: keys, keys: root.signed.keys)]
    }
    return targets.keys.sorted().compactMap { name in
      guard let delegations = targets[name]?.signed.delegations else { return nil }
      return delegations.roleKeys(of: role).map {
        Delegation(delegator: name, role: $0, keys: delegations.keys)
      }
    }
  }
}

/// Who names whose keys.
package struct Delegation: Sendable {
  package let delegator: ExactString
  package let role: RoleKeys
  package let keys: [ExactString: VerificationKey]
}

/// Walks the delegations of a repository on disk.
private struct TargetsLoader {
  let directory: RepositoryDirectory
  let limits: UpdateLimits
  let snapshot: SnapshotRole?
  var found: [ExactString: Metadata<TargetsRole>] = [:]

  /// Loads the newest version of a role that its delegator's keys have signed, and everything below it.
  mutating func load(
    _ name: ExactString, _ role: RoleKeys, _ keys: [ExactString: VerificationKey], delegator: String
  ) throws(UpdateError) {
    if let known = found[name] {
      return try known.check(role, keys: keys, name: name.text, delegator: delegator)
    }
    var version = snapshot?[role: name]?.version ?? 0
    var newest = try read(name, version)
    while let next = try read(name, version + 1) {
      version += 1
      newest = next
    }
    // Delegated, but nothing published yet.
    guard let newest else { return }
    try newest.check(role, keys: keys, name: name.text, delegator: delegator)
    found[name] = newest
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
