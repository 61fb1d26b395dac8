internal import Bytes
internal import Signing
package import UpdateFramework

/// All that a repository says of its channels at one time, verified.
package struct ChannelSurvey: Sendable {
  /// One role's metadata.
  package struct Role: Sendable, Hashable {
    package let name: String
    package let version: Int
    package let expires: UpdateTime
    /// For how many seconds its metadata are good when they are made.
    package let lifetime: Int
  }

  package struct Channel: Sendable {
    package let name: String
    package let policy: ChannelPolicy
    package let threshold: Int
    package let countsPeople: Bool
    /// How many keys may sign.
    package let keys: Int
    /// Its metadata; `nil` if they cannot be trusted or had.
    package let role: Role?
    /// Why nothing may be promoted to it.
    package let frozen: String?
    /// What is current, by image.
    package let entries: [ChannelEntry]
    /// Why its metadata cannot be trusted or had.
    package let problem: String?
  }

  /// Root, timestamp, snapshot and targets: without any of them nothing counts.
  package let roles: [Role]
  /// In the order of the manifest.
  package let channels: [Channel]
  /// What people call keys, by their identifiers.
  let names: [String: String]

  /// When the first of the roles expires that every channel needs, and which one that is.
  package var firstToExpire: Role? { roles.min { ($0.expires, $0.name) < ($1.expires, $1.name) } }
}

extension ChannelClient {
  /// Refreshes, and reads every channel that the repository delegates to. A channel whose metadata are wrong says so, and
  /// spoils no other.
  /// - Throws: An `UpdateError` if one of the four top-level roles cannot be trusted.
  package func survey() async throws -> ChannelSurvey {
    try await updater.refresh()
    let trusted = await updater.trusted
    guard let timestamp = trusted.timestamp, let snapshot = trusted.snapshot,
      let targets = trusted.targets(of: "targets")
    else { preconditionFailure("a refresh ends with all four roles, or an error") }
    let root = trusted.root.signed
    func role(_ name: ExactString, _ header: RoleHeader, _ keys: RoleKeys?) -> ChannelSurvey.Role {
      ChannelSurvey.Role(
        name: name.text, version: header.version, expires: header.expires,
        lifetime: keys?.lifetime ?? RepositoryDraft.defaultLifetimes[name] ?? 90 * 86400)
    }
    let roles = [
      role("root", root.header, root.roles["root"]),
      role("timestamp", timestamp.signed.header, root.roles["timestamp"]),
      role("snapshot", snapshot.signed.header, root.roles["snapshot"]),
      role("targets", targets.signed.header, root.roles["targets"]),
    ]
    var channels: [ChannelSurvey.Channel] = []
    var listed: [DelegatedRole] = []
    if case .listed(let delegated) = targets.signed.delegations?.roles { listed = delegated }
    for delegation in listed {
      guard let name = Names.channel(ofRole: delegation.name) else { continue }
      var policy = ChannelPolicy()
      var content: TargetsRole?
      var entries: [ChannelEntry] = []
      var problem: String?
      do {
        guard let found = try ChannelPolicy(delegation) else { continue }
        policy = found
        content = try await updater.targets(of: delegation.name)
        entries = try ChannelRepository.Channel.entries(of: content, channel: name)
      } catch let error as CancellationError {
        throw error
      } catch {
        problem = "\(error)"
      }
      channels.append(
        ChannelSurvey.Channel(
          name: name, policy: policy, threshold: delegation.keys.threshold,
          countsPeople: delegation.keys.people != nil, keys: delegation.keys.keyIDs.count,
          role: problem == nil ? content.map { role(delegation.name, $0.header, delegation.keys) } : nil,
          frozen: content?.header.frozen, entries: problem == nil ? entries : [], problem: problem))
    }
    var names: [String: String] = [:]
    for members in [root.header.unknown, targets.signed.delegations?.unknown ?? []] {
      let found = members.first { $0.name == RepositoryPlan.namesMember }?.value.members ?? []
      for member in found { names[member.name] = member.value.text }
    }
    return ChannelSurvey(roles: roles, channels: channels, names: names)
  }

  /// The releases that the repository lists, by image and then as dpkg orders versions.
  /// - Throws: An `UpdateError`.
  package func releases() async throws -> [PublishedRelease] {
    ChannelRepository.releases(try await updater.targets(of: Names.releases).targets)
  }
}
