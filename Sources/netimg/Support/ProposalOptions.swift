internal import ArgumentParser
internal import Channels
internal import FoundationEssentials
internal import Signing
internal import UpdateFramework

/// What happens to a change once it is proposed.
struct ProposalOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where the proposal goes if it needs more signatures (default: a name that says what it is; with an address, the server keeps it).",
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

  func validate() throws {
    if repository.address != nil, online != nil {
      throw ValidationError(
        "--online is for the repository's directory: behind an address, the server has that key.")
    }
  }

  /// What became of a proposal.
  struct Outcome: Encodable {
    let reason: String
    /// Whether it is part of the repository, and whether clients see it.
    let merged: Bool
    let published: Bool
    /// The file in which it waits for signatures, or its name at the server.
    let proposal: String?
    /// Why it is not merged though it has all its signatures.
    var problem: String?
    /// Whether the server keeps it.
    var waitsAtServer = false

    private enum CodingKeys: String, CodingKey {
      case reason, merged, published, proposal, problem
    }
  }

  /// Signs with the signer that was given; merges if that was enough, else lets the proposal wait: in a file, or at the
  /// server.
  func settle(_ proposal: Proposal, in opened: OpenRepository?, name: String) async throws {
    var proposal = proposal
    if let signer = try await signing.open() {
      let roles = try await proposal.sign(with: KeyRingSigner(signer), in: opened?.state.state)
      guard !roles.isEmpty else {
        throw ValidationError("The key \(signer.publicKey) may sign nothing of this.")
      }
    }
    let isComplete = proposal.isComplete(in: opened?.state.state)
    if repository.address != nil, isComplete || self.proposal == nil && signing.signer != nil {
      return try await send(proposal)
    }
    guard isComplete else {
      let path = self.proposal ?? "\(name).proposal.json"
      try Data(proposal.bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
      return await report(Outcome(reason: proposal.reason, merged: false, published: false, proposal: path))
    }
    try await merge(proposal)
  }

  /// Makes a proposal part of the repository, if its channels' gates are open.
  func merge(_ proposal: Proposal) async throws {
    if repository.address != nil { return try await send(proposal) }
    if let opened = try await repository.openIfPresent() {
      try opened.state.prepareMerge(of: proposal, now: .now)
    } else {
      try ChannelRepository.checkBeginning(proposal)
    }
    try repository.directory(for: "merge").merge(proposal)
    await report(
      Outcome(
        reason: proposal.reason, merged: true, published: try await publish(force: false), proposal: nil))
  }

  /// Gives a proposal to the server, and waits until its own signatures show the change.
  func send(_ proposal: Proposal) async throws {
    guard let address = repository.address else { return }
    let control = try repository.remote.control(address)
    let result: ProposalIntake.Outcome = try await control.exchange(
      "POST", "repository/proposals", body: proposal.bytes, patience: 120)
    var isSeen = false
    if result.merged {
      // The server signs snapshot and timestamp as soon as it sees what it merged.
      for attempt in 0..<60 where !isSeen {
        if attempt > 0 { try await Task.sleep(for: .milliseconds(250)) }
        isSeen = proposal.isMerged(in: try await repository.remote.open(address).repository.state)
      }
    }
    await report(
      Outcome(
        reason: result.reason, merged: result.merged, published: isSeen, proposal: result.waiting,
        problem: result.problem, waitsAtServer: true))
  }

  /// Signs snapshot and timestamp, if their key is here.
  func publish(force: Bool) async throws -> Bool {
    guard let online else { return false }
    var options = signing
    options.signer = online
    guard let signer = try await options.open() else { return false }
    try await repository.directory(for: "--online").publish(
      signers: [KeyRingSigner(signer)], now: .now, force: force)
    return true
  }

  /// Says on standard error what will expire, before it bites.
  private func warnOfExpiry() async {
    guard let opened = try? await repository.openIfPresent() else { return }
    for role in RepositoryStatus(opened.state, now: .now).roles where role.isExpiring {
      if let warning = role.warning { Console.error("note: \(role.name) \(warning)") }
    }
  }

  func report(_ outcome: Outcome) async {
    await warnOfExpiry()
    if common.json { return Console.json(outcome) }
    if let path = outcome.proposal {
      let place = outcome.waitsAtServer ? " --repo \(repository.repo)" : ""
      let next =
        outcome.problem.map { "all have signed, but \($0)" }
        ?? "let those who may sign it (netimg repo review \(path)\(place), netimg repo sign \(path)\(place))"
      Console.out(
        "\(path): \(outcome.reason); \(outcome.waitsAtServer ? "it waits at the server: " : "")\(next)")
    } else if outcome.published {
      Console.out("done: \(outcome.reason)")
    } else if outcome.waitsAtServer {
      Console.out(
        "merged: \(outcome.reason); clients see it once the server has signed snapshot and timestamp")
    } else {
      Console.out("merged: \(outcome.reason); clients see it after netimg repo refresh")
    }
  }
}
