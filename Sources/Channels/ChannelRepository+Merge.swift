internal import Bytes
package import UpdateFramework

extension ChannelRepository {
  /// How far the clocks of those who propose and merge may differ, in seconds.
  private static let clockSkew = 600
  /// How long a promotion may wait for its signatures, in seconds.
  private static let patience = 30 * 86400

  /// Looks at all gates once more, as they are when a proposal is merged, and puts the files in place that
  /// its channels name: each is a release.json that is published already. Whoever merges calls it before.
  /// - Throws: `unknownRelease`, `frozen`, `gate`, `replaced`, `badRelease`, `malformed`.
  package func prepareMerge(of proposal: Proposal, now: UpdateTime) throws {
    try Self.checkDelegations(of: proposal)
    try checkReleases(in: proposal)
    var known: Set<ExactString> = []
    for found in delegatedChannels() {
      known.insert(found.role)
      guard let new = proposal.targets[found.role]?.signed else { continue }
      guard new.targets != state.targets[found.role]?.signed.targets else { continue }
      // One whose gates cannot be read takes nothing; a proposal that mends them is another one.
      try prepare(found.channel.get(), new, now)
    }
    try Self.checkNewChannels(of: proposal, known: known)
  }

  /// Looks at a proposal that begins a repository.
  /// - Throws: `gate`, `malformed`.
  package static func checkBeginning(_ proposal: Proposal) throws {
    try checkDelegations(of: proposal)
    try checkNewChannels(of: proposal, known: [])
  }

  private func prepare(_ channel: Channel, _ new: TargetsRole, _ now: UpdateTime) throws {
    let before = try channel.entries()
    let after = try Channel.entries(of: new, channel: channel.name)
    // Thawed by the same proposal counts as frozen still: one thing after the other.
    let isFrozen = channel.frozen != nil || new.header.frozen != nil
    if isFrozen, !before.allSatisfy({ old in after.contains { $0.image == old.image } }) {
      throw frozen(channel)
    }
    for entry in after where !before.contains(entry) {
      try check(entry, in: channel, isFrozen: isFrozen, now: now)
      try checkTime(of: entry, in: channel, before, now)
      let release = try release(entry.image, entry.version)
      let path = Names.current(entry.image, in: channel.name)
      guard let file = new.targets[path] else { continue }
      try directory.copyTarget(
        Names.release(entry.image, entry.version).text, release.file, to: path.text, file)
    }
  }

  /// Whoever proposes writes the time: it may be neither ahead nor made older than it is.
  private func checkTime(
    of entry: ChannelEntry, in channel: Channel, _ before: [ChannelEntry], _ now: UpdateTime
  ) throws {
    let what =
      "\(entry.image) \(entry.version) for \(channel.name) says that it was proposed at \(entry.time)"
    guard entry.time <= now.advanced(by: Self.clockSkew) else {
      throw ChannelError(.gate, "\(what), but it is \(now); check the clocks, and propose it anew")
    }
    guard entry.time >= now.advanced(by: -Self.patience) else {
      throw ChannelError(.gate, "\(what), which is more than 30 days ago; propose it anew")
    }
    guard let last = before.map(\.time).max(), entry.time < last.advanced(by: -Self.clockSkew) else { return }
    throw ChannelError(
      .gate, "\(what), but the channel was changed by what was proposed at \(last); propose it anew")
  }

  /// What is published stays as it is, and what is added is here, and is what it is called.
  /// - Throws: `replaced`, `malformed`, `badRelease`.
  func checkReleases(in proposal: Proposal) throws {
    guard let new = proposal.targets[Names.releases]?.signed else { return }
    let old = state.targets[Names.releases]?.signed.targets ?? [:]
    for (path, file) in old {
      guard let found = new.targets[path], found.length == file.length, found.digests == file.digests else {
        throw ChannelError(
          .replaced,
          "the proposal \(new.targets[path] == nil ? "removes" : "replaces") \(path), which is published; a "
            + "release is never replaced: raise the version")
      }
    }
    for (path, file) in new.targets where old[path] == nil {
      let release = Self.releases([path: file]).first
      guard let release, Names.release(release.image, release.version) == path else {
        throw ChannelError(.malformed, "\(UpdateError.printable(path.text)) is no path of a release")
      }
      _ = try manifest(of: release)
    }
  }

  /// The gates that a proposal brings must be such that can be looked at, and nobody else may sign for a channel.
  private static func checkDelegations(of proposal: Proposal) throws {
    guard case .listed(let roles) = proposal.targets["targets"]?.signed.delegations?.roles else { return }
    for role in roles {
      let name = UpdateError.printable(role.name.text)
      let channel = Names.channel(ofRole: role.name)
      let hasGates = try ChannelPolicy(role) != nil
      guard hasGates == (channel != nil) else {
        throw ChannelError(
          .malformed,
          hasGates
            ? "the delegation to \(name) has gates, but a channel's role is called channel-NAME; rename it"
            : "the delegation to \(name) has no gates (x-channel), which every channel's has; add them")
      }
      if let channel, role.scope != .paths(["channels/\(channel)/*"]) {
        throw ChannelError(
          .malformed, "the delegation to \(name) must be for the paths channels/\(channel)/* and no other")
      }
    }
  }

  /// A channel that a proposal makes has no gates yet that anybody could have looked at: it begins empty.
  private static func checkNewChannels(of proposal: Proposal, known: Set<ExactString>) throws {
    for (role, metadata) in proposal.targets
    where !known.contains(role) && role.text.hasPrefix(Names.channelPrefix)
      && !metadata.signed.targets.isEmpty
    {
      throw ChannelError(
        .gate,
        "\(UpdateError.printable(role.text)) is new, and a new channel begins empty; merge it first, and promote "
          + "then")
    }
  }
}
