internal import Bytes
internal import Channels
internal import UpdateFramework

extension ChannelTable {
  /// What a repository says, as far as its releases are in the library and were found good.
  /// - Parameter before: What was served until now: it stays where something new cannot be served yet.
  init(
    _ survey: ChannelSurvey, source: String, before: ChannelTable? = nil, library: ReleaseLibrary,
    verdicts: GateVerdicts
  ) {
    self.init(source: source)
    for channel in survey.channels {
      channels[channel.name] = Channel(
        channel, in: survey, before: before?.channels[channel.name], library: library, verdicts: verdicts)
    }
  }
}

extension ChannelTable.Channel {
  init(
    _ channel: ChannelSurvey.Channel, in survey: ChannelSurvey, before: ChannelTable.Channel?,
    library: ReleaseLibrary, verdicts: GateVerdicts
  ) {
    if let problem = channel.problem {
      self.init(entries: before?.entries ?? [], problem: problem)
      return
    }
    self.init(entries: [])
    for entry in channel.entries {
      if let new = ChannelTable.Entry(entry, channel, survey), library[new.release] != nil,
        verdicts.isGood(new, in: channel.name)
      {
        entries.append(new)
      } else {
        coming = "\(entry.image) \(entry.version)"
        if let old = before?.entries.first(where: { $0.image == entry.image }) { entries.append(old) }
      }
    }
  }
}

extension ChannelTable.Entry {
  /// `nil` if the metadata name no digest.
  init?(_ entry: ChannelEntry, _ channel: ChannelSurvey.Channel, _ survey: ChannelSurvey) {
    guard let digest = SHA256Digest(hex: entry.release), let role = channel.role else { return nil }
    let first = ([role] + survey.roles).min { ($0.expires, $0.name) < ($1.expires, $1.name) } ?? role
    self.init(
      image: entry.image, version: entry.version, release: digest, reason: entry.reason,
      time: entry.time.description, rollbackFrom: entry.rollbackFrom, channelVersion: role.version,
      validUntil: Int64(first.expires.seconds), firstToExpire: first.name)
  }
}
