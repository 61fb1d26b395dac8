internal import Bytes
internal import Transfers
internal import UpdateFramework

extension ChannelClient {
  /// At most so many earlier versions of the root and of the top-level targets are asked for.
  private static let pastVersions = 64

  /// What happened in a channel: its last versions, the oldest first. What was read before is not asked for again.
  /// - Parameters:
  ///   - known: What was read before of the same channel.
  ///   - count: At most so many versions.
  /// - Throws: An `UpdateError` for a version that cannot be had.
  package func history(
    of channel: ChannelSurvey.Channel, in survey: ChannelSurvey, known: [ChannelEvent] = [], count: Int = 50
  ) async throws -> [ChannelEvent] {
    guard let last = channel.role?.version, last >= 1 else { return [] }
    let first = max(1, last - count + 1)
    var events = known.filter { $0.version >= first && $0.version <= last }
    let next = (events.last?.version).map { $0 + 1 } ?? first
    guard next <= last else { return events }
    let role = Names.role(ofChannel: channel.name)
    let trusted = await updater.trusted
    var past = PastMetadata(
      root: trusted.root.signed, targets: trusted.targets(of: "targets")?.signed, limits: limits)
    var isComplete = false
    var previous: TargetsRole?
    // One before the first, to see what that one changed.
    for version in max(1, next - 1)...last {
      let metadata = try await metadata(role, version: version)
      var verdict = past.verdict(on: metadata, of: role, version: version)
      if !verdict.isSigned, !isComplete {
        try await complete(&past)
        isComplete = true
        verdict = past.verdict(on: metadata, of: role, version: version)
      }
      if version >= next {
        events.append(
          try ChannelEvent(metadata, verdict, version: version, after: previous, channel: channel.name) {
            survey.names[$0.text] ?? String($0.text.prefix(16))
          })
      }
      if verdict.isSigned { previous = metadata.signed }
    }
    return events
  }

  /// How far back the release before is looked for.
  private static let lookback = 16

  /// Nothing becomes older without saying so, and from what: compares with what the channel had before, as far as the mirror
  /// still has that.
  /// - Throws: `gate`.
  func checkOrder(_ current: Current) async throws {
    let trusted = await updater.trusted
    var past = PastMetadata(
      root: trusted.root.signed, targets: trusted.targets(of: "targets")?.signed, limits: limits)
    var isComplete = false
    let role = current.target.role
    for version in (1..<max(1, current.channelVersion)).reversed().prefix(Self.lookback) {
      let file = "metadata/\(version).\(role.text).json"
      guard let bytes = try await fetchIfPresent(file, limit: limits.targetsLength),
        let metadata = try? Metadata<TargetsRole>(bytes, role: role.text, limit: limits.targetsLength)
      else { return }
      var isSigned = past.verdict(on: metadata, of: role, version: version).isSigned
      if !isSigned, !isComplete {
        try await complete(&past)
        isComplete = true
        isSigned = past.verdict(on: metadata, of: role, version: version).isSigned
      }
      guard isSigned else { return }
      // Without the image, or renewed: what was before that?
      guard let file = metadata.signed.targets[current.target.path],
        let before = try? ChannelEntry(image: current.entry.image, file),
        before.release != current.entry.release
      else { continue }
      let entry = current.entry
      let isOlder = Versions.key(entry.version) < Versions.key(before.version)
      guard entry.rollbackFrom == (isOlder ? before.version : nil) else {
        throw ChannelError(
          .gate,
          "\(entry.image) \(entry.version) came after \(before.version), "
            + (isOlder
              ? "and its metadata do not say that this is a rollback from it"
              : "and its metadata call that a rollback from \(UpdateError.printable(entry.rollbackFrom ?? ""))")
            + "; do not take it, and ask who signed that")
      }
      return
    }
  }

  /// Asks who was to sign in earlier times.
  private func complete(_ past: inout PastMetadata) async throws {
    let trusted = await updater.trusted
    let versions = [
      ("root", trusted.root.signed.header.version, limits.rootLength),
      ("targets", trusted.targets(of: "targets")?.signed.header.version ?? 1, limits.targetsLength),
    ]
    for (role, newest, limit) in versions {
      for version in (1..<newest).reversed().prefix(Self.pastVersions) {
        guard let bytes = try await fetchIfPresent("metadata/\(version).\(role).json", limit: limit) else {
          continue
        }
        if role == "root" {
          past.add(root: bytes, version: version)
        } else {
          past.add(targets: bytes, version: version)
        }
      }
    }
  }

  /// A version of a role that was current once. Whoever reads it asks for its signatures.
  private func metadata(_ role: ExactString, version: Int) async throws -> Metadata<TargetsRole> {
    let limit = limits.targetsLength
    let sink = MemorySink(limit: limit)
    try await fetcher.fetch("\(baseURL)/metadata/\(version).\(role.text).json", limit: limit, into: sink)
    return try Metadata(sink.bytes, role: role.text, limit: limit)
  }
}
