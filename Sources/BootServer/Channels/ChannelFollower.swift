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
///
/// Where the roles run apart, the one of `control` asks the repository and hands over what it verified; the one of `boot`
/// verifies that once more, from a root and with a memory of its own, and opens no socket and no key.
package final class ChannelFollower: Sendable {
  /// Whom it asks.
  enum Source: Sendable, Hashable {
    case repository
    /// What the role control hands over, in this directory.
    case handedOver(String)
  }

  let settings: RepositorySettings
  let source: Source
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
    /// Where what was verified is handed over to the role boot; `nil` if that is this process too.
    var mirror: MetadataMirror?
  }

  /// How often a directory is looked at.
  static let glance = Duration.milliseconds(200)

  /// - Parameters:
  ///   - state: The state directory.
  ///   - roles: What this process does.
  init(
    _ settings: RepositorySettings, state: String, roles: Set<ServerRole>, director: BootDirector,
    health: ServerHealth, metrics: ChannelMetrics, logger: Logger
  ) throws {
    self.settings = settings
    let verified = StateDirectory.verified(state)
    source = roles.contains(.control) ? .repository : .handedOver(verified)
    self.director = director
    importer = ReleaseImporter(library: director.library)
    self.health = health
    self.metrics = metrics
    self.logger = logger
    let root = try Self.root(settings)
    let beginning: LocalMetadata.Beginning
    if roles.contains(.control) {
      (trust, beginning) = try Self.trust(StateDirectory.trust(state, isBootApart: false), root: root)
      if !roles.contains(.boot) {
        self.state.withLock { $0.mirror = MetadataMirror(verified, root: [UInt8](root)) }
      }
    } else {
      let own = StateDirectory.boot(state)
      try FileManager.default.createDirectory(
        atPath: own, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
      (trust, beginning) = try Self.trust(StateDirectory.trust(state, isBootApart: true), root: root)
    }
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

  /// The operator's root.
  private static func root(_ settings: RepositorySettings) throws -> Data {
    guard let given = FileManager.default.contents(atPath: settings.root) else {
      throw ServerError(
        .badValue,
        "cannot read \(settings.root), the root metadata to trust (repository.root): copy 1.root.json there from somebody whom you trust"
      )
    }
    return given
  }

  /// The directory of trusted metadata, begun with the operator's root. Another root begins it anew.
  /// - Returns: What became of what was trusted before.
  private static func trust(
    _ directory: String, root given: Data
  ) throws -> (local: LocalMetadata, beginning: LocalMetadata.Beginning) {
    let local = LocalMetadata(directory: directory)
    let copy = "\(directory)/operator-root"
    var beginning = LocalMetadata.Beginning.goesOn
    if FileManager.default.contents(atPath: copy) != given || local.trusted("root", limit: 512 << 10) == nil {
      beginning = try local.initialize(root: [UInt8](given))
      try given.write(to: URL(fileURLWithPath: copy), options: .atomic)
    }
    return (local, beginning)
  }

  var address: String {
    switch source {
    case .repository: ChannelClient.address(of: settings.from)
    case .handedOver(let directory): ChannelClient.address(of: directory)
    }
  }

  /// Whether another process asks the repository for this one.
  var isReader: Bool { source != .repository }

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
      if !(fetcher is LastTrusted) { await handOver(client) }
      if isReader {
        director.library.refresh()
        verdicts.reload()
      }
      let old = director.channels
      var table = ChannelTable(
        survey, source: settings.from, before: old, library: director.library, verdicts: verdicts)
      // What is here already counts at once; the rest when it has come.
      publish(table, survey, isFinal: false)
      if !isReader {
        for channel in survey.channels {
          await bring(channel, in: survey, client, &table)
        }
        importer.forget(except: Set(survey.channels.flatMap { $0.entries.map(\.release) }))
      }
      publish(table, survey, isFinal: true)
      if !isReader { verdicts.keep(table) }
      metrics.refreshes.increment("valid")
      say("repository", nil, "the repository \(settings.from) is valid again")
      if !isReader, !(fetcher is LastTrusted) { await look(at: survey, client) }
    } catch is CancellationError {
      return
    } catch {
      metrics.refreshes.increment("refused")
      fail(isNothingHandedOver ? Self.nothingHandedOver : "\(error)")
    }
    warn()
  }

  /// Where the roles run apart: the role boot verifies by itself what this process has verified.
  private func handOver(_ client: ChannelClient) async {
    guard var mirror = state.withLock(\.mirror) else { return }
    do {
      try await client.repeatMetadata(in: &mirror)
      say("handover", nil, "the role boot gets new metadata again")
    } catch {
      say("handover", "the role boot gets no new metadata, and goes by those before: \(error)", nil)
    }
    state.withLock { [mirror] in $0.mirror = mirror }
  }

  private var isNothingHandedOver: Bool {
    guard case .handedOver(let directory) = source else { return false }
    return access("\(directory)/metadata/timestamp.json", F_OK) != 0
  }

  private static let nothingHandedOver =
    "the role control has handed over nothing yet: run netimg serve --role control with the same state directory, and see what it says of the repository"

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
    // What happened to the repository, the role control notes in the same store.
    if !isReader || severity == .error { director.log(director.clock(), severity, kind, nil, message) }
    switch severity {
    case .info: logger.notice("\(message)")
    case .warning: logger.warning("\(message)")
    case .error: logger.error("\(message)")
    }
  }
}
