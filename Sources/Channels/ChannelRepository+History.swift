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
  /// Whose keys signed it that are the channel's today, each once, by what people call them.
  package let signers: [String]
}

extension ChannelRepository {
  /// What happened in a channel, from its beginning: its metadata's own versions.
  /// - Throws: `unknownChannel`, `malformed`, or an `UpdateError` for a version that is missing or damaged.
  package func history(of channelName: String) throws -> [ChannelEvent] {
    let channel = try channel(channelName)
    let role = Names.role(ofChannel: channelName)
    let keys = state.targets["targets"]?.signed.delegations?.keys ?? [:]
    var events: [ChannelEvent] = []
    var previous: TargetsRole?
    for version in 1..<((channel.metadata?.signed.header.version ?? 0) + 1) {
      guard let metadata = try directory.targets(role, version: version) else {
        throw ChannelError(
          .malformed,
          "version \(version) of the channel \(channelName) is missing in \(directory.path); restore it")
      }
      events.append(
        try ChannelEvent(
          metadata, after: previous, channel: channelName, keys: keys, name: name(ofKey:)))
      previous = metadata.signed
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
