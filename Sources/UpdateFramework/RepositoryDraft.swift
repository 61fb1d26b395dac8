package import Bytes

/// Changes to a repository in the making. What changes gets the next version and a new time of expiry; what
/// does not stays as it is.
package struct RepositoryDraft: Sendable {
  /// The state that is changed; `nil` before there is any.
  package let base: Repository?
  /// The new root, or the current one.
  package var root: RootRole
  /// Targets roles that are new or changed, by name.
  package private(set) var changed: [ExactString: TargetsRole] = [:]
  private let now: UpdateTime

  /// Lifetimes for roles whose delegator says nothing, in seconds.
  package static let defaultLifetimes: [ExactString: Int] = [
    "root": 365 * 86400, "timestamp": 86400, "snapshot": 7 * 86400, "targets": 90 * 86400,
  ]

  /// Begins a change of what there is.
  package init(_ base: Repository, now: UpdateTime) {
    self.base = base
    self.now = now
    root = base.root.signed
  }

  /// Begins a repository.
  package init(root: RootRole, now: UpdateTime) {
    base = nil
    self.root = root
    self.now = now
    changed["targets"] = TargetsRole(header: RoleHeader(version: 1, expires: now))
  }

  /// A targets role as it would be.
  package func targets(_ name: ExactString) -> TargetsRole? { changed[name] ?? base?.targets[name]?.signed }

  /// Changes a targets role, or makes a new one, which somebody must delegate to.
  package mutating func edit(_ name: ExactString, _ change: (inout TargetsRole) throws -> Void) rethrows {
    var role = targets(name) ?? TargetsRole(header: RoleHeader(version: 1, expires: now))
    try change(&role)
    changed[name] = role
  }

  /// Renews a role that only needs a later time of expiry.
  /// - Returns: Whether there is such a role.
  package mutating func renew(_ name: ExactString) -> Bool {
    if name == "root" {
      isRootRenewed = true
      return true
    }
    guard let role = targets(name) else { return false }
    changed[name] = role
    return true
  }

  private var isRootRenewed = false

  /// What there is to sign.
  /// - Throws: `malformed` if unknown members cannot be signed, `localStorage`.
  package func proposal(reason: String) throws(UpdateError) -> Proposal {
    var newRoot: Metadata<RootRole>?
    if isRootRenewed || root != base?.root.signed {
      var root = root
      stamp(&root.header, base?.root.signed.header.version ?? 0, root.roles["root"]?.lifetime, "root")
      newRoot = try Metadata(root)
    }
    var targets: [ExactString: Metadata<TargetsRole>] = [:]
    var changed = changed
    for name in orphaned { changed[name] = base?.targets[name]?.signed }
    for (name, role) in changed {
      var role = role
      let lifetime = root.roles[name]?.lifetime ?? delegatedLifetime(of: name)
      stamp(&role.header, try base?.newestVersion(of: name) ?? 0, lifetime, name)
      targets[name] = try Metadata(role)
    }
    return Proposal(reason: reason, root: newRoot, targets: targets)
  }

  /// Roles that do not change, but whose signatures would not do any more: they are to be signed anew.
  private var orphaned: [ExactString] {
    guard let base else { return [] }
    return base.targets.keys.sorted().filter { name in
      guard changed[name] == nil, let metadata = base.targets[name] else { return false }
      return !delegations(to: name).allSatisfy { metadata.tally($0.role, keys: $0.keys).isMet }
    }
  }

  private func delegations(to name: ExactString) -> [Delegation] {
    if let role = root.roles[name] { return [Delegation(delegator: "root", role: role, keys: root.keys)] }
    let names = Set(changed.keys).union(base.map { Array($0.targets.keys) } ?? [])
    return names.sorted().compactMap { delegator in
      guard let delegations = targets(delegator)?.delegations else { return nil }
      return delegations.roleKeys(of: name).map {
        Delegation(delegator: delegator, role: $0, keys: delegations.keys)
      }
    }
  }

  /// What the delegator says; of several, the shortest.
  private func delegatedLifetime(of name: ExactString) -> Int? {
    let names = Set(changed.keys).union(base.map { Array($0.targets.keys) } ?? [])
    return names.compactMap { targets($0)?.delegations?.roleKeys(of: name)?.lifetime }.min()
  }

  private func stamp(_ header: inout RoleHeader, _ version: Int, _ lifetime: Int?, _ name: ExactString) {
    header.version = version + 1
    header.expires = now.advanced(by: lifetime ?? Self.defaultLifetimes[name] ?? 90 * 86400)
  }
}
