internal import Bytes
package import UpdateFramework

/// One version of a channel's metadata, and what it changed.
package struct ChannelEvent: Sendable {
  /// What happened to one image, or to the channel.
  package struct Change: Sendable {
    /// What is current from then on; `nil` if the image left the channel, or for ``note``.
    package let entry: ChannelEntry?
    /// A change that is about no image: frozen, unfrozen, renewed.
    package let note: String?
  }

  package let version: Int
  package let expires: UpdateTime
  package let changes: [Change]
  /// Whose signatures are right, each once, by what people call them.
  package let signers: [String]
  /// Whether enough of those had signed it who were to sign then. If not, nothing of it counts.
  package let isSigned: Bool
}

extension ChannelEvent {
  /// - Parameters:
  ///   - verdict: Who has signed.
  ///   - previous: The last version before it that counts.
  ///   - name: What people call a key.
  init(
    _ metadata: Metadata<TargetsRole>, _ verdict: PastMetadata.Verdict, version: Int,
    after previous: TargetsRole?, channel: String, name: (ExactString) -> String
  ) throws {
    self.init(
      version: version, expires: metadata.signed.header.expires,
      changes: verdict.isSigned
        ? try ChannelRepository.changes(from: previous, to: metadata.signed, channel: channel)
        : [Change(entry: nil, note: "NOT SIGNED by those who may sign the channel: it counts for nothing")],
      signers: Set(verdict.keyIDs.map(name)).sorted(), isSigned: verdict.isSigned)
  }
}

extension ChannelRepository {
  /// A version of a channel's metadata as it lies there, and whether it counts.
  struct PastVersion {
    /// `nil` for one that was not fetched, and counts for nothing.
    let metadata: Metadata<TargetsRole>?
    let verdict: PastMetadata.Verdict

    /// What it says, if it counts.
    var signed: TargetsRole? { verdict.isSigned ? metadata?.signed : nil }
  }

  /// All versions of a channel's metadata, from the first on.
  /// - Throws: `malformed` for one that is missing in the repository's directory, or an `UpdateError` for one that cannot be read.
  func pastVersions(of channel: Channel) throws -> [PastVersion] {
    let role = Names.role(ofChannel: channel.name)
    let newest = channel.metadata?.signed.header.version ?? 0
    // Who signs today has signed most of it; only if not, it is asked who signed in earlier times.
    var past = PastMetadata(root: state.root.signed, targets: state.targets["targets"]?.signed)
    var isComplete = false
    var versions: [PastVersion] = []
    var version = 0
    while version < newest {
      version += 1
      guard let metadata = try directory.targets(role, version: version) else {
        guard isRemote else { throw missing(version, channel.name) }
        versions.append(
          PastVersion(metadata: nil, verdict: PastMetadata.Verdict(isSigned: false, keyIDs: [])))
        continue
      }
      var verdict = past.verdict(on: metadata, of: role, version: version)
      if !verdict.isSigned, !isComplete {
        past = try directory.past(of: state)
        isComplete = true
        verdict = past.verdict(on: metadata, of: role, version: version)
      }
      versions.append(PastVersion(metadata: metadata, verdict: verdict))
    }
    return versions
  }

  private func missing(_ version: Int, _ channel: String) -> ChannelError {
    ChannelError(
      .malformed,
      isRemote
        ? "the repository has no version \(version) of the channel \(channel); it is not complete"
        : "version \(version) of the channel \(channel) is missing in \(directory.path); restore it")
  }

  /// What happened in a channel, from its beginning: its metadata's own versions.
  /// - Throws: `unknownChannel`, `malformed`, or an `UpdateError` for a version that is missing or damaged.
  package func history(of channelName: String) throws -> [ChannelEvent] {
    var events: [ChannelEvent] = []
    var previous: TargetsRole?
    for (index, version) in try pastVersions(of: channel(channelName)).enumerated() {
      guard let metadata = version.metadata else { throw missing(index + 1, channelName) }
      events.append(
        try ChannelEvent(
          metadata, version.verdict, version: index + 1, after: previous, channel: channelName,
          name: name(ofKey:)))
      previous = version.signed ?? previous
    }
    return events
  }

  static func changes(from old: TargetsRole?, to new: TargetsRole, channel: String) throws -> [ChannelEvent
    .Change]
  {
    let before = try Channel.entries(of: old, channel: channel)
    let after = try Channel.entries(of: new, channel: channel)
    var changes = after.filter { !before.contains($0) }.map { ChannelEvent.Change(entry: $0, note: nil) }
    for entry in before where !after.contains(where: { $0.image == entry.image }) {
      changes.append(ChannelEvent.Change(entry: nil, note: "\(entry.image) left the channel"))
    }
    switch (old?.header.frozen, new.header.frozen) {
    case (let was, let reason?) where was != reason:
      changes.append(ChannelEvent.Change(entry: nil, note: "frozen: \(reason)"))
    case (_?, nil): changes.append(ChannelEvent.Change(entry: nil, note: "unfrozen"))
    default: break
    }
    if changes.isEmpty {
      changes.append(ChannelEvent.Change(entry: nil, note: old == nil ? "made" : "renewed"))
    }
    return changes
  }
}
