package import Bytes
internal import Signing

/// Who must sign a proposal, and who has.
extension Proposal {
  /// Everybody whose keys must sign a role: for a root its predecessor and itself, for others the delegators,
  /// as the proposal leaves them. A delegator that cannot be reached from the root has no say, and whatever it is that
  /// the proposal makes of a delegator that can: the proposal is complete only once that has its signatures too.
  package func authorities(of name: ExactString, in repository: Repository?) -> [Delegation] {
    if name == "root" {
      let current = repository?.delegations(to: "root") ?? []
      guard let new = root?.signed, let role = new.roles["root"] else { return current }
      return current + [Delegation(delegator: "the new root", role: role, keys: new.keys)]
    }
    guard let root = self.root?.signed ?? repository?.root.signed else { return [] }
    if RootRole.roleNames.contains(name) {
      // Timestamp and snapshot are signed when they are due, and never proposed.
      guard name == "targets", let role = root.roles[name] else { return [] }
      return [Delegation(delegator: "root", role: role, keys: root.keys)]
    }
    return reachable(in: repository).compactMap { delegator, delegations in
      delegations.roleKeys(of: name).map {
        Delegation(delegator: delegator, role: $0, keys: delegations.keys)
      }
    }
  }

  /// The delegations of all roles to which a way leads from the root as the proposal leaves it, by name.
  private func reachable(in repository: Repository?) -> [(ExactString, Delegations)] {
    var all = repository?.targets ?? [:]
    all.merge(targets) { _, new in new }
    var waiting: [ExactString] = ["targets"]
    var found: [ExactString: Delegations] = [:]
    while let name = waiting.popLast() {
      guard found[name] == nil, let delegations = all[name]?.signed.delegations else { continue }
      found[name] = delegations
      switch delegations.roles {
      case .listed(let listed): waiting += listed.map(\.name)
      case .bins(let bins): waiting += all.keys.filter { bins.contains($0) }
      }
    }
    return found.sorted { $0.key < $1.key }
  }

  /// Who has signed a role, for each authority.
  package func tallies(of name: ExactString, in repository: Repository?) -> [(
    by: ExactString, tally: SignatureTally
  )] {
    authorities(of: name, in: repository).compactMap { authority in
      let tally =
        name == "root"
        ? root?.tally(authority.role, keys: authority.keys)
        : targets[name]?.tally(authority.role, keys: authority.keys)
      return tally.map { (authority.delegator, $0) }
    }
  }

  /// Whether the repository has exactly this already, or newer versions of all roles.
  package func isMerged(in repository: Repository) -> Bool {
    func isMerged<Content>(_ proposed: Metadata<Content>?, _ current: Metadata<Content>?) -> Bool {
      guard let proposed, let current else { return false }
      let (version, there) = (proposed.signed.header.version, current.signed.header.version)
      return there > version || there == version && current.signedBytes == proposed.signedBytes
    }
    return roles.allSatisfy {
      $0 == "root" ? isMerged(root, repository.root) : isMerged(targets[$0], repository.targets[$0])
    }
  }

  /// Whether every role has the signatures that it needs, and nothing forbids a merge that can be seen from the proposal.
  package func isComplete(in repository: Repository?) -> Bool {
    strangeKeys(in: repository).isEmpty
      && roles.allSatisfy { name in
        let tallies = tallies(of: name, in: repository)
        return !tallies.isEmpty && tallies.allSatisfy(\.tally.isMet)
      }
  }

  /// Keys that stand under an identifier that is not their own, though the repository has no such: whoever reads
  /// identifiers would take them for somebody else's.
  /// - Returns: The role that brings them, and the identifier.
  package func strangeKeys(in repository: Repository?) -> [(role: ExactString, keyID: ExactString)] {
    var known = [repository?.root.signed.keys ?? [:]]
    known += (repository?.targets ?? [:]).values.compactMap { $0.signed.delegations?.keys }
    return roles.flatMap { name in
      let keys = (name == "root" ? root?.signed.keys : targets[name]?.signed.delegations?.keys) ?? [:]
      return keys.sorted { $0.key < $1.key }.compactMap { id, key in
        let isKnown = known.contains {
          $0[id].map { $0.json.canonical.isExactly(key.json.canonical) } ?? false
        }
        return id.text == key.keyID || isKnown ? nil : (name, id)
      }
    }
  }

  /// - Throws: `badKey` for the first of ``strangeKeys(in:)``.
  package func checkKeys(in repository: Repository?) throws(UpdateError) {
    guard let (role, id) = strangeKeys(in: repository).first else { return }
    throw UpdateError(
      .badKey, role: role.text,
      "the proposal puts a key under the identifier \(UpdateError.printable(id.text)), which is another key's: nobody should "
        + "sign it; ask who made it")
  }
}
