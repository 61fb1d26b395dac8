internal import ArgumentParser
internal import Bytes
internal import FoundationEssentials
internal import ImageBuilder
internal import SecureBoot
internal import Signing

/// `netimg sign`
struct SignCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sign",
    abstract: "Sign a release's UKI for UEFI Secure Boot.",
    discussion: flowing(
      """
      The last step, apart from the build: uki.efi and release.json stay what they are, so that the release keeps its name
      and anybody can rebuild it without a key. The signed program is written beside them as uki.signed.efi; that is what
      machines with Secure Boot on are given. netimg verify checks that it is uki.efi and good signatures.

      Signing again with another key adds a signature, so that machines may trust either while keys rotate. Signing again
      with the same key changes nothing: the same release and key give the same bytes.

      exec:PROGRAM signs elsewhere (a token, an HSM, a key service). It is started as PROGRAM sign rsa-pkcs1-sha256, reads
      what it is to sign from standard input, and prints RSA PKCS #1 v1.5 over its SHA-256 in base64. --certificate names
      the certificate that belongs to its key, PEM or DER.

      Examples:
        netimg key new lab --secure-boot
        netimg sign out/minimal --secure-boot lab
        netimg sign out/minimal --secure-boot exec:/usr/local/bin/hsm-sign --certificate db.crt
        netimg sign out/minimal --secure-boot lab-2027 --only      drop the signatures of other keys
      """))

  @Argument(help: "The release's directory.", completion: .directory)
  var release: String

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Sign with the db key of these keys (a name in the directory of keys), or with exec:PROGRAM.",
      valueName: "signer"))
  var secureBoot: String

  @Option(
    name: .long,
    help: ArgumentHelp("With exec: the certificate of its key, PEM or DER.", valueName: "file"),
    completion: .file())
  var certificate: String?

  @Flag(help: "Drop the signatures of other keys.")
  var only = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "A file with the key's passphrase (default: $NETIMG_KEY_PASSPHRASE, else the terminal).",
      valueName: "file"),
    completion: .file())
  var passphraseFile: String?

  @OptionGroup var ring: KeyRingOptions
  @OptionGroup var common: CommonOptions

  private var program: String? {
    secureBoot.hasPrefix("exec:") ? String(secureBoot.dropFirst(5)) : nil
  }

  func validate() throws {
    guard (program != nil) == (certificate != nil) else {
      throw ValidationError("--certificate goes with --secure-boot exec:PROGRAM, which needs it.")
    }
    if program?.isEmpty == true { throw ValidationError("exec: names no program.") }
    if program != nil, passphraseFile != nil { throw ValidationError("exec:PROGRAM takes no passphrase.") }
  }

  func run() async throws {
    let signer = try signer()
    let progress = common.progress()
    progress.begin("Signing for Secure Boot")
    let outcome = try await ReleaseSecureBoot.sign(release, by: signer, alone: only) {
      Interruption.remember($0)
    }
    progress.end()
    if common.json {
      return Console.json(
        SignReport(
          file: outcome.path, sha256: outcome.digest, size: outcome.size, changed: outcome.isChanged,
          signers: outcome.signers.map(SecureBootSignerRow.init)))
    }
    Console.out("\(outcome.path): sha256:\(outcome.digest)\(outcome.isChanged ? "" : ", as it was")")
    for signer in outcome.signers {
      Console.out("  signed by \(signer.name), sha256:\(signer.fingerprint.hex)")
    }
  }

  private func signer() throws -> any SecureBootSigner {
    if let program, let certificate {
      return SecureBootProgramSigner(
        program: program,
        certificate: try X509Certificate(
          file: FileIO.read(certificate, limit: 64 * 1024).bytes, source: certificate))
    }
    return try SecureBootKeySet(secureBoot, in: ring.open()).signer(.database) {
      try Passphrase.find(
        Passphrase.Sources(file: passphraseFile, environment: ProcessInfo.processInfo.environment),
        forKey: secureBoot)
    }
  }
}

/// What `netimg sign --json` prints.
private struct SignReport: Encodable {
  let file: String
  let sha256: String
  let size: Int
  let changed: Bool
  let signers: [SecureBootSignerRow]
}
