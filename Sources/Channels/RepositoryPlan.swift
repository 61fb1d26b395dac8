internal import Bytes
package import UpdateFramework
package import Signing

/// What the manifest of a repository (`kind: Repository`) asks for: who keeps it, and its channels.
package struct RepositoryPlan: Sendable, Hashable {
  /// Who may sign for a role.
  package struct Role: Sendable, Hashable {
    /// The holders in the manifest's order. A key is one line of a NAME.pub file.
    package var holders: [Holder]
    package var threshold: Int
    /// Whether people are counted, and not keys.
    package var countsPeople: Bool
    /// For how many days the role's metadata are good; `nil` for the format's default.
    package var days: Int?
  }

  /// A key and whose it is.
  package struct Holder: Sendable, Hashable {
    package var person: String
    package var key: PublicKey
  }

  /// A channel, in the manifest's order.
  package struct Channel: Sendable, Hashable {
    package var name: String
    package var role: Role
    package var policy: ChannelPolicy
  }

  package var root: Role
  package var targets: Role
  package var releases: Role
  package var snapshot: Role
  package var timestamp: Role
  package var channels: [Channel]
}

extension RepositoryPlan.Role {
  fileprivate var keys: [ExactString: VerificationKey] {
    Dictionary(holders.map { (ExactString($0.key.keyID), VerificationKey($0.key)) }) { first, _ in first }
  }

  fileprivate var roleKeys: RoleKeys {
    let ids = holders.map { ExactString($0.key.keyID) }
    let people = Dictionary(zip(ids, holders.map(\.person))) { first, _ in first }
    return RoleKeys(
      keyIDs: ids, threshold: threshold, people: countsPeople ? people : nil,
      lifetime: days.map { $0 * 86400 })
  }
}

extension RepositoryPlan {
  /// Makes the repository what the manifest asks for: keys, thresholds, channels. What is as it should be
  /// already is not touched; a channel that the manifest no longer names is delegated to no more.
  package func draft(over base: Repository?, now: UpdateTime) -> RepositoryDraft {
    let header = RoleHeader(version: 1, expires: now)
    var draft =
      base.map { RepositoryDraft($0, now: now) }
      ?? RepositoryDraft(root: RootRole(header: header, roles: [:]), now: now)
    let topLevel: [(ExactString, Role)] = [
      ("root", root), ("targets", targets), ("snapshot", snapshot), ("timestamp", timestamp),
    ]
    draft.root.keys = [:]
    for (name, role) in topLevel {
      draft.root.keys.merge(role.keys) { first, _ in first }
      draft.root.roles[name] = role.roleKeys
    }
    draft.root.header.unknown = [Self.names(topLevel.map(\.1))]
    let wanted = delegations
    if draft.targets("targets")?.delegations != wanted {
      draft.edit("targets") { $0.delegations = wanted }
    }
    for name in [Names.releases] + channels.map({ Names.role(ofChannel: $0.name) })
    where draft.targets(name) == nil {
      draft.edit(name) { _ in }
    }
    return draft
  }

  private var delegations: Delegations {
    var result = Delegations()
    var roles = [
      DelegatedRole(
        name: Names.releases, keys: releases.roleKeys, scope: .paths(["releases/*/*/release.json"]),
        isTerminating: true)
    ]
    result.keys = releases.keys
    for channel in channels {
      result.keys.merge(channel.role.keys) { first, _ in first }
      var keys = channel.role.roleKeys
      keys.unknown = [channel.policy.json]
      roles.append(
        DelegatedRole(
          name: Names.role(ofChannel: channel.name), keys: keys,
          scope: .paths(["channels/\(channel.name)/*"]),
          isTerminating: true))
    }
    result.roles = .listed(roles)
    result.unknown = [Self.names([releases] + channels.map(\.role))]
    return result
  }

  static let namesMember = "x-names"

  /// The names of keys, for people who read histories and reviews.
  private static func names(_ roles: [Role]) -> JSONMember {
    let names = Dictionary(roles.flatMap(\.holders).map { ($0.key.keyID, $0.person) }) { first, _ in first }
    return JSONMember(
      namesMember, .object(names.keys.sorted().map { JSONMember($0, .string(names[$0] ?? "")) }))
  }
}
