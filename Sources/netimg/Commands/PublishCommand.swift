internal import ArgumentParser
internal import BootServer
internal import Channels
internal import Signing
internal import UpdateFramework

/// `netimg publish`
struct PublishCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "publish",
    abstract: "Verify a release and add it to a repository, or put it into a boot server's library.",
    discussion: flowing(
      """
      Into a repository: the release must be signed by a key of the role releases. Files that other releases share are
      stored once; what an interrupted run has copied is not copied again. A release is never replaced.

      To a netimg serve (--repo with an address): only what the server lacks is sent, and of large files only the parts.
      The list of releases is signed here, from metadata that are verified here; --root says whom to trust.

      Into a library (--to): the release is checked from its signature down to every frame, copied to
      LIBRARY/releases/DIGEST, and made visible in one step. The same release once more changes nothing; one that was
      damaged there is put right. With an address, the server checks by the keys in its settings (uploads.keys).

      Examples:
        netimg publish out/router-1.2 --repo repository --signer ci --online server
        netimg publish out/router-1.2 --repo https://boot.example.org:8443 --root root.json --signer ci
        netimg publish out/minimal --to /var/lib/netimg/library --key build
        netimg publish out/minimal --to https://boot.example.org:8443
        netimg publish out/minimal --to ./library --unsigned
      """))

  @Argument(help: "The release's directory.", completion: .directory)
  var release: String

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Publish into a boot server's library instead of a repository: its directory, or the server's address.",
      valueName: "directory-or-url"),
    completion: .directory)
  var to: String?

  @Option(
    name: .long, help: "With --to: a key that is trusted: a name, an identifier or a .pub file; may repeat.")
  var key: [String] = []

  @Option(name: .long, help: "With --to: how many of the keys must have signed.")
  var threshold = 1

  @Flag(help: "With --to: do not look at the signature.")
  var unsigned = false

  @OptionGroup var options: ProposalOptions

  func validate() throws {
    guard let to else {
      guard key.isEmpty, !unsigned, threshold == 1 else {
        throw ValidationError("--key, --threshold and --unsigned go with --to; a repository knows its keys.")
      }
      return
    }
    if RepositoryAddress(to) != nil {
      guard key.isEmpty, !unsigned, threshold == 1 else {
        throw ValidationError(
          "--key, --threshold and --unsigned are for a directory: a server has keys of its own to trust.")
      }
      return
    }
    if unsigned != key.isEmpty {
      throw ValidationError("Give --key for each key that is trusted, or --unsigned.")
    }
    guard threshold >= 1 else { throw ValidationError("--threshold is at least 1.") }
  }

  func run() async throws {
    if let to, let address = RepositoryAddress(to) { return try await publish(toLibraryOf: address) }
    if let to { return try await publish(toLibrary: to) }
    if let address = options.repository.address { return try await publish(to: address) }
    let progress = options.common.progress()
    progress.begin("Publishing")
    let opened = try await options.repository.open()
    let publication = try await opened.state.publish(releaseAt: release, now: .now)
    progress.end()
    if !options.common.json {
      Console.out(
        "\(publication.image) \(publication.version), sha256:\(publication.digest): \(publication.copiedFiles) files with "
          + "\(publication.copiedBytes) bytes copied, \(publication.sharedFiles) were there")
    }
    guard let proposal = publication.proposal else {
      return await reportPublished(
        publication.image, publication.version, isSeen: try await options.publish(force: false))
    }
    try await options.settle(
      proposal, in: opened, name: "publish-\(publication.image)-\(publication.version)")
  }

  func reportPublished(_ image: String, _ version: String, isSeen: Bool) async {
    await options.report(
      .init(
        reason: "\(image) \(version) is published already", merged: true, published: isSeen, proposal: nil))
  }

  private func publish(toLibrary library: String) async throws {
    let keys = try key.map { try options.signing.ring.publicKey($0) }
    let progress = options.common.progress()
    progress.begin("Verifying and publishing")
    let result = try await ReleasePublisher(library: library).publish(
      release, keys: keys, threshold: threshold)
    progress.end()
    if options.common.json {
      return Console.json(
        LibraryReport(
          outcome: result.outcome, name: result.name, version: result.version, digest: result.digest,
          path: result.path, bytes: result.bytes))
    }
    let what =
      switch result.outcome {
      case .published: "published"
      case .unchanged: "is there already, and well"
      case .repaired: "was damaged there, and is put right"
      }
    Console.out("\(result.name) \(result.version), sha256:\(result.digest), \(what): \(result.path)")
  }

  /// What `netimg publish --to --json` prints.
  private struct LibraryReport: Encodable {
    let outcome: ReleasePublisher.Outcome
    let name: String
    let version: String
    let digest: String
    let path: String
    let bytes: Int
  }
}
