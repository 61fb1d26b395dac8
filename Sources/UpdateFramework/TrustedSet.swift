package import Bytes

/// What a client trusts during one update, and the only way to add to it: every rule of the specification's
/// client workflow (section 5) that is about content. It does no input or output.
package struct TrustedSet: Sendable {
  /// The time at which the update began; everything is judged by it (5.1).
  package let startTime: UpdateTime
  package private(set) var root: Metadata<RootRole>
  package private(set) var timestamp: Metadata<TimestampRole>?
  package private(set) var snapshot: Metadata<SnapshotRole>?
  private var targets: [ExactString: Metadata<TargetsRole>] = [:]
  private let limits: UpdateLimits

  /// Begins with a root that is trusted for reasons of its own: it came with the image (5.2). It may have
  /// expired.
  /// - Throws: `malformed`, `threshold` if it is not signed as it demands itself.
  package init(root bytes: [UInt8], startTime: UpdateTime, limits: UpdateLimits) throws(UpdateError) {
    self.startTime = startTime
    self.limits = limits
    root = try Metadata(bytes, role: "root", limit: limits.rootLength)
    try check(root, name: "root", by: root)
  }

  /// The next root (5.3.4 to 5.3.7): signed as the trusted one and as itself demands, exactly one version on.
  package mutating func update(root bytes: [UInt8]) throws(UpdateError) {
    let new = try Metadata<RootRole>(bytes, role: "root", limit: limits.rootLength)
    try check(new, name: "root", by: root)
    try check(new, name: "root", by: new)
    let (trusted, version) = (root.signed.header.version, new.signed.header.version)
    guard version == trusted + 1 else {
      throw UpdateError(
        version <= trusted ? .rollback : .wrongVersion, role: "root", version: version,
        "the root after version \(trusted) must have version \(trusted + 1)",
        remedy: "the mirror lies, use another")
    }
    root = new
  }

  /// Whether a new root took away keys of the timestamp or the snapshot role: what was trusted of these roles
  /// is then forgotten, which ends a fast-forward attack (5.3.11).
  package static func revokes(_ new: RootRole, keysOf old: RootRole) -> Bool {
    ["timestamp", "snapshot"].contains { (name: ExactString) in
      let before = Set((old.roles[name]?.keyIDs ?? []).compactMap { old.keys[$0]?.identity })
      let after = Set((new.roles[name]?.keyIDs ?? []).compactMap { new.keys[$0]?.identity })
      return !before.isSubset(of: after)
    }
  }

  /// The final root must not have expired (5.3.10).
  package func checkRootExpiry() throws(UpdateError) {
    try checkExpiry(root.signed.header, name: "root")
  }

  /// A timestamp from the local disk: what it says only guards against older ones, so it may have expired.
  /// One that the keys of today's root did not sign is ignored (5.3.11).
  package mutating func load(localTimestamp bytes: [UInt8]) {
    guard let local = try? Metadata<TimestampRole>(bytes, role: "timestamp", limit: limits.timestampLength),
      (try? check(local, name: "timestamp", by: root)) != nil
    else { return }
    timestamp = local
  }

  /// A timestamp from a server (5.4).
  /// - Returns: `false` if the trusted one has this version already, which is then kept.
  package mutating func update(timestamp bytes: [UInt8]) throws(UpdateError) -> Bool {
    let new = try Metadata<TimestampRole>(bytes, role: "timestamp", limit: limits.timestampLength)
    try check(new, name: "timestamp", by: root)
    let version = new.signed.header.version
    if let trusted = timestamp {
      let trustedVersion = trusted.signed.header.version
      guard version >= trustedVersion else { throw rollback("timestamp", version, trustedVersion) }
      guard version > trustedVersion else {
        try checkExpiry(trusted.signed.header, name: "timestamp")
        return false
      }
      let (old, offered) = (trusted.signed.snapshot.version, new.signed.snapshot.version)
      guard offered >= old else {
        throw UpdateError(
          .rollback, role: "timestamp", version: version,
          "it names version \(offered) of the snapshot, but version \(old) was trusted before; the mirror lies, use another"
        )
      }
    }
    try checkExpiry(new.signed.header, name: "timestamp")
    timestamp = new
    return true
  }

  /// A snapshot from the local disk: it guards against older ones, and is good enough to go on with if it is
  /// the one that the timestamp names.
  /// - Returns: Whether it is.
  package mutating func load(localSnapshot bytes: [UInt8]) -> Bool {
    guard let timestamp,
      let local = try? Metadata<SnapshotRole>(bytes, role: "snapshot", limit: limits.snapshotLength),
      (try? check(local, name: "snapshot", by: root)) != nil
    else { return false }
    snapshot = local
    let file = timestamp.signed.snapshot
    return local.signed.header.version == file.version && (try? file.check(bytes, role: "snapshot")) != nil
      && (try? checkExpiry(local.signed.header, name: "snapshot")) != nil
  }

  /// A snapshot from a server (5.5).
  package mutating func update(snapshot bytes: [UInt8]) throws(UpdateError) {
    guard let file = timestamp?.signed.snapshot else { preconditionFailure("a snapshot follows a timestamp") }
    try file.check(bytes, role: "snapshot")
    let new = try Metadata<SnapshotRole>(bytes, role: "snapshot", limit: limits.snapshotLength)
    try check(new, name: "snapshot", by: root)
    let version = new.signed.header.version
    guard version == file.version else {
      throw wrongVersion("snapshot", version, file.version, by: "timestamp")
    }
    if let trusted = snapshot {
      for (name, old) in trusted.signed.files {
        guard let offered = new.signed.files[name] else {
          throw UpdateError(
            .roleRemoved, role: "snapshot", version: version,
            "it lists \(UpdateError.printable(name.text)) no more, which was listed before; the mirror lies, use another"
          )
        }
        guard offered.version >= old.version else {
          throw UpdateError(
            .rollback, role: "snapshot", version: version,
            "it lists version \(offered.version) of \(UpdateError.printable(name.text)), but version \(old.version) "
              + "was listed before; the mirror lies, use another")
        }
      }
    }
    try checkExpiry(new.signed.header, name: "snapshot")
    snapshot = new
  }

  /// What the snapshot says of a targets role.
  /// - Throws: `notInSnapshot`.
  package func file(of role: ExactString) throws(UpdateError) -> MetadataFile {
    guard let file = snapshot?.signed[role: role] else {
      throw UpdateError(
        .notInSnapshot, role: role.text,
        "the role is delegated, but the snapshot does not list it; ask the publisher")
    }
    return file
  }

  /// The targets metadata of a role, if it has been trusted in this update.
  package func targets(of role: ExactString) -> Metadata<TargetsRole>? { targets[role] }

  /// Targets metadata, from disk or server, top-level or delegated (5.6).
  /// - Parameter delegator: The role that names the keys; `nil` for the top-level one.
  package mutating func update(
    targets bytes: [UInt8], of role: ExactString, delegatedBy delegator: ExactString?
  ) throws(UpdateError) {
    let file = try file(of: role)
    try file.check(bytes, role: role.text)
    let new = try Metadata<TargetsRole>(bytes, role: role.text, limit: limits.targetsLength)
    try check(new, of: role, delegatedBy: delegator)
    let version = new.signed.header.version
    guard version == file.version else {
      throw wrongVersion(role.text, version, file.version, by: "snapshot")
    }
    try checkExpiry(new.signed.header, name: role.text)
    targets[role] = new
  }

  /// Checks a role that was trusted on another way once more, by the keys of this delegator: trust does not
  /// pass from one way to another.
  package func check(trusted role: ExactString, delegatedBy delegator: ExactString?) throws(UpdateError) {
    guard let metadata = targets[role] else { preconditionFailure("the role has been trusted before") }
    try check(metadata, of: role, delegatedBy: delegator)
  }

  /// A version of a role that the top-level one delegates to, current or past, if those who may sign it today signed it.
  /// Its time may be over: it is evidence of what was said once, and nothing that it lists is current because of it.
  /// - Throws: `malformed`, `threshold`, `wrongVersion`, and `wrongDigest` or `wrongLength` for the version that the
  ///   snapshot describes.
  package func evidence(
    _ bytes: [UInt8], of role: ExactString, version: Int
  ) throws(UpdateError) -> TargetsRole {
    if let file = snapshot?.signed[role: role], file.version == version {
      try file.check(bytes, role: role.text)
    }
    let past = try Metadata<TargetsRole>(bytes, role: role.text, limit: limits.targetsLength)
    try check(past, of: role, delegatedBy: "targets")
    guard past.signed.header.version == version else {
      throw wrongVersion(role.text, past.signed.header.version, version, by: "file's name")
    }
    return past.signed
  }

  private func check(
    _ metadata: Metadata<TargetsRole>, of role: ExactString, delegatedBy delegator: ExactString?
  ) throws(UpdateError) {
    guard let delegator else { return try check(metadata, name: role, by: root) }
    guard let delegations = targets[delegator]?.signed.delegations, let keys = delegations.roleKeys(of: role)
    else {
      preconditionFailure("a delegation comes from metadata that are trusted")
    }
    try metadata.check(keys, keys: delegations.keys, name: role.text, delegator: delegator.text)
  }

  private func check<Content>(
    _ metadata: Metadata<Content>, name: ExactString, by root: Metadata<RootRole>
  ) throws(UpdateError) {
    guard let role = root.signed.roles[name] else { preconditionFailure("a root has the four roles") }
    let version = root.signed.header.version
    try metadata.check(role, keys: root.signed.keys, name: name.text, delegator: "root version \(version)")
  }

  private func checkExpiry(_ header: RoleHeader, name: String) throws(UpdateError) {
    guard header.expires > startTime else {
      throw UpdateError(
        .expired, role: name, version: header.version,
        "it expired on \(header.expires), and this machine's clock says \(startTime); if the clock is right, the "
          + "mirror may be keeping newer metadata back: use another, or ask the publisher")
    }
  }

  private func rollback(_ role: String, _ version: Int, _ trusted: Int) -> UpdateError {
    UpdateError(
      .rollback, role: role, version: version,
      "version \(trusted) was trusted before; the mirror is out of date, or lies: use another")
  }

  private func wrongVersion(_ role: String, _ version: Int, _ named: Int, by namer: String) -> UpdateError {
    UpdateError(
      .wrongVersion, role: role, version: version,
      "the \(namer) names version \(named); the mirror mixes versions, or lies: use another")
  }
}
