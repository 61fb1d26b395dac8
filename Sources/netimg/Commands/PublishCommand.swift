internal import ArgumentParser
internal import Channels
internal import UpdateFramework

/// `netimg publish`
struct PublishCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "publish", abstract: "Verify a release and add it to the repository.",
    discussion: """
      The release must be signed by a key of the role releases. Files that other releases share are stored once; what an
      interrupted run has copied is not copied again. A release is never replaced.

      Examples:
        netimg publish out/router-1.2 --repo repository --signer ci --online server
      """)

  @Argument(help: "The release's directory.", completion: .directory)
  var release: String

  @OptionGroup var options: ProposalOptions

  func run() async throws {
    let progress = options.common.progress()
    progress.begin("Publishing")
    let publication = try await options.repository.open().publish(releaseAt: release, now: .now)
    progress.end()
    if !options.common.json {
      Console.out(
        "\(publication.image) \(publication.version), sha256:\(publication.digest): \(publication.copiedFiles) files with "
          + "\(publication.copiedBytes) bytes copied, \(publication.sharedFiles) were there")
    }
    guard let proposal = publication.proposal else {
      return options.report(
        .init(
          reason: "\(publication.image) \(publication.version) is published already", merged: true,
          published: try await options.publish(force: false), proposal: nil))
    }
    try await options.settle(proposal, name: "publish-\(publication.image)-\(publication.version)")
  }
}

/// `netimg promote`
struct PromoteCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "promote", abstract: "Make a published release the current one of a channel.",
    discussion: """
      The channel's gates are checked first. With a threshold of one, --signer is enough; else the others sign the proposal.

      Examples:
        netimg promote router 1.2 --to dev --reason "first build" --signer ada --online server
        netimg promote router 1.2 --to prod --reason "soaked" --signer ada --proposal router.json
      """)

  @Argument(help: "The image.")
  var image: String

  @Argument(help: "The version.")
  var version: String

  @Option(name: .customLong("to"), help: "The channel.")
  var channel: String

  @Option(help: "Why; it stays in the channel's history.")
  var reason: String

  @OptionGroup var options: ProposalOptions

  func run() async throws {
    let proposal = try options.repository.open().promote(
      image, version, to: channel, reason: reason, now: .now)
    try await options.settle(proposal, name: "promote-\(image)-\(version)-\(channel)")
  }
}

/// `netimg rollback`
struct RollbackCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollback", abstract: "Make an older release the current one of a channel, signed as such.",
    discussion: """
      New metadata name the older release and say why. To replay old metadata is refused by every client.

      Examples:
        netimg rollback router 1.1 --in prod --reason "BGP flaps" --signer ada --proposal back.json
      """)

  @Argument(help: "The image.")
  var image: String

  @Argument(help: "The version to go back to.")
  var version: String

  @Option(name: .customLong("in"), help: "The channel.")
  var channel: String

  @Option(help: "Why; it stays in the channel's history.")
  var reason: String

  @OptionGroup var options: ProposalOptions

  func run() async throws {
    let proposal = try options.repository.open().promote(
      image, version, to: channel, reason: reason, isRollback: true, now: .now)
    try await options.settle(proposal, name: "rollback-\(image)-\(version)-\(channel)")
  }
}
