internal import Bytes
internal import Channels
internal import Fleet
internal import FoundationEssentials
internal import Glibc
internal import Logging
internal import Manifest
internal import ServerCore
internal import ServiceLifecycle
internal import Signing
internal import Synchronization
internal import UpdateFramework

/// Follows the repository: whatever its verified metadata say of channels, boot decisions say within a second (a
/// directory) or an interval (an address). What cannot be trusted changes nothing, and is said.
package final class ChannelFollower: Sendable {
  let settings: RepositorySettings
  let director: BootDirector
  let importer: ReleaseImporter
  let health: ServerHealth
  let metrics: ChannelMetrics
  let logger: Logger
  let trust: LocalMetadata
  /// What may be served.
  let verdicts: GateVerdicts
  /// What the API shows.
  let view = Mutex(RepositoryView())
  /// The online key, once it was unlocked.
  let unlocked = Mutex<(any Signer)?>(nil)
  /// Proposals that were found merged, and when they were written.
  let merged = Mutex<[String: FileTimes]>([:])
  /// Where proposals are that git keeps.
  let gitProposals: String
  private let state = Mutex(State())

  private struct State: Sendable {
    /// What was said last about a subject, so that it is said once.
    var said: [String: String] = [:]
    var histories: [String: [ChannelEvent]] = [:]
  }

  /// How often a directory is looked at.
  static let glance = Duration.milliseconds(200)

  init(
    _ settings: RepositorySettings, state: String, director: BootDirector, health: ServerHealth,
    metrics: ChannelMetrics, logger: Logger
  ) throws {
    self.settings = settings
    self.director = director
    importer = ReleaseImporter(library: director.library)
    self.health = health
    self.metrics = metrics
    self.logger = logger
    let (local, beginning) = try Self.trust(settings, state: state)
    trust = local
    verdicts = GateVerdicts(state: state)
    gitProposals = GitFollower.proposalsPath(state: state)
    director.follow(ChannelTable(source: settings.from, problem: "it was not asked yet"))
    if beginning == .anew {
      event(
        .warning, "repository",
        "\(settings.root) has nothing to do with the root that was trusted until now: what was trusted is forgotten, and older versions than those that were seen are taken again"
      )
    }
  }

  /// The directory of trusted metadata, begun with the operator's root. Another root begins it anew.
  /// - Returns: What became of what was trusted before.
  static func trust(
    _ settings: RepositorySettings, state: String
  ) throws -> (local: LocalMetadata, beginning: LocalMetadata.Beginning) {
    let directory = "\(state)/trust"
    let local = LocalMetadata(directory: directory)
    let copy = "\(directory)/operator-root"
    guard let given = FileManager.default.contents(atPath: settings.root) else {
      throw ServerError(
        .badValue,
        "cannot read \(settings.root), the root metadata to trust (repository.root): copy 1.root.json there from somebody whom you trust"
      )
    }
    var beginning = LocalMetadata.Beginning.goesOn
    if FileManager.default.contents(atPath: copy) != given || local.trusted("root", limit: 512 << 10) == nil {
      beginning = try local.initialize(root: [UInt8](given))
      try given.write(to: URL(fileURLWithPath: copy), options: .atomic)
    }
    return (local, beginning)
  }

  var address: String {
    ChannelClient.address(of: settings.from)
  }

  /// A client of the trusted metadata, of which there is one at a time.
  private func open(_ fetcher: any Fetcher) async throws -> ChannelClient {
    for _ in 0..<100 {
      do {
        return try ChannelClient(trust: trust, fetcher: fetcher, url: address)
      } catch let error as UpdateError where error.code == .conflict {
        // The one before is just going away.
        try await Task.sleep(for: .milliseconds(20))
      }
    }
    return try ChannelClient(trust: trust, fetcher: fetcher, url: address)
  }

  /// One look: refresh, import what is new, decide from then on by what was found.
  /// - Parameter fetcher: Whom to ask.
  func refresh(_ fetcher: any Fetcher) async {
    do {
      let client = try await open(fetcher)
      let survey = try await client.survey()
      let old = director.channels
      var table = ChannelTable(
        survey, source: settings.from, before: old, library: director.library, verdicts: verdicts)
      // What is here already counts at once; the rest when it has come.
      publish(table, survey, isFinal: false)
      for channel in survey.channels {
        await bring(channel, in: survey, client, &table)
      }
      importer.forget(except: Set(survey.channels.flatMap { $0.entries.map(\.release) }))
      publish(table, survey, isFinal: true)
      verdicts.keep(table)
      metrics.refreshes.increment("valid")
      say("repository", nil, "the repository \(settings.from) is valid again")
      if !(fetcher is LastTrusted) { await look(at: survey, client) }
    } catch is CancellationError {
      return
    } catch {
      metrics.refreshes.increment("refused")
      fail("\(error)")
    }
    warn()
  }

  /// Looks whether the channel's gates are open for what it names, and imports what the library lacks of it, or has with a
  /// damaged file.
  private func bring(
    _ channel: ChannelSurvey.Channel, in survey: ChannelSurvey, _ client: ChannelClient,
    _ table: inout ChannelTable
  ) async {
    for entry in channel.entries {
      guard let new = ChannelTable.Entry(entry, channel, survey) else { continue }
      let isHere = director.library.has(new.release)
      if isHere, verdicts.isGood(new, in: channel.name) { continue }
      let subject = "import \(entry.release) to \(channel.name)"
      do {
        if isHere {
          // It came by another channel, or by hand: nobody has asked yet whether it may be here.
          if !isOpen(to: new, in: channel) {
            try await client.judge(client.current(entry.image, in: channel.name))
          }
          verdicts.note(new, in: channel.name)
          say(subject, nil, nil)
          continue
        }
        let isRepair = director.library[new.release] != nil
        let current = try await client.current(entry.image, in: channel.name)
        if let note = try await importer.bring(current, from: client) {
          event(.warning, "repository", "\(entry.image) \(entry.version) of \(channel.name): \(note)")
        }
        director.library.check(new.release)
        verdicts.note(new, in: channel.name)
        if isRepair {
          event(
            .info, "repository",
            "\(entry.image) \(entry.version), which was damaged, is repaired from the repository")
        }
        metrics.imports.increment("imported")
        say(subject, nil, "imported \(entry.image) \(entry.version) from the repository")
      } catch {
        metrics.imports.increment("refused")
        table.channels[channel.name]?.problem =
          "\(entry.image) \(entry.version) of the repository cannot be served: \(error)"
        say(
          subject, "\(channel.name) names \(entry.image) \(entry.version), which cannot be served: \(error)",
          nil)
        continue
      }
    }
    let problem = table.channels[channel.name]?.problem
    var settled = ChannelTable.Channel(
      channel, in: survey, before: table.channels[channel.name], library: director.library,
      verdicts: verdicts)
    if settled.coming != nil, let problem {
      settled.coming = nil
      settled.problem = problem
    }
    table.channels[channel.name] = settled
  }

  /// Whether a channel without any gates names a release that is here, as what it is: then nobody has to be asked.
  private func isOpen(to entry: ChannelTable.Entry, in channel: ChannelSurvey.Channel) -> Bool {
    guard channel.policy == ChannelPolicy(), let release = director.library[entry.release] else {
      return false
    }
    return release.name == entry.image && release.version == entry.version
  }

  /// Boot decisions go by this from now on.
  /// - Parameter isFinal: Whether everything that could be brought is here.
  private func publish(_ table: ChannelTable, _ survey: ChannelSurvey, isFinal: Bool) {
    let old = director.channels
    director.follow(table)
    for (name, channel) in table.channels.sorted(by: { $0.key < $1.key }) {
      for entry in channel.entries {
        let before = old?.channels[name]?.entries.first { $0.image == entry.image }
        guard before?.release != entry.release, before != nil || old?.problem == nil else { continue }
        event(
          .info, "promoted",
          "\(name) is at \(entry.image) \(entry.version) (sha256:\(entry.release.hex))\(entry.rollbackFrom.map { ", rolled back from \($0)" } ?? ""): \(entry.reason)"
        )
      }
      guard isFinal else { continue }
      say("channel \(name)", channel.problem.map { "channel \(name): \($0)" }, nil, at: .warning)
    }
    let roles = survey.roles + survey.channels.compactMap(\.role)
    metrics.set(
      isValid: true, expiries: roles.map { ($0.name, $0.expires.seconds) },
      versions: survey.channels.compactMap { channel in channel.role.map { (channel.name, $0.version) } })
    view.withLock { $0.set(survey, table) }
  }

  /// Nothing new can be trusted: what there is counts until it expires.
  private func fail(_ problem: String) {
    var table = director.channels ?? ChannelTable(source: settings.from)
    table.problem = problem
    director.follow(table)
    view.withLock { $0.problem = problem }
    say("repository", "the repository \(settings.from) is refused: \(problem)", nil)
  }

  /// Warns before metadata expire, and when they have.
  func warn() {
    let now = Int(director.clock() / 1000)
    let view = view.withLock(\.self)
    for role in view.roles {
      let margin = min(settings.warnDays * 86400, role.lifetime / 2)
      let left = role.expires - now
      let problem: String? =
        left <= 0
        ? "the \(role.name) metadata of the repository expired on \(MetadataTime.text(Int64(role.expires)))"
        : left < margin
          ? "the \(role.name) metadata of the repository expire on \(MetadataTime.text(Int64(role.expires))): have them signed anew"
          : nil
      say("expiry \(role.name)", problem, nil, at: left <= 0 ? .error : .warning)
    }
    let expired = Self.expired(view, now)
    let isValid = expired.isEmpty && !view.roles.isEmpty
    metrics.set(isValid: isValid && view.problem == nil)
    health.set(
      "repository",
      isValid
        ? nil
        : "nothing is served from channels: "
          + (expired.first.map { "the \($0.name) metadata of the repository expired" } ?? view.problem
            ?? "the repository was not asked yet"))
  }

  /// The roles without which nothing counts, as far as they have expired.
  private static func expired(_ view: RepositoryView, _ now: Int) -> [RepositoryView.Role] {
    view.roles.filter { ["root", "timestamp", "snapshot", "targets"].contains($0.name) && $0.expires <= now }
  }

  /// Whether the last look came to something, which has not expired.
  func isValid(_ view: RepositoryView) -> Bool {
    view.problem == nil && !view.roles.isEmpty
      && Self.expired(view, Int(director.clock() / 1000)).isEmpty
  }

  /// Reads histories, the list of releases and proposals, for the API.
  private func look(at survey: ChannelSurvey, _ client: ChannelClient) async {
    var histories = state.withLock(\.histories)
    for channel in survey.channels {
      do {
        histories[channel.name] = try await client.history(
          of: channel, in: survey, known: histories[channel.name] ?? [])
      } catch {
        logger.warning("the history of the channel \(channel.name) is not to be had: \(error)")
      }
    }
    let releases = (try? await client.releases()) ?? []
    state.withLock { [histories] in $0.histories = histories }
    view.withLock { [histories] view in
      view.histories = histories
      view.releases = releases
    }
  }

  /// Logs and notes a problem once, and once more when it is over.
  func say(_ subject: String, _ problem: String?, _ over: String?, at severity: FleetEvent.Severity = .error)
  {
    let before = state.withLock { state in
      defer { state.said[subject] = problem }
      return state.said[subject]
    }
    guard problem != before else { return }
    if let problem {
      event(severity, "repository", problem)
    } else if let over {
      event(.info, "repository", over)
    }
  }

  func event(_ severity: FleetEvent.Severity, _ kind: String, _ message: String) {
    director.log(director.clock(), severity, kind, nil, message)
    switch severity {
    case .info: logger.notice("\(message)")
    case .warning: logger.warning("\(message)")
    case .error: logger.error("\(message)")
    }
  }
}
