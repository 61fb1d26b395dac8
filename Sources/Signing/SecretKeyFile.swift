internal import Bytes

/// An Ed25519 secret key at rest, still locked: a `LockedSecret` of 32 bytes, the seed, in a NAME.key file.
package struct SecretKeyFile: Sendable {
  /// How a secret is protected when it is written.
  package enum Protection: Sendable {
    /// Encrypted under a passphrase (Argon2id and XChaCha20-Poly1305).
    case passphrase(SecretBytes, cost: Argon2id = .moderate)
    /// Not at all: for a CI system that keeps the file as a secret of its own. The file says so.
    case none
  }

  /// The public half, which needs no passphrase; authenticated only once the file is unlocked.
  package let publicKey: PublicKey
  private let secret: LockedSecret

  /// Whether `unlock` needs a passphrase.
  package var isEncrypted: Bool { secret.isEncrypted }

  /// Locks a pair. Throws `noPassphrase` for an empty one.
  package init(_ pair: KeyPair, protection: Protection) throws {
    publicKey = pair.publicKey
    secret = try LockedSecret(
      pair.seed, format: Self.format,
      fields: [
        ("keyid", publicKey.keyID), ("name", publicKey.name), ("public", Hex.encode(publicKey.bytes)),
      ], protection: protection)
  }

  /// What the file holds, ending with a newline.
  package var text: String { secret.text }

  /// Reads what `text` writes, strictly: no field more or less, costs within bounds, the key identifier that
  /// of the public key. `source` names the file in errors. Throws `malformed`, `unsupported`, `invalidName`.
  package init(text: [UInt8], source: String) throws {
    try self.init(LockedSecret(text: text, source: source, format: Self.format), source: source)
  }

  private init(_ secret: LockedSecret, source: String) throws {
    func wrong(_ field: String) -> SigningError {
      SigningError(.malformed, "\(source): the field '\(field)' is missing or wrong; restore the file")
    }
    guard let hex = secret["public"], let bytes = Hex.decode(hex), Hex.encode(bytes) == hex else {
      throw wrong("public")
    }
    publicKey = try PublicKey(bytes: bytes, name: secret["name"] ?? "")
    guard secret["keyid"] == publicKey.keyID else { throw wrong("keyid") }
    self.secret = secret
  }

  /// Reads a `NAME.key` file. Throws `permissions` if its group or others may read or write it, as ssh does.
  package static func read(_ path: String) throws -> SecretKeyFile {
    try SecretKeyFile(LockedSecret.read(path, format: format), source: path)
  }

  /// Writes a new `NAME.key` of mode 0600. Throws `exists` rather than replace a file.
  package func write(_ path: String) throws { try secret.write(path) }

  /// The pair inside. Throws `noPassphrase` if one is needed and none is given, `wrongPassphrase` if it does
  /// not fit or the file was changed, `invalidKey` if the secret is not that of `publicKey`.
  package func unlock(passphrase: SecretBytes?) throws -> KeyPair {
    let pair = try KeyPair(seed: secret.unlock(passphrase: passphrase), name: publicKey.name)
    guard Sodium.equal(pair.publicKey.bytes, publicKey.bytes) else {
      throw SigningError(
        .invalidKey,
        "the secret in the file of key '\(publicKey.name)' is not that of its public key; restore it")
    }
    return pair
  }

  private static let format = LockedSecret.Format(
    name: "netimg-secret-key-1", fields: ["keyid", "name", "public"], secret: "seed",
    sizes: KeyPair.seedByteCount...KeyPair.seedByteCount)
}
