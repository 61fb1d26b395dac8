internal import ArgumentParser
internal import FoundationEssentials
internal import SecureBoot
internal import Signing

/// The directory of keys.
struct KeyRingOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "The directory of keys (default: $NETIMG_KEYS or ~/.config/netimg/keys).", valueName: "directory"))
  var keys: String?

  func open() throws -> KeyRing {
    try keys.map { KeyRing(directory: $0) }
      ?? KeyRing.default(environment: ProcessInfo.processInfo.environment)
  }

  /// A key by its file, or by name or identifier in the directory.
  func publicKey(_ text: String) throws -> PublicKey {
    if text.contains("/") || text.hasSuffix(".pub") { return try PublicKey.read(text) }
    return try open().find(text).publicKey
  }
}

extension KeyRingOptions {
  /// A certificate by its file, or that of db in the Secure Boot keys of a name.
  func secureBootCertificate(_ text: String) throws -> X509Certificate {
    if text.contains("/") || [".crt", ".cer", ".der", ".pem"].contains(where: { text.hasSuffix($0) }) {
      return try X509Certificate(file: FileIO.read(text, limit: 64 * 1024).bytes, source: text)
    }
    let keys = try SecureBootKeySet(text, in: open())
    guard keys.exists else {
      throw SecureBootError(
        .notFound,
        "there is no \(keys.directory): name a certificate's file, or make keys with netimg key new")
    }
    return try keys.certificate(.database)
  }
}

/// Who signs.
struct SigningOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Sign with this key (a name in the directory of keys), or with exec:PROGRAM.", valueName: "signer"))
  var signer: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "A file with the key's passphrase (default: $NETIMG_KEY_PASSPHRASE, else the terminal).",
      valueName: "file"),
    completion: .file())
  var passphraseFile: String?

  @OptionGroup var ring: KeyRingOptions

  /// The signer, unlocked; `nil` if none was asked for.
  func open() async throws -> (any Signer)? {
    guard let signer else { return nil }
    if signer.hasPrefix("exec:") { return try await ExecSigner.open(program: String(signer.dropFirst(5))) }
    let entry = try ring.open().find(signer)
    guard let path = entry.secretPath else {
      throw ValidationError("Only the public half of the key \(signer) is here.")
    }
    let file = try SecretKeyFile.read(path)
    let passphrase = file.isEncrypted ? try self.passphrase(for: entry.publicKey.name, isNew: false) : nil
    return FileSigner(try file.unlock(passphrase: passphrase))
  }

  /// The signer's public key, where it is known without opening the secret one: not for exec:.
  func publicKey() throws -> PublicKey? {
    guard let signer, !signer.hasPrefix("exec:") else { return nil }
    return try ring.open().find(signer).publicKey
  }

  func passphrase(for key: String, isNew: Bool) throws -> SecretBytes {
    try Passphrase.find(
      Passphrase.Sources(file: passphraseFile, environment: ProcessInfo.processInfo.environment), forKey: key,
      isNew: isNew)
  }
}
