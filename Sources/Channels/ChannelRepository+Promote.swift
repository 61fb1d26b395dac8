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
    let last = try newest(image, in: channel)
    let entry = ChannelEntry(
      image: image, version: version, release: release.digest, reason: reason, time: now,
      rollbackFrom: isRollback ? last?.version ?? "nothing" : nil)
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

  /// What a channel has of an image, or had last.
  private func newest(_ image: String, in channel: Channel) throws -> ChannelEntry? {
    try channel.entries().first { $0.image == image } ?? lastEntry(of: image, in: channel)
  }

  func check(_ entry: ChannelEntry, in channel: Channel, isFrozen: Bool, now: UpdateTime) throws {
    let release = try release(entry.image, entry.version)
    guard release.digest == entry.release else {
      throw ChannelError(
        .gate,
        "\(entry.image) \(entry.version) is published as \(release.digest), and not as \(entry.release)")
    }
    guard !isFrozen else { throw frozen(channel) }
    if let current = try channel.entries().first(where: { $0.image == entry.image }),
      current.release == entry.release
    {
      throw ChannelError(
        .gate, "\(entry.image) \(entry.version) is what \(channel.name) has already; there is nothing to do")
    }
    let isOlder = try checkOrder(entry, in: channel)
    // A release that the channel had once came through its gates then; any other goes through them now.
    let hadIt = try isOlder && !stays(of: entry.image, entry.release, in: channel).isEmpty
    if !hadIt { try checkWay(entry, to: channel, now) }
    try checkRelease(entry, in: channel)
  }

  func frozen(_ channel: Channel) -> ChannelError {
    ChannelError(
      .frozen,
      "the channel \(channel.name) is frozen\(channel.frozen.map { " (\($0))" } ?? ""); unfreeze it with "
        + "netimg channel unfreeze first")
  }

  /// Nothing becomes older without saying so, and from what.
  /// - Returns: Whether it is a rollback.
  private func checkOrder(_ entry: ChannelEntry, in channel: Channel) throws -> Bool {
    let last = try newest(entry.image, in: channel)
    let has = last?.version ?? "nothing"
    let isOlder = last.map { Versions.key(entry.version) < Versions.key($0.version) } ?? false
    guard isOlder == (entry.rollbackFrom != nil) else {
      throw ChannelError(
        .gate,
        isOlder
          ? "\(channel.name) has \(has), and \(entry.version) is older; if that is meant, say netimg rollback"
          : "\(channel.name) has \(has), and \(entry.version) is not older; say netimg promote")
    }
    guard !isOlder || entry.rollbackFrom == has else {
      throw ChannelError(
        .gate,
        "it says that it rolls back from \(entry.rollbackFrom ?? ""), but \(channel.name) has \(has); propose it anew"
      )
    }
    return isOlder
  }
}
