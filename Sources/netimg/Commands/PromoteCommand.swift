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
      With an address, what counts is what is signed there; the server gets the proposal, and keeps it until all have signed.

      Examples:
        netimg promote router 1.2 --to dev --reason "first build" --signer ada --online server
        netimg promote router 1.2 --to prod --reason "soaked" --signer ada --proposal router.json
        netimg promote router 1.2 --to prod --reason "soaked" --signer ada \\
          --repo https://boot.example.org:8443 --root root.json
      """))

  @Option(name: .customLong("to"), help: "The channel.")
  var channel: String

  @OptionGroup var change: ChannelChange

  func run() async throws { try await change.run(in: channel, isRollback: false) }
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

  @Option(name: .customLong("in"), help: "The channel.")
  var channel: String

  @OptionGroup var change: ChannelChange

  func run() async throws { try await change.run(in: channel, isRollback: true) }
}

/// What becomes current in a channel, and why.
struct ChannelChange: ParsableArguments {
  @Argument(help: "The image.")
  var image: String

  @Argument(help: "The version.")
  var version: String

  @Option(help: "Why; it stays in the channel's history.")
  var reason: String

  @OptionGroup var options: ProposalOptions

  func run(in channel: String, isRollback: Bool) async throws {
    let opened = try await options.repository.open()
    try await opened.remote?.fetchEvidence(for: image, version, in: channel)
    let proposal = try opened.state.promote(
      image, version, to: channel, reason: reason, isRollback: isRollback, now: .now)
    try await options.settle(
      proposal, in: opened, name: "\(isRollback ? "rollback" : "promote")-\(image)-\(version)-\(channel)")
  }
}
