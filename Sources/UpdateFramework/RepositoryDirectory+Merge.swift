internal import Bytes

extension RepositoryDirectory {
  /// Makes a proposal that has all its signatures part of the repository. Clients see it once the snapshot
  /// and the timestamp are signed anew: ``publish(signers:now:force:)``, here or by whoever holds those keys.
  ///
  /// Two merges at once come one after the other, and the second one fails if it was made for the state
  /// before the first. A merge that does not fit on the disk leaves the old state; one that is broken off once its
  /// journal is written is finished by whoever comes next.
  /// - Throws: `threshold` with who is missing, `conflict` for a proposal that another change has overtaken,
  ///   `localStorage`.
  package func merge(_ proposal: Proposal, limits: UpdateLimits = UpdateLimits()) throws(UpdateError) {
    let lock = try lock()
    defer { lock.release() }
    try finishMerge()
    let repository = try Repository.read(self, limits: limits)
    for name in proposal.roles { try check(proposal, name, repository) }
    try checkRest(proposal, repository)
    if repository == nil, proposal.root == nil || proposal.targets["targets"] == nil {
      throw UpdateError(.malformed, "a new repository begins with a root and targets; propose both")
    }
    // All bytes are on the disk before the first of them counts.
    let files = try stage(proposal)
    try AtomicFile.write(proposal.bytes, to: journal)
    for file in files { try file.commit() }
    try removeJournal()
  }

  /// What is not proposed must still have enough signatures by the keys that the proposal leaves.
  private func checkRest(_ proposal: Proposal, _ repository: Repository?) throws(UpdateError) {
    for (name, metadata) in repository?.targets ?? [:] where proposal.targets[name] == nil {
      for authority in proposal.authorities(of: name, in: repository)
      where !metadata.tally(authority.role, keys: authority.keys).isMet {
        throw UpdateError(
          .threshold, role: name.text, version: metadata.signed.header.version,
          "the proposal changes who may sign it, and those have not; propose the role anew as well")
      }
    }
  }

  private func check(_ proposal: Proposal, _ name: ExactString, _ repository: Repository?) throws(UpdateError)
  {
    let version =
      (name == "root" ? proposal.root?.signed.header : proposal.targets[name]?.signed.header)?.version ?? 0
    let current =
      (name == "root" ? repository?.root.signed.header : repository?.targets[name]?.signed.header)?.version
      ?? 0
    guard version == current + 1 else {
      throw UpdateError(
        .conflict, role: name.text, version: version,
        "the repository is at version \(current) by now, so this proposal comes too late; propose the change anew"
      )
    }
    // A file server undoes the escapes of a request, and would look for another file.
    guard FileNames.local(name.text) == name.text else {
      throw UpdateError(
        .invalidName, role: name.text, version: version,
        "a role that is published is called by letters, digits, '-', '.', '_' and '~', at most 200; rename it"
      )
    }
    let tallies = proposal.tallies(of: name, in: repository)
    guard !tallies.isEmpty else {
      throw UpdateError(
        .threshold, role: name.text, version: version,
        "no role delegates to it, so nobody may sign it; check its name")
    }
    for (by, tally) in tallies where !tally.isMet {
      throw UpdateError(
        .threshold, role: name.text, version: version,
        "\(tally.count) of the \(tally.threshold) \(tally.countsPeople ? "people" : "keys") that "
          + "\(UpdateError.printable(by.text)) demands have signed; let more of them sign the proposal, then merge again"
      )
    }
  }

  /// Signs a snapshot of the newest versions of all roles, and a timestamp that names it, if anything has
  /// changed or the old ones have passed half of their lifetimes.
  /// - Parameters:
  ///     - signers: The keys of the snapshot and timestamp roles.
  ///     - force: Signs anew in any case.
  /// - Returns: Whether anything was signed.
  /// - Throws: `threshold` if the signers do not suffice, `noRoot`, `localStorage`.
  @discardableResult
  package func publish(
    signers: [any MetadataSigner], now: UpdateTime, force: Bool = false, limits: UpdateLimits = UpdateLimits()
  ) async throws -> Bool {
    let lock = try lock()
    defer { lock.release() }
    try finishMerge()
    guard let repository = try Repository.read(self, limits: limits) else {
      throw UpdateError(.noRoot, role: "root", "\(path) is no repository; begin one first")
    }
    let root = repository.root.signed
    var snapshot = repository.snapshot
    let files = fileList(repository)
    let isSnapshotDue =
      force || snapshot?.signed.files != files || isDue(snapshot, "snapshot", root, now)
    if isSnapshotDue {
      var header = header(snapshot?.signed.header, "snapshot", root, now)
      // From then on clients see what it lists: what soaks, soaks since then.
      header.time = now
      snapshot = try await signed(SnapshotRole(header: header, files: files), "snapshot", root, signers)
    }
    guard let snapshot else { preconditionFailure("a snapshot was made if there was none") }
    guard isSnapshotDue || isDue(repository.timestamp, "timestamp", root, now) else { return false }
    let bytes = snapshot.bytes
    let version = snapshot.signed.header.version
    let file =
      isSnapshotDue
      ? MetadataFile(
        version: version, length: bytes.count, digests: ContentDigests(sha256: SHA256.digest(of: bytes)))
      : repository.timestamp?.signed.snapshot
    guard let file else { preconditionFailure("a timestamp names the snapshot that it came with") }
    let timestamp = try await signed(
      TimestampRole(
        header: header(repository.timestamp?.signed.header, "timestamp", root, now), snapshot: file),
      "timestamp", root, signers)
    if isSnapshotDue { try write(bytes, role: "snapshot", version: version) }
    // The one step that clients see.
    try write(timestamp.bytes, role: "timestamp", version: nil)
    return true
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
  ) -> RoleHeader {
    var header = old ?? RoleHeader(version: 0, expires: now)
    header.version += 1
    header.expires = now.advanced(by: lifetime(name, root))
    return header
  }

  private func lifetime(_ name: ExactString, _ root: RootRole) -> Int {
    root.roles[name]?.lifetime ?? RepositoryDraft.defaultLifetimes[name] ?? 86400
  }

  /// Whether metadata are past half of their lifetime, or not signed by the keys of today.
  private func isDue<Content>(
    _ metadata: Metadata<Content>?, _ name: ExactString, _ root: RootRole, _ now: UpdateTime
  ) -> Bool {
    guard let metadata, let role = root.roles[name] else { return true }
    return metadata.signed.header.expires < now.advanced(by: lifetime(name, root) / 2)
      || !metadata.tally(role, keys: root.keys).isMet
  }

  private func signed<Content>(
    _ content: Content, _ name: ExactString, _ root: RootRole, _ signers: [any MetadataSigner]
  ) async throws -> Metadata<Content> {
    guard let role = root.roles[name] else { preconditionFailure("a root has the four roles") }
    var metadata = try Metadata(content)
    for signer in signers where role.keyIDs.contains(ExactString(signer.keyID)) {
      try await metadata.sign(with: signer)
    }
    try metadata.check(role, keys: root.keys, name: name.text, delegator: "root")
    return metadata
  }
}
