internal import Bytes
internal import ArgumentParser
internal import Channels
internal import UpdateFramework

/// `netimg channel`
struct ChannelCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "channel", abstract: "See what channels say and said; freeze them.",
    subcommands: [
      ChannelListCommand.self, ChannelShowCommand.self, ChannelHistoryCommand.self, ChannelFreezeCommand.self,
      ChannelUnfreezeCommand.self,
    ])
}

/// `netimg channel list`
struct ChannelListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the channels and what is current in each.")

  @OptionGroup var repository: RepositoryOptions
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let reports = try await repository.open().state.channels().map { try ChannelReport($0) }
    if common.json { return Console.json(reports) }
    for report in reports { report.print() }
  }
}

/// `netimg channel show`
struct ChannelShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a channel: what is current and why, who must sign, its gates.")

  @Argument(help: "The channel.")
  var channel: String

  @OptionGroup var repository: RepositoryOptions
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let report = try ChannelReport(try await repository.open().state.channel(channel))
    if common.json { return Console.json(report) }
    report.print()
  }
}

/// `netimg channel history`
struct ChannelHistoryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "Who signed what in a channel, when and why: the versions of its metadata.")

  @Argument(help: "The channel.")
  var channel: String

  @OptionGroup var repository: RepositoryOptions
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let opened = try await repository.open()
    try await opened.remote?.fetchHistory(of: channel)
    let events = try opened.state.history(of: channel).map(EventReport.init)
    if common.json { return Console.json(events) }
    for event in events {
      for change in event.changes {
        let line = "\(event.version)  \(change)  (\(event.signers.joined(separator: ", ")))"
        Console.out(UpdateError.printable(line, limit: 1000))
      }
    }
  }
}

/// `netimg channel freeze`
struct ChannelFreezeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "freeze", abstract: "Let nothing be promoted to a channel for a while.")

  @Argument(help: "The channel.")
  var channel: String

  @Option(help: "Why.")
  var reason: String

  @OptionGroup var options: ProposalOptions

  func run() async throws {
    let opened = try await options.repository.open()
    try await options.settle(
      opened.state.freeze(channel, reason: reason, now: .now), in: opened, name: "freeze-\(channel)")
  }
}

/// `netimg channel unfreeze`
struct ChannelUnfreezeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unfreeze", abstract: "Let promotions to a channel go on.")

  @Argument(help: "The channel.")
  var channel: String

  @OptionGroup var options: ProposalOptions

  func run() async throws {
    let opened = try await options.repository.open()
    try await options.settle(
      opened.state.freeze(channel, reason: nil, now: .now), in: opened, name: "unfreeze-\(channel)")
  }
}

private struct ChannelReport: Encodable {
  struct Entry: Encodable {
    let image: String
    let version: String
    let release: String
    let reason: String
    let time: String
    let rollbackFrom: String?
  }

  let name: String
  let version: Int
  let expires: String?
  let threshold: Int
  let counts: String
  let keys: [String]
  let after: String?
  let soakHours: Int
  let frozen: String?
  let current: [Entry]

  init(_ channel: ChannelRepository.Channel) throws {
    name = channel.name
    version = channel.metadata?.signed.header.version ?? 0
    expires = channel.metadata?.signed.header.expires.description
    threshold = channel.keys.threshold
    counts = channel.keys.people == nil ? "keys" : "people"
    keys = channel.keys.keyIDs.map(\.text)
    after = channel.policy.after
    soakHours = channel.policy.soakHours
    frozen = channel.frozen
    current = try channel.entries().map {
      Entry(
        image: $0.image, version: $0.version, release: $0.release, reason: $0.reason,
        time: $0.time.description,
        rollbackFrom: $0.rollbackFrom)
    }
  }

  /// What others wrote goes to a terminal.
  private static func plain(_ text: String) -> String { UpdateError.printable(text, limit: 500) }

  func print() {
    let gates =
      after.map { ", after \(Self.plain($0))\(soakHours > 0 ? " for \(soakHours) hours" : "")" } ?? ""
    Console.out(
      "\(Self.plain(name))  version \(version), \(threshold) of \(keys.count) keys\(counts == "people" ? ", counted by people" : "")"
        + "\(gates)\(frozen.map { ", FROZEN: \(Self.plain($0))" } ?? "")")
    for entry in current {
      let back = entry.rollbackFrom.map { ", rolled back from \(Self.plain($0))" } ?? ""
      Console.out(
        "  \(Self.plain(entry.image)) \(Self.plain(entry.version))  sha256:\(entry.release)  \(entry.time)  "
          + "\(Self.plain(entry.reason))\(back)")
    }
  }
}

private struct EventReport: Encodable {
  let version: Int
  let expires: String
  let changes: [String]
  let signers: [String]
  let signed: Bool

  init(_ event: ChannelEvent) {
    version = event.version
    expires = event.expires.description
    signers = event.signers
    signed = event.isSigned
    changes = event.changes.map { change in
      guard let entry = change.entry else { return change.note ?? "" }
      let verb = entry.rollbackFrom.map { "rolled back from \($0) to" } ?? "promoted to"
      return
        "\(entry.time)  \(entry.image) \(verb) \(entry.version) (sha256:\(entry.release)): \(entry.reason)"
    }
  }
}
