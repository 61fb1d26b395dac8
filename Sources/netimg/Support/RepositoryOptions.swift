internal import Bytes
internal import ArgumentParser
internal import Channels
internal import FoundationEssentials
internal import Signing
internal import UpdateFramework

/// The repository that a verb is about.
struct RepositoryOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The repository.", valueName: "directory"), completion: .directory)
  var repo = "repository"

  var directory: RepositoryDirectory { RepositoryDirectory(repo) }

  func open() throws -> ChannelRepository { try ChannelRepository(directory) }

  /// The repository, or `nil` before there is one.
  func openIfPresent() throws -> ChannelRepository? {
    try Repository.load(directory) == nil ? nil : try open()
  }
}

/// What happens to a change once it is proposed.
struct ProposalOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where the proposal goes if it needs more signatures (default: a name that says what it is).",
      valueName: "file"),
    completion: .file())
  var proposal: String?

  @Option(
    help: ArgumentHelp(
      "The key of the snapshot and timestamp roles, if it is here: clients then see the change at once.",
      valueName: "key"))
  var online: String?

  @OptionGroup var repository: RepositoryOptions
  @OptionGroup var signing: SigningOptions
  @OptionGroup var common: CommonOptions

  /// What became of a proposal.
  struct Outcome: Encodable {
    let reason: String
    /// Whether it is part of the repository, and whether clients see it.
    let merged: Bool
    let published: Bool
    /// Where it waits for signatures.
    let proposal: String?
  }

  /// Signs with the signer that was given; merges if that was enough, else writes the proposal to a file.
  func settle(_ proposal: Proposal, name: String) async throws {
    var proposal = proposal
    let state = try repository.openIfPresent()
    if let signer = try await signing.open() {
      let roles = try await proposal.sign(with: KeyRingSigner(signer), in: state?.state)
      guard !roles.isEmpty else {
        throw ValidationError("The key \(signer.publicKey) may sign nothing of this.")
      }
    }
    guard proposal.isComplete(in: state?.state) else {
      let path = self.proposal ?? "\(name).proposal.json"
      try Data(proposal.bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
      return report(Outcome(reason: proposal.reason, merged: false, published: false, proposal: path))
    }
    try merge(proposal)
    report(
      Outcome(
        reason: proposal.reason, merged: true, published: try await publish(force: false), proposal: nil))
  }

  /// Makes a proposal part of the repository, if its channels' gates are open.
  func merge(_ proposal: Proposal) throws {
    if let present = try repository.openIfPresent() {
      try present.prepareMerge(of: proposal, now: .now)
    } else {
      try ChannelRepository.checkBeginning(proposal)
    }
    try repository.directory.merge(proposal)
  }

  /// Signs snapshot and timestamp, if their key is here.
  func publish(force: Bool) async throws -> Bool {
    guard let online else { return false }
    var options = signing
    options.signer = online
    guard let signer = try await options.open() else { return false }
    try await repository.directory.publish(signers: [KeyRingSigner(signer)], now: .now, force: force)
    return true
  }

  /// Says on standard error what will expire, before it bites.
  private func warnOfExpiry() {
    guard let repository = try? repository.openIfPresent() else { return }
    for role in RepositoryStatus(repository, now: .now).roles where role.isExpiring {
      if let warning = role.warning { Console.error("note: \(role.name) \(warning)") }
    }
  }

  func report(_ outcome: Outcome) {
    warnOfExpiry()
    if common.json { return Console.json(outcome) }
    if let path = outcome.proposal {
      Console.out(
        "\(path): \(outcome.reason); let those who may sign it (netimg repo review, netimg repo sign)")
    } else if outcome.published {
      Console.out("done: \(outcome.reason)")
    } else {
      Console.out("merged: \(outcome.reason); clients see it after netimg repo refresh")
    }
  }
}
