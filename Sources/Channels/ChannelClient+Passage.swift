internal import Bytes
package import UpdateFramework

/// The gates `after` and `soakHours`, as far as a client can look at them.
///
/// What it has: the metadata of the channel before, version by version, each a file that those who may sign that channel
/// today must have signed. What it has not: the keys of the past, a reason why an old file is there no more, and any time
/// but what signers claim. So a release that was let past the gates is refused where signatures show it, and what they
/// cannot show is said.
extension ChannelClient {
  /// How a release came to its channel.
  package enum Passage: Sendable, Hashable {
    /// Through the channel before, where it is since that time, as those who signed it there say.
    case through(String, since: UpdateTime)
    /// The channel had it once and was rolled back to it: it need not go through the channel before again.
    case again
    /// Neither shown nor refuted: why.
    case unproved(String)
  }

  /// Versions of a channel that are looked at, from the newest back.
  static let evidenceLimit = 128

  /// Looks for a release in the channel before.
  /// - Returns: `nil` if the channel has no such gate.
  /// - Throws: `gate` if the release was not there, or not for long enough; an `UpdateError` if the repository cannot be
  ///   asked.
  func passage(of current: Current) async throws -> Passage? {
    guard let (channel, policy) = try await policy(of: current), let before = policy.after else { return nil }
    let entry = current.entry
    let now = await clock
    func isSoaked(_ since: UpdateTime) -> Bool {
      policy.soakHours == 0 || since.advanced(by: policy.soakHours * 3600) <= now
    }
    let found = try await search(entry, in: before, until: isSoaked)
    if let since = found.since, isSoaked(since) { return .through(before, since: since) }
    if entry.rollbackFrom != nil {
      let past = try await search(entry, in: channel, before: current.channelVersion) { _ in true }
      if past.since != nil { return .again }
    }
    let release = "\(entry.image) \(entry.version)"
    if let since = found.since {
      // That it was there once before, long ago and unseen, would be strange: it can wait.
      throw ChannelError(
        .gate,
        "\(release) is in \(before) since \(since), and \(channel) demands \(policy.soakHours) hours there: try again at "
          + "\(since.advanced(by: policy.soakHours * 3600)) (it is \(now) here)")
    }
    guard let gap = found.gap else {
      throw ChannelError(
        .gate,
        "\(release) has never been in \(before), which comes before \(channel): somebody let it past the gate, ask those "
          + "who sign \(channel)")
    }
    return .unproved("that \(release) came through \(before) cannot be proved: \(gap)")
  }

  /// What the metadata of a channel say of a release.
  private struct Trace {
    /// Since when it is there, by the earliest claim that was found.
    var since: UpdateTime?
    /// Why older versions could not be looked at; `nil` if all were.
    var gap: String?
  }

  /// Walks back through the versions of a channel.
  /// - Parameters:
  ///   - end: The first version that is not looked at; `nil` to begin with the current one.
  ///   - isEnough: Whether a time ends the search.
  /// - Throws: an `UpdateError` for the current version, which a repository must have, and where it cannot be asked.
  private func search(
    _ entry: ChannelEntry, in channel: String, before end: Int? = nil, until isEnough: (UpdateTime) -> Bool
  ) async throws -> Trace {
    let role = Names.role(ofChannel: channel)
    let path = Names.current(entry.image, in: channel)
    var trace = Trace()
    guard let listed = try await updater.listedVersion(of: role) else {
      // Delegated to and without metadata, it has had nothing.
      if await !isChannel(channel) { trace.gap = "the repository has no channel \(channel) any more" }
      return trace
    }
    let last = end.map { min($0 - 1, listed) } ?? listed
    for version in stride(from: last, through: 1, by: -1) {
      guard last - version < Self.evidenceLimit else {
        trace.gap = "only the last \(Self.evidenceLimit) versions of \(channel) are looked at"
        break
      }
      let content: TargetsRole
      do {
        content = try await updater.evidence(of: role, version: version)
      } catch let error as UpdateError where version < listed && Self.isGap(error.code) {
        trace.gap =
          error.code == .threshold
          ? "version \(version) of \(channel) is not signed by the keys that may sign it today"
          : "version \(version) of \(channel) is not to be had"
        break
      }
      guard let file = content.targets[path], let past = try? ChannelEntry(image: entry.image, file),
        past.release == entry.release
      else { continue }
      trace.since = min(trace.since ?? past.time, past.time)
      if isEnough(past.time) { break }
    }
    return trace
  }

  /// Whether an error is about one old file, and not about the way to the repository.
  private static func isGap(_ code: UpdateError.Code) -> Bool {
    switch code {
    case .notAvailable, .threshold, .malformed, .unsupported, .wrongType, .wrongVersion, .tooLarge: true
    default: false
    }
  }

  /// The time by which soaking is judged: the machine's, and no earlier than when the timestamp was made, if the root says
  /// how long those are good.
  private var clock: UpdateTime {
    get async {
      let trusted = await updater.trusted
      guard let timestamp = trusted.timestamp?.signed.header,
        let lifetime = trusted.root.signed.roles["timestamp"]?.lifetime
      else { return trusted.startTime }
      return max(trusted.startTime, timestamp.expires.advanced(by: -lifetime))
    }
  }

  private func isChannel(_ name: String) async -> Bool {
    let delegations = await updater.trusted.targets(of: "targets")?.signed.delegations
    return delegations?.roleKeys(of: Names.role(ofChannel: name)) != nil
  }

  /// The channel that names a release, and its gates; `nil` if it is none of ours.
  func policy(of current: Current) async throws -> (channel: String, policy: ChannelPolicy)? {
    let delegations = await updater.trusted.targets(of: "targets")?.signed.delegations
    guard case .listed(let roles) = delegations?.roles,
      let delegation = roles.first(where: { $0.name == current.target.role }),
      let policy = try ChannelPolicy(delegation)
    else { return nil }
    return (Names.channel(ofRole: delegation.name) ?? "", policy)
  }
}
