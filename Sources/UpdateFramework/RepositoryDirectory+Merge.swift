internal import Bytes

extension RepositoryDirectory {
  /// Makes a proposal that has all its signatures part of the repository, all of it or nothing. Clients see it
  /// once the snapshot and the timestamp are signed anew: ``publish(signers:now:force:)``, here or by whoever holds
  /// those keys. A root is there to be seen at once.
  ///
  /// Two merges at once come one after the other, and the second one fails if it was made for the state
  /// before the first.
  /// - Throws: `threshold` with who is missing, `badKey` for a key under an identifier that is not its own,
  ///   `conflict` for a proposal that another change has overtaken, `localStorage`.
  package func merge(_ proposal: Proposal, limits: UpdateLimits = UpdateLimits()) throws(UpdateError) {
    let lock = try lock()
    defer { lock.release() }
    let repository = try Repository.load(self, limits: limits)
    // As it would be read again by whoever finishes this.
    let proposal = try Proposal(proposal.bytes, source: "the proposal")
    try proposal.checkKeys(in: repository)
    for name in proposal.roles { try check(proposal, name, repository) }
    try checkRest(proposal, repository)
    if repository == nil, proposal.root == nil || proposal.targets["targets"] == nil {
      throw UpdateError(.malformed, "a new repository begins with a root and targets; propose both")
    }
    try checkOutcome(proposal, repository, limits)
    try perform(proposal)
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

  /// The repository must be one that can be read afterwards, with nothing in it that nobody proposed.
  private func checkOutcome(
    _ proposal: Proposal, _ repository: Repository?, _ limits: UpdateLimits
  ) throws(UpdateError) {
    var view = self
    view.proposed = proposal
    var loader = RepositoryLoader(directory: view, limits: limits)
    let outcome: Repository?
    do throws(UpdateError) {
      outcome = try loader.load()
    } catch {
      throw error.advising("nobody could read the repository after this: propose the role anew as well")
    }
    guard let outcome else { preconditionFailure("a root was proposed, or is there") }
    for (name, metadata) in outcome.targets
    where proposal.targets[name] == nil && repository?.targets[name] == nil {
      throw UpdateError(
        .conflict, role: name.text, version: metadata.signed.header.version,
        "it lies there from an earlier time, and would come back with the delegation that is proposed; propose the role anew "
          + "as well")
    }
  }

  private func check(_ proposal: Proposal, _ name: ExactString, _ repository: Repository?) throws(UpdateError)
  {
    guard let (_, version) = proposal.file(of: name) else { return }
    let current =
      name == "root"
      ? repository?.root.signed.header.version ?? 0 : try repository?.newestVersion(of: name) ?? 0
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
        "no role that can be reached from the root delegates to it, so nobody may sign it; check its name")
    }
    for (by, tally) in tallies where !tally.isMet {
      throw UpdateError(
        .threshold, role: name.text, version: version,
        "\(tally.count) of the \(tally.threshold) \(tally.countsPeople ? "people" : "keys") that "
          + "\(UpdateError.printable(by.text)) demands have signed; let more of them sign the proposal, then merge again"
      )
    }
  }
}
