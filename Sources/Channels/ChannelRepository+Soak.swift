internal import Bytes
internal import UpdateFramework

extension ChannelRepository {
  /// A time during which a channel had a release of an image without interruption, by versions of its metadata.
  struct Stay {
    let versions: ClosedRange<Int>
    /// When it was proposed, in the proposer's words.
    let proposed: UpdateTime
    /// When its successor was proposed; `nil` if it has none.
    let succeeded: UpdateTime?
    /// Whether it is there still.
    let isCurrent: Bool
  }

  /// When a channel had a release. A version that does not count tells nothing, so it ends whatever lasted until then.
  func stays(of image: String, _ release: String, in channel: Channel) throws -> [Stay] {
    let path = Names.current(image, in: channel.name)
    let versions = try pastVersions(of: channel)
    /// What the channel had then, if that is known.
    func entry(_ index: Int) -> ChannelEntry? {
      guard versions.indices.contains(index) else { return nil }
      return versions[index].signed?.targets[path].flatMap { try? ChannelEntry(image: image, $0) }
    }
    var stays: [Stay] = []
    var index = 0
    while index < versions.count {
      guard let first = entry(index), first.release == release else {
        index += 1
        continue
      }
      let start = index
      while entry(index)?.release == release { index += 1 }
      stays.append(
        Stay(
          versions: start + 1...index, proposed: first.time, succeeded: entry(index)?.time,
          isCurrent: index == versions.count))
    }
    return stays
  }

  /// The newest entry of an image in a channel's history that counts; `nil` if it never had the image.
  func lastEntry(of image: String, in channel: Channel) throws -> ChannelEntry? {
    let path = Names.current(image, in: channel.name)
    return try pastVersions(of: channel).reversed().lazy.compactMap { $0.signed?.targets[path] }.first
      .map { try ChannelEntry(image: image, $0) }
  }

  /// Looks at how a release came to a channel: through the one before, and for long enough.
  /// - Throws: `gate`, `unknownChannel`, `malformed`, or an `UpdateError`.
  func checkWay(_ entry: ChannelEntry, to channel: Channel, _ now: UpdateTime) throws {
    guard let after = channel.policy.after else { return }
    let name = "\(entry.image) \(entry.version)"
    let before = try self.channel(after)
    let stays = try stays(of: entry.image, entry.release, in: before)
    guard let last = stays.last else {
      throw ChannelError(
        .gate,
        "\(name) has never been in \(after), which comes before \(channel.name); promote it there first")
    }
    let hours = channel.policy.soakHours
    guard hours > 0 else { return }
    let clock = SnapshotClock(self, Names.role(ofChannel: after))
    let isSoaked = try stays.contains { stay in
      guard let start = try clock.beginning(of: stay) else { return false }
      return try start.advanced(by: hours * 3600) <= clock.end(of: stay, start, now)
    }
    if isSoaked { return }
    guard last.isCurrent else {
      throw ChannelError(
        .gate,
        "\(name) is in \(after) no more, and was not there for \(hours) hours on end, which \(channel.name) "
          + "demands; promote it there again, and wait")
    }
    guard let start = try clock.beginning(of: last) else {
      throw ChannelError(
        .gate,
        "\(name) is merged to \(after), but no client sees it yet, so the \(hours) hours that \(channel.name) "
          + "demands have not begun; run netimg repo refresh")
    }
    throw ChannelError(
      .gate,
      "\(name) is in \(after) since \(start), and \(channel.name) demands \(hours) hours; try again at "
        + "\(start.advanced(by: hours * 3600))")
  }
}

/// Tells when versions of a role were current: between the snapshots that list them, which say when they were signed. A
/// proposer's clock can only make a stay shorter.
///
/// What was fetched has no old snapshots: there the proposers' words count, and whoever merges judges once more.
private struct SnapshotClock {
  private let directory: RepositoryDirectory
  private let past: PastMetadata
  private let newest: Int
  private let role: ExactString
  private let isRemote: Bool

  init(_ repository: ChannelRepository, _ role: ExactString) {
    directory = repository.directory
    past =
      (try? repository.directory.past(of: repository.state))
      ?? PastMetadata(
        root: repository.state.root.signed, targets: repository.state.targets["targets"]?.signed)
    newest = repository.state.snapshot?.signed.header.version ?? 0
    self.role = role
    isRemote = repository.isRemote
  }

  /// When a stay began, at the latest; `nil` if no client has seen it.
  func beginning(of stay: ChannelRepository.Stay) throws -> UpdateTime? {
    if isRemote { return stay.proposed }
    guard let first = try first(listing: stay.versions.lowerBound), stay.versions.contains(first.role) else {
      return nil
    }
    return max(first.time, stay.proposed)
  }

  /// Until when it lasted, at the least.
  func end(of stay: ChannelRepository.Stay, _ start: UpdateTime, _ now: UpdateTime) throws -> UpdateTime {
    if stay.isCurrent { return now }
    if isRemote { return max(start, stay.succeeded ?? start) }
    let next = try first(listing: stay.versions.upperBound + 1)
    var end = start
    // Its successor was proposed while it was there still; a clock that ran ahead does not count.
    if let succeeded = stay.succeeded { end = max(end, min(succeeded, next?.time ?? now)) }
    if let next, let before = try look(next.snapshot - 1), stay.versions.contains(before.role) {
      end = max(end, before.time)
    }
    return end
  }

  /// What a snapshot says of the role: its version then. One that does not count says nothing.
  private func look(_ snapshot: Int) throws -> (snapshot: Int, role: Int, time: UpdateTime)? {
    guard snapshot > 0, let bytes = try? directory.snapshot(version: snapshot),
      let found = past.snapshot(bytes, version: snapshot), let file = found.content[role: role]
    else { return nil }
    return (snapshot, file.version, found.time)
  }

  /// The first snapshot that lists the version or a later one. Where snapshots are missing it may be a later one, never an
  /// earlier.
  private func first(listing version: Int) throws -> (snapshot: Int, role: Int, time: UpdateTime)? {
    var (low, high) = (1, newest)
    var found: (snapshot: Int, role: Int, time: UpdateTime)?
    while low <= high {
      let middle = low + (high - low) / 2
      if let seen = try look(middle), seen.role >= version {
        found = seen
        high = middle - 1
      } else {
        low = middle + 1
      }
    }
    return found
  }
}
