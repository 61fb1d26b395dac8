package import Bytes
internal import Signing
package import UpdateFramework

/// A repository of releases and channels: what can be read from its metadata, and the changes that people
/// propose.
///
/// Every change is a ``Proposal``; it becomes real when enough of those who hold the role have signed it.
package struct ChannelRepository: Sendable {
  package let directory: RepositoryDirectory
  package let state: Repository

  /// Whether the state was fetched: only what lies in `directory` was, and only what is signed is believed.
  let isRemote: Bool

  /// A state that was fetched and verified.
  /// - Parameter directory: Has what else was fetched: earlier versions of channels, and evidence.
  init(fetched state: Repository, into directory: RepositoryDirectory) {
    self.directory = directory
    self.state = state
    isRemote = true
  }

  /// - Throws: `repository` if there is none, or an `UpdateError` that says whose metadata are wrong.
  package init(_ directory: RepositoryDirectory) throws {
    self.directory = directory
    isRemote = false
    guard let state = try Repository.load(directory) else {
      throw ChannelError(.repository, "\(directory.path) is no repository; begin one with netimg repo init")
    }
    self.state = state
  }

  /// A channel as the repository delegates it.
  package struct Channel: Sendable {
    package let name: String
    package let policy: ChannelPolicy
    package let keys: RoleKeys
    /// The current metadata; `nil` before the first are merged.
    package let metadata: Metadata<TargetsRole>?

    /// Why nothing may be promoted to it at the moment; `nil` if it is open.
    package var frozen: String? { metadata?.signed.header.frozen }

    /// What is current, by image.
    package func entries() throws -> [ChannelEntry] {
      try Channel.entries(of: metadata?.signed, channel: name)
    }

    static func entries(of role: TargetsRole?, channel: String) throws -> [ChannelEntry] {
      let prefix = "channels/\(channel)/"
      return try (role?.targets ?? [:]).sorted { $0.key < $1.key }.compactMap { path, file in
        guard path.text.hasPrefix(prefix) else { return nil }
        return try ChannelEntry(image: String(path.text.dropFirst(prefix.count)), file)
      }
    }
  }

  /// The roles that are channels, in the order of the manifest, each with what it is or why that cannot be said.
  func delegatedChannels() -> [(role: ExactString, channel: Result<Channel, ChannelError>)] {
    guard case .listed(let roles) = state.targets["targets"]?.signed.delegations?.roles else { return [] }
    return roles.compactMap { role in
      do throws(ChannelError) {
        guard let policy = try ChannelPolicy(role), let name = Names.channel(ofRole: role.name) else {
          return nil
        }
        return (
          role.name,
          .success(Channel(name: name, policy: policy, keys: role.keys, metadata: state.targets[role.name]))
        )
      } catch {
        return (role.name, .failure(error))
      }
    }
  }

  /// The channels, in the order of the manifest.
  /// - Throws: `malformed` for gates that no manifest gives.
  package func channels() throws -> [Channel] { try delegatedChannels().map { try $0.channel.get() } }

  /// - Throws: `unknownChannel`, or `malformed` for gates that no manifest gives.
  package func channel(_ name: String) throws -> Channel {
    let channels = delegatedChannels()
    guard let found = channels.first(where: { $0.role == Names.role(ofChannel: name) }) else {
      let names = channels.compactMap { Names.channel(ofRole: $0.role) }.joined(separator: ", ")
      throw ChannelError(.unknownChannel, "there is no channel '\(name)'; there are \(names)")
    }
    return try found.channel.get()
  }

  /// The releases that were published, by image and then as dpkg orders versions.
  package func releases() -> [PublishedRelease] {
    Self.releases(state.targets[Names.releases]?.signed.targets ?? [:])
  }

  static func releases(_ targets: [ExactString: TargetFile]) -> [PublishedRelease] {
    targets.compactMap { path, file in
      let parts = path.text.split(separator: "/")
      guard parts.count == 4 else { return nil }
      return PublishedRelease(image: String(parts[1]), version: String(parts[2]), file: file)
    }
    .sorted { ($0.image, Versions.key($0.version)) < ($1.image, Versions.key($1.version)) }
  }

  /// - Throws: `unknownRelease`.
  package func release(_ image: String, _ version: String) throws -> PublishedRelease {
    if let file = state.targets[Names.releases]?.signed.targets[Names.release(image, version)] {
      return PublishedRelease(image: image, version: version, file: file)
    }
    let versions = releases().filter { $0.image == image }.suffix(5).map(\.version)
    throw ChannelError(
      .unknownRelease,
      "\(image) \(version) is not published; "
        + (versions.isEmpty
          ? "nor is any other of that image" : "the newest are \(versions.joined(separator: ", "))"))
  }

  /// What people call a key.
  package func name(ofKey keyID: ExactString) -> String {
    for unknown in [state.targets["targets"]?.signed.delegations?.unknown, state.root.signed.header.unknown] {
      let names = unknown?.first { $0.name == RepositoryPlan.namesMember }?.value
      if let name = names?[keyID.text]?.text { return name }
    }
    return String(keyID.text.prefix(16))
  }
}

extension RoleHeader {
  static let frozenMember = "x-frozen"

  /// Why the channel is frozen.
  var frozen: String? {
    get { unknown.first { $0.name == Self.frozenMember }?.value.text }
    set {
      unknown.removeAll { $0.name == Self.frozenMember }
      if let newValue { unknown.append(JSONMember(Self.frozenMember, .string(newValue))) }
    }
  }
}
