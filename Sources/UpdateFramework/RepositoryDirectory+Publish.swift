internal import Bytes

extension RepositoryDirectory {
  /// Signs a snapshot of the newest versions of all roles, and a timestamp that names it, if anything has
  /// changed or the old ones have passed half of their lifetimes.
  /// - Parameters:
  ///     - signers: The keys of the snapshot and timestamp roles.
  ///     - force: Signs anew in any case.
  /// - Returns: Whether anything was signed.
  /// - Throws: `threshold` if the signers do not suffice, `rollback` if ``seen`` has newer metadata, `noRoot`,
  ///   `localStorage`.
  @discardableResult
  package func publish(
    signers: [any MetadataSigner], now: UpdateTime, force: Bool = false, limits: UpdateLimits = UpdateLimits()
  ) async throws -> Bool {
    let lock = try lock()
    defer { lock.release() }
    guard let repository = try Repository.load(self, limits: limits) else {
      throw UpdateError(.noRoot, role: "root", "\(path) is no repository; begin one first")
    }
    try checkNotOlder(repository, limits)
    if repository.timestamp != nil { try endBeginning() }
    let root = repository.root.signed
    let files = fileList(repository)
    let old = repository.snapshot
    let isSnapshotDue = force || old?.signed.files != files || isDue(old, "snapshot", root, now)
    guard isSnapshotDue || isDue(repository.timestamp, "timestamp", root, now) else { return false }
    var snapshot = old
    if isSnapshotDue || snapshot == nil {
      var header = try header(old?.signed.header, "snapshot", root, now)
      // One that was signed last time, but named by no timestamp, may have been copied.
      let taken = Set(try versions(of: "snapshot"))
      while taken.contains(header.version) { header.version = try next(header.version, "snapshot") }
      // From then on clients see what it lists: what soaks, soaks since then.
      header.time = now
      snapshot = try await signed(SnapshotRole(header: header, files: files), "snapshot", root, signers)
    }
    guard let snapshot else { preconditionFailure("a snapshot was made if there was none") }
    let bytes = snapshot.bytes
    let version = snapshot.signed.header.version
    let file = MetadataFile(
      version: version, length: bytes.count, digests: ContentDigests(sha256: SHA256.digest(of: bytes)))
    let timestamp = try await signed(
      TimestampRole(
        header: header(repository.timestamp?.signed.header, "timestamp", root, now), snapshot: file),
      "timestamp", root, signers)
    let isFirst = try read("timestamp", version: nil, limit: .max) == nil
    if isFirst { try markBeginning() }
    try write(bytes, role: "snapshot", version: version)
    // The one step that clients see.
    try write(timestamp.bytes, role: "timestamp", version: nil)
    if isFirst { try endBeginning() }
    return true
  }

  /// A state that is older than what a client has trusted is not given new life by a fresh signature: somebody has put
  /// back old files, or taken some away.
  private func checkNotOlder(_ repository: Repository, _ limits: UpdateLimits) throws(UpdateError) {
    guard let seen else { return }
    let root = repository.root.signed
    func older(_ role: String, _ there: Int, _ trusted: Int) -> UpdateError {
      UpdateError(
        .rollback, role: role, version: there,
        "version \(trusted) was trusted here before, so \(path) is an older state, for which nothing is signed; restore it "
          + "from a backup or a mirror")
    }
    func known<Content>(_ name: ExactString, _ limit: Int) -> Metadata<Content>? {
      guard let bytes = seen.read(name.text, limit: limit), let role = root.roles[name],
        let metadata = try? Metadata<Content>(bytes, role: name.text, limit: limit),
        metadata.tally(role, keys: root.keys).isMet
      else { return nil }
      return metadata
    }
    if let bytes = seen.read("root", limit: limits.rootLength),
      let trusted = try? Metadata<RootRole>(bytes, role: "root", limit: limits.rootLength),
      trusted.signed.header.version > root.header.version
    {
      throw older("root", root.header.version, trusted.signed.header.version)
    }
    // What a root's keys no longer vouch for, clients have forgotten too.
    if let trusted: Metadata<TimestampRole> = known("timestamp", limits.timestampLength) {
      let there = repository.timestamp?.signed.header.version ?? 0
      guard there >= trusted.signed.header.version else {
        throw older("timestamp", there, trusted.signed.header.version)
      }
    }
    if let trusted: Metadata<SnapshotRole> = known("snapshot", limits.snapshotLength) {
      let files = fileList(repository)
      for (name, file) in trusted.signed.files.sorted(by: { $0.key < $1.key }) {
        let there = files[name]?.version ?? 0
        guard there >= file.version else { throw older(name.text, there, file.version) }
      }
    }
  }

  /// What the snapshot says of every role. One that was listed stays listed.
  private func fileList(_ repository: Repository) -> [ExactString: MetadataFile] {
    var files = repository.snapshot?.signed.files ?? [:]
    for (name, metadata) in repository.targets {
      let version = metadata.signed.header.version
      let key = ExactString(name.text + ".json")
      guard files[key]?.version != version else { continue }
      let bytes = metadata.bytes
      files[key] = MetadataFile(
        version: version, length: bytes.count, digests: ContentDigests(sha256: SHA256.digest(of: bytes)))
    }
    return files
  }

  private func header(
    _ old: RoleHeader?, _ name: ExactString, _ root: RootRole, _ now: UpdateTime
  ) throws(UpdateError) -> RoleHeader {
    var header = old ?? RoleHeader(version: 0, expires: now)
    header.version = try next(header.version, name)
    header.expires = now.advanced(by: lifetime(name, root))
    return header
  }

  private func next(_ version: Int, _ role: ExactString) throws(UpdateError) -> Int {
    guard version < ObjectReader.largest else {
      throw UpdateError(
        .conflict, role: role.text, version: version,
        "no version comes after that; replace the keys of timestamp and snapshot in a new root, which lets them begin anew"
      )
    }
    return version + 1
  }

  private func lifetime(_ name: ExactString, _ root: RootRole) -> Int {
    root.roles[name]?.lifetime ?? RepositoryDraft.defaultLifetimes[name] ?? 86400
  }

  /// Whether metadata are past half of their lifetime, or not there.
  private func isDue<Content>(
    _ metadata: Metadata<Content>?, _ name: ExactString, _ root: RootRole, _ now: UpdateTime
  ) -> Bool {
    guard let metadata else { return true }
    return metadata.signed.header.expires < now.advanced(by: lifetime(name, root) / 2)
  }

  private func signed<Content>(
    _ content: Content, _ name: ExactString, _ root: RootRole, _ signers: [any MetadataSigner]
  ) async throws -> Metadata<Content> {
    guard let role = root.roles[name] else { preconditionFailure("a root has the four roles") }
    var metadata = try Metadata(content)
    for signer in signers where role.keyIDs.contains(ExactString(signer.keyID)) {
      try await metadata.sign(with: signer)
    }
    let tally = metadata.tally(role, keys: root.keys)
    guard tally.isMet else {
      throw UpdateError(
        .threshold, role: name.text,
        "\(tally.count) of the \(tally.threshold) keys that root demands are here; sign where the others are")
    }
    return metadata
  }
}
