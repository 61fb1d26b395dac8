internal import ArgumentParser
internal import Channels
internal import UpdateFramework

/// `netimg promote`
struct PromoteCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "promote", abstract: "Make a published release the current one of a channel.",
    discussion: flowing(
      """
      The channel's gates are checked first. With a threshold of one, --signer is enough; else the others sign the proposal.

      Examples:
        netimg promote router 1.2 --to dev --reason "first build" --signer ada --online server
        netimg promote router 1.2 --to prod --reason "soaked" --signer ada --proposal router.json
      """))

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
    discussion: flowing(
      """
      New metadata name the older release and say why. To replay old metadata is refused by every client.

      Examples:
        netimg rollback router 1.1 --in prod --reason "BGP flaps" --signer ada --proposal back.json
      """))

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
