internal import Bytes
internal import ArgumentParser
internal import Channels
internal import FoundationEssentials
internal import Signing
internal import UpdateFramework

/// `netimg repo`
struct RepoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "repo", abstract: "Keep a repository of releases: its keys, thresholds and channels.",
    discussion: flowing(
      """
      A repository is a directory of static files (docs/formats/repository.md). Whoever holds a key signs on a machine of
      their own: propose, review and sign, merge.
      """),
    subcommands: [
      RepoProposeCommand.self, RepoReviewCommand.self, RepoSignCommand.self, RepoMergeCommand.self,
      RepoAttestCommand.self, RepoRefreshCommand.self, RepoStatusCommand.self, RepoKeysCommand.self,
    ])
}

/// `netimg repo propose`, which is `netimg repo init` as well.
struct RepoProposeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "propose",
    abstract: "Make the repository what a manifest asks for, or begin one: keys, thresholds, channels.",
    discussion: flowing(
      """
      Writes a proposal with everything that differs. To change a key, change the manifest. With --renew, roles get a later
      time of expiry and stay as they are otherwise.

      Examples:
        netimg repo init manifests/repository.yaml --repo repository
        netimg repo propose manifests/repository.yaml --proposal rotation.json
        netimg repo propose --renew root --renew targets --proposal renewal.json
      """),
    aliases: ["init"])

  @Argument(help: "The manifest (kind: Repository).", completion: .file())
  var manifest: String?

  @Option(help: ArgumentHelp("Give a role a later time of expiry; may repeat.", valueName: "role"))
  var renew: [String] = []

  @Option(help: "Why, for those who are to sign.")
  var reason: String?

  @OptionGroup var options: ProposalOptions

  func validate() throws {
    if manifest == nil, renew.isEmpty { throw ValidationError("Give a manifest, or --renew.") }
  }

  func run() async throws {
    let opened = try await options.repository.openIfPresent()
    let base = opened?.state
    var draft: RepositoryDraft
    if let manifest {
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: manifest)))
      let plan = try RepositoryPlan(bytes, file: manifest) { name in
        // Beside the manifest, or in the directory of keys.
        let beside = URL(fileURLWithPath: manifest).deletingLastPathComponent().appendingPathComponent(name)
          .path
        let isFile = name.hasSuffix(".pub") && FileManager.default.fileExists(atPath: beside)
        return try options.signing.ring.publicKey(isFile ? beside : name)
      }
      draft = plan.draft(over: base?.state, now: .now)
    } else if let base {
      draft = RepositoryDraft(base.state, now: .now)
    } else {
      throw ChannelError(.repository, "\(options.repository.repo) is no repository yet; give a manifest")
    }
    for role in renew where !draft.renew(ExactString(role)) {
      throw ValidationError(
        "There is no role \(role) to renew; snapshot and timestamp are renewed by netimg repo refresh.")
    }
    let what = base == nil ? "begin the repository" : renew.isEmpty ? "follow the manifest" : "renew"
    let proposal = try draft.proposal(reason: reason ?? what)
    guard !proposal.roles.isEmpty else {
      return Console.out("\(options.repository.repo) is what the manifest asks for; there is nothing to sign")
    }
    try await options.settle(proposal, in: opened, name: base == nil ? "repository" : "change")
  }
}

/// `netimg repo review`
struct RepoReviewCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "review", abstract: "Say what a proposal would change, and who has signed it.",
    discussion: flowing(
      """
      The proposal is a file; with an address, it may also be the name of one that waits at the server. Everything that differs
      from the repository is said: keys, people, thresholds, paths, gates, what is current. Names of keys are the repository's;
      what a proposal calls its new keys is its own word.

      Exit status 0 if it has all its signatures, 2 if it waits for more, 3 if it waits, but not for the key of --key.

      Examples:
        netimg repo review change.proposal.json --repo repository
        netimg repo review change.proposal.json --key ada
        netimg repo review api-5f2c….json --repo https://boot.example.org:8443
      """))

  @Argument(help: "The proposal.", completion: .file())
  var proposal: String

  @Option(help: "Your key, to hear whether the proposal waits for it: a name, an identifier or a .pub file.")
  var key: String?

  @OptionGroup var repository: RepositoryOptions
  @OptionGroup var ring: KeyRingOptions
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let own = try key.map { try ring.publicKey($0).keyID }
    let review = try await ProposalReview(
      repository.proposal(proposal).proposal, in: repository.openIfPresent()?.state)
    if common.json {
      Console.json(ReviewReport(review))
    } else {
      review.print(proposal)
      Console.out(
        review.isComplete ? "All signatures are there: netimg repo merge" : "More signatures are needed.")
    }
    if review.isComplete { return }
    throw ExitCode(own.map(review.waits) ?? true ? ExitStatus.difference : ExitStatus.others)
  }
}

/// `netimg repo sign`
struct RepoSignCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sign", abstract: "Sign a proposal with your key, wherever it may sign.",
    discussion: flowing(
      """
      Says what is signed, as netimg repo review does. With --expect, nothing is signed but what was reviewed. The file is signed
      in place; send it on, or give it back for netimg repo merge. A proposal that waits at the server is signed here and given
      back to it, which merges it once it has all signatures.

      Examples:
        netimg repo sign change.proposal.json --signer ada --expect 3b7e0c…
        netimg repo sign change.proposal.json --signer ada
        netimg repo sign change.proposal.json --signer exec:token-signer
        netimg repo sign api-5f2c….json --signer bob --repo https://boot.example.org:8443
      """))

  @Argument(help: "The proposal.", completion: .file())
  var proposal: String

  @Option(
    help: ArgumentHelp(
      "Sign only if this is the digest of what is proposed, as netimg repo review said it.",
      valueName: "sha256"))
  var expect: String?

  @OptionGroup var options: ProposalOptions

  func validate() throws {
    if options.signing.signer == nil { throw ValidationError("Give --signer.") }
    if options.proposal != nil || options.online != nil {
      throw ValidationError("--proposal and --online have no meaning here.")
    }
  }

  func run() async throws {
    guard let signer = try await options.signing.open() else { return }
    var (document, isFile) = try await options.repository.proposal(proposal)
    let present = try await options.repository.openIfPresent()
    // On standard error: what a program reads of this verb stays one line.
    let review = try ProposalReview(document, in: present?.state)
    review.print(proposal, to: Console.error)
    if let expect, expect.lowercased().trimmingPrefix("sha256:") != review.digest.hex {
      throw UpdateError(
        .conflict,
        "\(proposal) proposes something else than sha256:\(expect.trimmingPrefix("sha256:")): review it again"
      )
    }
    let roles = try await document.sign(with: KeyRingSigner(signer), in: present?.state.state)
    guard !roles.isEmpty else {
      throw ValidationError("The key \(signer.publicKey) may sign nothing of this.")
    }
    guard isFile else { return try await options.send(document) }
    try Data(document.bytes).write(to: URL(fileURLWithPath: proposal), options: .atomic)
    Console.out("\(proposal): signed \(roles.map(\.text).joined(separator: ", ")) as \(signer.publicKey)")
  }
}

/// `netimg repo merge`
struct RepoMergeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge", abstract: "Make a proposal with enough signatures part of the repository.",
    discussion: flowing(
      """
      Several files are copies of one proposal that were signed apart.

      Examples:
        netimg repo merge change.proposal.json --online server
        netimg repo merge from-ada.json from-bob.json --repo repository
      """))

  @Argument(help: "The proposal, or its copies.", completion: .file())
  var proposals: [String]

  @OptionGroup var options: ProposalOptions

  func run() async throws {
    var proposal = try await options.repository.proposal(proposals[0]).proposal
    for copy in proposals.dropFirst() {
      try proposal.add(signaturesOf: try await options.repository.proposal(copy).proposal)
    }
    try await options.merge(proposal)
  }

  func validate() throws {
    if proposals.isEmpty { throw ValidationError("Give a proposal.") }
    if options.signing.signer != nil || options.proposal != nil {
      throw ValidationError("--signer and --proposal have no meaning here; --online names the online key.")
    }
  }
}

/// `netimg repo refresh`
struct RepoRefreshCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "refresh", abstract: "Sign snapshot and timestamp anew if that is due; for a timer.",
    discussion: flowing(
      """
      Due is: something was merged, or half of their lifetime is over. Run it every hour.

      Examples:
        netimg repo refresh --online server --repo repository
      """))

  @Flag(help: "Sign in any case.")
  var force = false

  @OptionGroup var options: ProposalOptions

  func validate() throws {
    if options.online == nil { throw ValidationError("Give --online.") }
    _ = try options.repository.directory(for: "netimg repo refresh")
  }

  func run() async throws {
    _ = try await options.publish(force: force)
  }
}

/// `netimg repo status`
struct RepoStatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Check every signature, and say what expires when.",
    discussion: flowing(
      """
      Exit status 2 if something needs somebody's hand.

      Examples:
        netimg repo status --repo repository
        netimg repo status --days 30 --json
      """))

  @Option(help: "Warn so many days before a role's metadata expire.")
  var days = 14

  @OptionGroup var repository: RepositoryOptions
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let status = RepositoryStatus(
      try await repository.open().state, now: .now, ahead: max(0, min(days, 36500)) * 86400)
    if common.json {
      Console.json(StatusReport(status))
    } else {
      for role in status.roles {
        let expires = role.expires.map { "good until \($0)" } ?? "not there yet"
        Console.out(
          "\(role.name)  version \(role.version), \(expires)\(role.warning.map { "  ! \($0)" } ?? "")")
      }
    }
    if !status.warnings.isEmpty { throw ExitCode(ExitStatus.difference) }
  }
}

extension ProposalReview {
  /// Says what is proposed and who has signed it.
  fileprivate func print(_ file: String, to say: (String) -> Void = Console.out) {
    say("\(file): \(reason)")
    say("what is to be signed: sha256:\(digest.hex)")
    for role in roles {
      say("\(role.name) version \(role.version), good until \(role.expires)")
      for change in role.changes { say("  \(change)") }
      for signatures in role.signatures { say("  signed, by the keys of \(signatures)") }
    }
    for problem in problems { say("DO NOT SIGN: \(problem)") }
  }
}

private struct ReviewReport: Encodable {
  struct Role: Encodable {
    let name: String
    let version: Int
    let expires: String
    let changes: [String]
    let signatures: [String]
    let complete: Bool
  }

  let reason: String
  let sha256: String
  let complete: Bool
  let problems: [String]
  let roles: [Role]

  init(_ review: ProposalReview) {
    reason = review.reason
    sha256 = review.digest.hex
    complete = review.isComplete
    problems = review.problems
    roles = review.roles.map {
      Role(
        name: $0.name, version: $0.version, expires: $0.expires.description, changes: $0.changes,
        signatures: $0.signatures, complete: $0.isComplete)
    }
  }
}

private struct StatusReport: Encodable {
  struct Role: Encodable {
    let name: String
    let version: Int
    let published: Int?
    let expires: String?
    let warning: String?
  }

  let roles: [Role]

  init(_ status: RepositoryStatus) {
    roles = status.roles.map {
      Role(
        name: $0.name, version: $0.version, published: $0.published, expires: $0.expires?.description,
        warning: $0.warning)
    }
  }
}
