internal import Bytes
internal import Signing
internal import Transfers
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
  let keys: [ExactString: VerificationKey]

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
      guard let policy = try ChannelPolicy(delegation) else { continue }
      let name = String(delegation.name.text.dropFirst("channel-".count))
      var content: TargetsRole?
      var entries: [ChannelEntry] = []
      var problem: String?
      do {
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
    return ChannelSurvey(
      roles: roles, channels: channels, names: names, keys: targets.signed.delegations?.keys ?? [:])
  }

  /// The releases that the repository lists, by image and then as dpkg orders versions.
  /// - Throws: An `UpdateError`.
  package func releases() async throws -> [PublishedRelease] {
    ChannelRepository.releases(try await updater.targets(of: Names.releases).targets)
  }

  /// What happened in a channel: its last versions, the oldest first. What was read before is not asked for again.
  /// - Parameters:
  ///   - known: What was read before of the same channel.
  ///   - count: At most so many versions.
  /// - Throws: An `UpdateError` for a version that cannot be had.
  package func history(
    of channel: ChannelSurvey.Channel, in survey: ChannelSurvey, known: [ChannelEvent] = [], count: Int = 50
  ) async throws -> [ChannelEvent] {
    guard let last = channel.role?.version else { return [] }
    let first = max(1, last - count + 1)
    var events = known.filter { $0.version >= first && $0.version <= last }
    let next = (events.last?.version).map { $0 + 1 } ?? first
    guard next <= last else { return events }
    let role = Names.role(ofChannel: channel.name)
    var previous: TargetsRole?
    if next > 1 { previous = try await metadata(role, version: next - 1).signed }
    for version in next...last {
      let metadata = try await metadata(role, version: version)
      events.append(
        try ChannelEvent(metadata, after: previous, channel: channel.name, keys: survey.keys) {
          survey.names[$0.text] ?? String($0.text.prefix(16))
        })
      previous = metadata.signed
    }
    return events
  }

  /// A version of a role that was current once. Whoever reads it asks for its signatures.
  private func metadata(_ role: ExactString, version: Int) async throws -> Metadata<TargetsRole> {
    let limit = limits.targetsLength
    let sink = MemorySink(limit: limit)
    try await fetcher.fetch(
      "\(baseURL)/metadata/\(version).\(FileNames.escaped(role.text)).json", limit: limit, into: sink)
    return try Metadata(sink.bytes, role: role.text, limit: limit)
  }
}

extension ChannelEvent {
  /// - Parameters:
  ///   - keys: The keys of today; signatures of others are not named.
  ///   - name: What people call a key.
  init(
    _ metadata: Metadata<TargetsRole>, after previous: TargetsRole?, channel: String,
    keys: [ExactString: VerificationKey], name: (ExactString) -> String
  ) throws {
    let signers = metadata.signatures.map(\.keyID).filter { id in
      keys[id].map { metadata.isSigned(by: $0, as: id) } ?? false
    }
    self.init(
      version: metadata.signed.header.version, expires: metadata.signed.header.expires,
      changes: try ChannelRepository.changes(from: previous, to: metadata.signed, channel: channel),
      signers: Set(signers.map(name)).sorted())
  }
}
