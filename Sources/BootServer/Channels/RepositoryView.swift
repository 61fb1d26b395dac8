internal import Bytes
internal import Channels
internal import UpdateFramework

/// What the API shows of the repository: the last state that was verified, and what waits for signatures.
struct RepositoryView: Sendable {
  struct Role: Sendable, Encodable {
    let name: String
    let version: Int
    /// Seconds since 1970.
    let expires: Int
    /// In seconds.
    let lifetime: Int

    init(_ role: ChannelSurvey.Role) {
      name = role.name
      version = role.version
      expires = role.expires.seconds
      lifetime = role.lifetime
    }
  }

  /// A channel, as programs read it.
  struct Channel: Sendable, Encodable {
    struct Entry: Sendable, Encodable {
      let image: String
      let version: String
      let release: String
      let reason: String
      let time: String
      let rollbackFrom: String?
      /// Whether devices boot it: it is in the library.
      let served: Bool
    }

    let name: String
    let version: Int?
    let expires: String?
    let threshold: Int
    let counts: String
    let keys: Int
    let after: String?
    let soakHours: Int
    let attestations: [String]
    let vulnerable: [String]
    let frozen: String?
    let current: [Entry]
    let problem: String?

    init(_ channel: ChannelSurvey.Channel, _ served: ChannelTable.Channel?) {
      name = channel.name
      version = channel.role?.version
      expires = channel.role?.expires.description
      threshold = channel.threshold
      counts = channel.countsPeople ? "people" : "keys"
      keys = channel.keys
      after = channel.policy.after
      soakHours = channel.policy.soakHours
      attestations = channel.policy.attestations.map(\.name)
      vulnerable = channel.policy.vulnerable.map(\.description)
      frozen = channel.frozen
      problem = served?.problem
      current = channel.entries.map { entry in
        Entry(
          image: entry.image, version: entry.version, release: entry.release, reason: entry.reason,
          time: entry.time.description, rollbackFrom: entry.rollbackFrom,
          served: served?.entries.contains { $0.release.hex == entry.release } ?? false)
      }
    }
  }

  /// A version of a channel's metadata, as programs read it.
  struct Event: Encodable {
    struct Change: Encodable {
      let image: String?
      let version: String?
      let release: String?
      let reason: String?
      let time: String?
      let rollbackFrom: String?
      let note: String?
    }

    let version: Int
    let expires: String
    let signers: [String]
    /// Whether enough of those signed it who were to; if not, nothing of it counts.
    let signed: Bool
    let changes: [Change]

    init(_ event: ChannelEvent) {
      version = event.version
      expires = event.expires.description
      signers = event.signers
      signed = event.isSigned
      changes = event.changes.map { change in
        Change(
          image: change.entry?.image, version: change.entry?.version, release: change.entry?.release,
          reason: change.entry?.reason, time: change.entry?.time.description,
          rollbackFrom: change.entry?.rollbackFrom, note: change.note)
      }
    }
  }

  /// A published release, as programs read it.
  struct Release: Encodable {
    let image: String
    let version: String
    let release: String

    init(_ release: PublishedRelease) {
      image = release.image
      version = release.version
      self.release = release.digest
    }
  }

  /// What waits for signatures, as programs read it.
  struct Proposal: Sendable, Encodable, Hashable {
    struct Role: Sendable, Encodable, Hashable {
      let name: String
      let version: Int
      let changes: [String]
      let signatures: [String]
      let complete: Bool
    }

    let file: String
    let reason: String
    let roles: [Role]
    let complete: Bool
    /// Why it is not merged though it may be complete.
    var problem: String?
  }

  /// Root, timestamp, snapshot, targets, and the channels.
  private(set) var roles: [Role] = []
  private(set) var channels: [Channel] = []
  var histories: [String: [ChannelEvent]] = [:]
  var releases: [PublishedRelease] = []
  var proposals: [Proposal] = []
  /// Why the last look came to nothing.
  var problem: String?

  mutating func set(_ survey: ChannelSurvey, _ table: ChannelTable) {
    roles = (survey.roles + survey.channels.compactMap(\.role)).map { Role($0) }
    channels = survey.channels.map { Channel($0, table.channels[$0.name]) }
    problem = nil
  }
}

/// The whole, as programs read it: `/api/v1/repository`.
struct RepositoryReport: Encodable {
  let source: String
  let valid: Bool
  let problem: String?
  let roles: [RepositoryView.Role]
}
