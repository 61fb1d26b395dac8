internal import ArgumentParser
internal import Bytes
internal import ImageBuilder
internal import SecureBoot
internal import Signing

/// `netimg verify`
struct VerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check a release: signature, artifacts, every frame, the hash tree and the UKI.",
    discussion: flowing(
      """
      A UKI that is signed for Secure Boot is checked too: it must be the release's own, and each signature good. Whether
      the signer is one that your machines trust is only looked at with --secure-boot.

      Examples:
        netimg verify out/minimal-1.0 --key build
        netimg verify out/minimal-1.0 --key build.pub --key second.pub --threshold 2
        netimg verify out/minimal-1.0 --unsigned          everything but the signature
        netimg verify out/minimal-1.0 --key build --secure-boot lab
      """))

  @Argument(help: "The release's directory.", completion: .directory)
  var release: String

  @Option(name: .long, help: "A key that is trusted: a name, an identifier or a .pub file; may repeat.")
  var key: [String] = []

  @Option(name: .long, help: "How many of the keys must have signed.")
  var threshold = 1

  @Flag(help: "Do not look at the signature.")
  var unsigned = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Who must have signed the UKI for Secure Boot: a name, or a certificate (PEM or DER); may repeat.",
      valueName: "key"))
  var secureBoot: [String] = []

  @OptionGroup var ring: KeyRingOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if unsigned != key.isEmpty {
      throw ValidationError("Give --key for each key that is trusted, or --unsigned.")
    }
    guard threshold >= 1 else { throw ValidationError("--threshold is at least 1.") }
  }

  func run() async throws {
    let keys = try key.map { try ring.publicKey($0) }
    let certificates = try secureBoot.map { try ring.secureBootCertificate($0) }
    let progress = common.progress()
    progress.begin("Verifying")
    let outcome = try await ReleaseVerifier(release).verify(
      keys: keys, threshold: threshold, secureBoot: certificates)
    progress.end()
    if common.json {
      Console.json(
        VerifyReport(
          release: release, digest: outcome.digest, name: outcome.release.name,
          version: outcome.release.version,
          valid: outcome.findings.isEmpty, signers: outcome.signers.map(\.keyID),
          secureBoot: outcome.secureBoot.map(SecureBootSignerRow.init), findings: outcome.findings))
    } else if outcome.findings.isEmpty {
      let signers = outcome.signers.map(\.name).joined(separator: ", ")
      Console.out(
        "\(release): \(outcome.release.name) \(outcome.release.version), sha256:\(outcome.digest), \(unsigned ? "signature not looked at" : "signed by \(signers)"): all well"
      )
      for certificate in outcome.secureBoot {
        Console.out("  Secure Boot: signed by \(certificate.name), sha256:\(certificate.fingerprint.hex)")
      }
    } else {
      for finding in outcome.findings { Console.error(finding) }
      Console.error("Do not use this release: fetch it again, or build it from its sources.")
    }
    if !outcome.findings.isEmpty { throw ExitCode(ExitStatus.refused) }
  }
}

/// What `netimg verify --json` prints.
private struct VerifyReport: Encodable {
  let release: String
  let digest: String
  let name: String
  let version: String
  let valid: Bool
  let signers: [String]
  let secureBoot: [SecureBootSignerRow]
  let findings: [String]
}
