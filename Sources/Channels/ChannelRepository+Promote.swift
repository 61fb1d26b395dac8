internal import Bytes
package import UpdateFramework

extension ChannelRepository {
  /// Proposes that a channel's current release of an image be another one. All gates are looked at before.
  /// - Parameter isRollback: Says that an older version is meant; the channel's metadata will say so too.
  /// - Throws: `unknownChannel`, `unknownRelease`, `frozen`, `gate`.
  package func promote(
    _ image: String, _ version: String, to channelName: String, reason: String, isRollback: Bool = false,
    now: UpdateTime
  ) throws -> Proposal {
    let channel = try channel(channelName)
    let release = try release(image, version)
    let current = try channel.entries().first { $0.image == image }
    let entry = ChannelEntry(
      image: image, version: version, release: release.digest, reason: reason, time: now,
      rollbackFrom: isRollback ? current?.version ?? "nothing" : nil)
    try check(entry, in: channel, isFrozen: channel.frozen != nil, now: now)
    var file = release.file
    file.custom = entry.custom
    file.unknown = []
    var draft = RepositoryDraft(state, now: now)
    draft.edit(Names.role(ofChannel: channelName)) {
      $0.targets[Names.current(image, in: channelName)] = file
    }
    let verb = isRollback ? "roll back" : "promote"
    return try draft.proposal(reason: "\(verb) \(image) \(version) in \(channelName): \(reason)")
  }

  /// Proposes that nothing may be promoted to a channel, or that it may be again (`reason` is `nil`).
  /// - Throws: `unknownChannel`, `frozen` if it is so already.
  package func freeze(_ channelName: String, reason: String?, now: UpdateTime) throws -> Proposal {
    let channel = try channel(channelName)
    guard (channel.frozen == nil) == (reason != nil) else {
      throw ChannelError(
        .frozen, "the channel \(channelName) is \(reason == nil ? "not frozen" : "frozen already")")
    }
    var draft = RepositoryDraft(state, now: now)
    draft.edit(Names.role(ofChannel: channelName)) { $0.header.frozen = reason }
    return try draft.proposal(
      reason: reason.map { "freeze \(channelName): \($0)" } ?? "unfreeze \(channelName)")
  }

  /// Looks at all gates once more, as they are when a proposal is merged, and puts the files in place that
  /// its channels name: each is a release.json that is published already. Whoever merges calls it before.
  /// - Throws: `unknownRelease`, `frozen`, `gate`, `malformed`, `replaced`, `badRelease`.
  package func prepareMerge(of proposal: Proposal, now: UpdateTime) throws {
    try checkReleases(in: proposal)
    for channel in try channels() {
      guard let new = proposal.targets[Names.role(ofChannel: channel.name)]?.signed else { continue }
      let before = try channel.entries()
      for entry in try Channel.entries(of: new, channel: channel.name) where !before.contains(entry) {
        // Thawed by the same proposal counts as frozen still: one thing after the other.
        try check(entry, in: channel, isFrozen: channel.frozen != nil || new.header.frozen != nil, now: now)
        let release = try release(entry.image, entry.version)
        let path = Names.current(entry.image, in: channel.name)
        guard let file = new.targets[path] else { continue }
        try directory.copyTarget(
          Names.release(entry.image, entry.version).text, release.file, to: path.text, file)
      }
    }
  }

  private func check(_ entry: ChannelEntry, in channel: Channel, isFrozen: Bool, now: UpdateTime) throws {
    let release = try release(entry.image, entry.version)
    guard release.digest == entry.release else {
      throw ChannelError(
        .gate,
        "\(entry.image) \(entry.version) is published as \(release.digest), and not as \(entry.release)")
    }
    guard !isFrozen else {
      throw ChannelError(
        .frozen,
        "the channel \(channel.name) is frozen\(channel.frozen.map { " (\($0))" } ?? ""); unfreeze it with "
          + "netimg channel unfreeze first")
    }
    let current = try channel.entries().first { $0.image == entry.image }
    if let current, current.release == entry.release {
      throw ChannelError(
        .gate, "\(entry.image) \(entry.version) is what \(channel.name) has already; there is nothing to do")
    }
    let isOlder = current.map { Versions.key(entry.version) < Versions.key($0.version) } ?? false
    guard isOlder == (entry.rollbackFrom != nil) else {
      let has = current?.version ?? "nothing"
      throw ChannelError(
        .gate,
        isOlder
          ? "\(channel.name) has \(has), and \(entry.version) is older; if that is meant, say netimg rollback"
          : "\(channel.name) has \(has), and \(entry.version) is not older; say netimg promote")
    }
    // A release that the channel had once came through its gates then; any other goes through them now.
    let hadIt = try isOlder && arrival(of: entry, in: channel.name) != nil
    if !hadIt { try checkGates(channel, entry, now) }
    try checkRelease(entry, in: channel)
  }

  private func checkGates(_ channel: Channel, _ entry: ChannelEntry, _ now: UpdateTime) throws {
    guard let after = channel.policy.after else { return }
    guard let arrival = try arrival(of: entry, in: after) else {
      throw ChannelError(
        .gate,
        "\(entry.image) \(entry.version) has never been in \(after), which comes before \(channel.name); "
          + "promote it there first")
    }
    let due = arrival.time.advanced(by: channel.policy.soakHours * 3600)
    guard due <= now else {
      throw ChannelError(
        .gate,
        "\(entry.image) \(entry.version) is in \(after) since \(arrival.time), and \(channel.name) demands "
          + "\(channel.policy.soakHours) hours; try again at \(due)")
    }
  }

  /// When a release came into a channel first.
  private func arrival(of entry: ChannelEntry, in channelName: String) throws -> ChannelEntry? {
    guard isRemote else {
      return try history(of: channelName).lazy.flatMap(\.changes).compactMap(\.entry).first {
        $0.image == entry.image && $0.release == entry.release
      }
    }
    // Old versions are in no snapshot: what the server says of them counts if the channel's owners have signed it.
    let channel = try channel(channelName)
    let keys = state.targets["targets"]?.signed.delegations?.keys ?? [:]
    for version in 1..<((channel.metadata?.signed.header.version ?? 0) + 1) {
      guard let metadata = try directory.targets(Names.role(ofChannel: channelName), version: version),
        metadata.signed.header.version == version, metadata.tally(channel.keys, keys: keys).isMet
      else { continue }
      let found = try Channel.entries(of: metadata.signed, channel: channelName).first {
        $0.image == entry.image && $0.release == entry.release
      }
      if let found { return found }
    }
    return nil
  }
}
