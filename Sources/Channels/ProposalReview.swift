internal import Bytes
internal import Signing
package import UpdateFramework

/// A proposal in words: what a key holder reads before signing.
package struct ProposalReview: Sendable {
  /// One role of it.
  package struct Role: Sendable {
    package let name: String
    package let version: Int
    package let expires: UpdateTime
    /// What would change, one sentence each; never empty.
    package let changes: [String]
    /// Who has signed, for each authority: `root: 1 of 2 (ada)`.
    package let signatures: [String]
    package let isComplete: Bool
  }

  package let reason: String
  package let roles: [Role]
  package var isComplete: Bool { roles.allSatisfy(\.isComplete) }

  /// - Parameter repository: What the proposal would change; `nil` before there is any.
  package init(_ proposal: Proposal, in repository: ChannelRepository?) throws {
    reason = proposal.reason
    let names = Self.names(proposal, repository)
    roles = try proposal.roles.map { name in
      let tallies = proposal.tallies(of: name, in: repository?.state)
      let header = (name == "root" ? proposal.root?.signed.header : proposal.targets[name]?.signed.header)
      guard let header else { preconditionFailure("a proposed role has metadata") }
      let changes =
        name == "root"
        ? Self.changes(repository?.state.root.signed, proposal.root?.signed, names)
        : try Self.changes(
          name, repository?.state.targets[name]?.signed, proposal.targets[name]?.signed, names)
      return Role(
        name: name.text, version: header.version, expires: header.expires,
        changes: changes.isEmpty ? [header.version == 1 ? "made" : "renewed, nothing else changes"] : changes,
        signatures: tallies.map { by, tally in
          let who = tally.keyIDs.map { names[$0] ?? String($0.text.prefix(16)) }.sorted()
          return "\(by): \(tally.count) of \(tally.threshold) \(tally.countsPeople ? "people" : "keys")"
            + (who.isEmpty ? "" : " (\(who.joined(separator: ", ")))")
        },
        isComplete: !tallies.isEmpty && tallies.allSatisfy(\.tally.isMet))
    }
  }

  private static func names(_ proposal: Proposal, _ repository: ChannelRepository?) -> [ExactString: String] {
    let sources = [
      repository?.state.root.signed.header.unknown,
      repository?.state.targets["targets"]?.signed.delegations?.unknown,
      proposal.root?.signed.header.unknown, proposal.targets["targets"]?.signed.delegations?.unknown,
    ]
    var names: [ExactString: String] = [:]
    for members in sources {
      for member in members?.first(where: { $0.name == RepositoryPlan.namesMember })?.value.members ?? [] {
        names[ExactString(member.name)] = member.value.text
      }
    }
    return names
  }

  private static func changes(_ old: RootRole?, _ new: RootRole?, _ names: [ExactString: String]) -> [String]
  {
    guard let new else { return [] }
    return new.roles.keys.sorted().flatMap { name in
      changes(of: name.text, old?.roles[name], new.roles[name], names)
    }
  }

  private static func changes(
    of name: String, _ old: RoleKeys?, _ new: RoleKeys?, _ names: [ExactString: String]
  ) -> [String] {
    guard let new else { return old == nil ? [] : ["\(name): delegated to no more"] }
    func holder(_ id: ExactString) -> String { "\(names[id] ?? "?") (\(id.text.prefix(16)))" }
    var changes: [String] = []
    let before = Set(old?.keyIDs ?? [])
    changes += new.keyIDs.filter { !before.contains($0) }.map { "\(name): \(holder($0)) may sign" }
    changes += (old?.keyIDs ?? []).filter { !new.keyIDs.contains($0) }.map {
      "\(name): \(holder($0)) may sign no more"
    }
    let isOne = new.threshold == 1
    let unit = new.people == nil ? (isOne ? "key" : "keys") : (isOne ? "person" : "people")
    if old?.threshold != new.threshold || (old?.people == nil) != (new.people == nil) {
      changes.append(
        "\(name): \(new.threshold) \(unit) must sign" + (old.map { ", were \($0.threshold)" } ?? ""))
    }
    if let old, old.lifetime != new.lifetime {
      changes.append("\(name): good for \(new.lifetime.map { "\($0 / 86400) days" } ?? "the usual time")")
    }
    if let old, old.unknown != new.unknown { changes.append("\(name): other gates") }
    return changes
  }

  private static func changes(
    _ name: ExactString, _ old: TargetsRole?, _ new: TargetsRole?, _ names: [ExactString: String]
  ) throws -> [String] {
    guard let new else { return [] }
    if name.text.hasPrefix("channel-") {
      let channel = String(name.text.dropFirst("channel-".count))
      return try ChannelRepository.changes(from: old, to: new, channel: channel).map { change in
        guard let entry = change.entry else { return change.note ?? "" }
        let step = entry.rollbackFrom.map { "ROLLBACK from \($0) to" } ?? "to"
        return "\(entry.image) \(step) \(entry.version) (sha256:\(entry.release)): \(entry.reason)"
      }
    }
    var changes: [String] = []
    let (before, after) = (delegated(old), delegated(new))
    for role in Set(before.keys).union(after.keys).sorted() {
      changes += Self.changes(of: role.text, before[role], after[role], names)
    }
    for path in new.targets.keys.sorted() where old?.targets[path] != new.targets[path] {
      let verb = old?.targets[path] == nil ? "new" : "REPLACED"
      changes.append("\(verb): \(path) (sha256:\(new.targets[path]?.digests.sha256?.hex ?? "?"))")
    }
    for path in (old?.targets ?? [:]).keys.sorted() where new.targets[path] == nil {
      changes.append("REMOVED: \(path)")
    }
    return changes
  }

  private static func delegated(_ role: TargetsRole?) -> [ExactString: RoleKeys] {
    guard case .listed(let roles) = role?.delegations?.roles else { return [:] }
    return Dictionary(roles.map { ($0.name, $0.keys) }) { first, _ in first }
  }
}
