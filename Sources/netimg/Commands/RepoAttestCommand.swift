internal import ArgumentParser
internal import Channels
internal import FoundationEssentials
internal import Signing

/// `netimg repo attest`
struct RepoAttestCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attest",
    abstract: "Sign that something is true of a published release, such as that the lab passed it.",
    discussion: flowing(
      """
      Writes an in-toto statement in a DSSE envelope beside the release's files. A channel whose gates name it (attestations)
      takes the release only then; clients look at it too. A second signer signs the statement of the first, with its
      details, or gives the same ones.

      Examples:
        netimg repo attest router 1.2 --name lab --signer lab --repo repository
        netimg repo attest router 1.2 --name lab --signer exec:token-signer --details result.json
        netimg repo attest router 1.2 --name lab --signer lab --repo https://boot.example.org:8443 --root root.json
      """))

  @Argument(help: "The image.")
  var image: String

  @Argument(help: "The version.")
  var version: String

  @Option(help: "What is attested: a name in the gates of a channel.")
  var name: String

  @Option(
    help: ArgumentHelp("JSON with what was found, kept in the statement.", valueName: "file"),
    completion: .file(extensions: ["json"]))
  var details: String?

  @OptionGroup var repository: RepositoryOptions
  @OptionGroup var signing: SigningOptions
  @OptionGroup var common: CommonOptions

  func run() async throws {
    guard let signer = try await signing.open() else { throw ValidationError("Give --signer.") }
    let found = try details.map {
      try JSONParser.parse(FileIO.read($0, limit: 256 << 10).bytes, maximumSize: 256 << 10, maximumDepth: 16)
    }
    let count = try await attest(found, signer)
    if common.json {
      return Console.json(Report(image: image, version: version, name: name, signatures: count))
    }
    Console.out(
      "\(image) \(version): \(name), signed by \(signer.publicKey); \(count) \(count == 1 ? "signature" : "signatures")"
    )
  }

  private func attest(_ details: JSONValue?, _ signer: any Signer) async throws -> Int {
    let opened = try await repository.open()
    try await opened.remote?.fetchAttestation(name, of: image, version)
    guard let address = repository.address else {
      return try await opened.state.attest(image, version, name: name, details: details, signer: signer)
    }
    let (release, envelope) = try await opened.state.attestation(
      of: image, version, name: name, details: details, signer: signer)
    let report: ChannelRepository.AttestationReport = try await repository.remote.control(address).exchange(
      "PUT", "repository/attestations/\(release)/\(name)", body: envelope.json)
    return report.signatures
  }

  private struct Report: Encodable {
    let image: String
    let version: String
    let name: String
    let signatures: Int
  }
}
