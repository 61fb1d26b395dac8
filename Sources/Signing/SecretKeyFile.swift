internal import Bytes

// The text of a NAME.key file: one line of canonical JSON. Encrypted:
//
//   { "ciphertext": BASE64 of 32 + 16 bytes,
//     "encryption": "argon2id+xchacha20poly1305",
//     "format": "netimg-secret-key-1",
//     "kdf": { "memory_kib": N, "passes": N, "salt": BASE64 of 16 bytes },
//     "keyid": HEX, "name": NAME, "nonce": BASE64 of 24 bytes, "public": HEX }
//
// The additional data of the cipher are the canonical JSON of all members but "ciphertext", so no field can
// be changed without the passphrase. Not encrypted:
//
//   { "encryption": "none", "format": …, "keyid": …, "name": …, "public": …,
//     "seed": BASE64 of 32 bytes, "warning": … }

/// A secret key at rest, still locked.
package struct SecretKeyFile: Sendable {
  enum Content: Sendable {
    case encrypted(Argon2id, salt: [UInt8], nonce: [UInt8], ciphertext: [UInt8])
    case plain(SecretBytes)
  }

  /// How a key is protected when it is written.
  package enum Protection: Sendable {
    /// Encrypted under a passphrase (Argon2id and XChaCha20-Poly1305).
    case passphrase(SecretBytes, cost: Argon2id = .moderate)
    /// Not at all: for a CI system that keeps the file as a secret of its own. The file says so.
    case none
  }

  /// The public half, which needs no passphrase; authenticated only once the file is unlocked.
  package let publicKey: PublicKey
  let content: Content

  /// Whether `unlock` needs a passphrase.
  package var isEncrypted: Bool {
    if case .encrypted = content { true } else { false }
  }

  /// Locks a pair. Throws `noPassphrase` for an empty one.
  package init(_ pair: KeyPair, protection: Protection) throws {
    publicKey = pair.publicKey
    switch protection {
    case .none:
      content = .plain(pair.seed)
    case .passphrase(let passphrase, let cost):
      guard passphrase.count > 0 else {
        throw SigningError(.noPassphrase, "the passphrase is empty; choose one, or say that none is wanted")
      }
      let salt = Sodium.randomBytes(Argon2id.saltByteCount)
      let nonce = Sodium.randomBytes(Cipher.nonceByteCount)
      let header = Self.header(publicKey, cost, salt, nonce)
      content = .encrypted(
        cost, salt: salt, nonce: nonce,
        ciphertext: Cipher.seal(
          pair.seed, nonce: nonce, key: try cost.key(passphrase, salt: salt),
          header: Array(JSONValue.object(header).canonical.utf8)))
    }
  }

  /// The pair inside. Throws `noPassphrase` if one is needed and none is given, `wrongPassphrase` if it does
  /// not fit or the file was changed, `invalidKey` if the secret is not that of `publicKey`.
  package func unlock(passphrase: SecretBytes?) throws -> KeyPair {
    let seed: SecretBytes
    switch content {
    case .plain(let bytes):
      seed = bytes
    case .encrypted(let cost, let salt, let nonce, let ciphertext):
      guard let passphrase else {
        throw SigningError(
          .noPassphrase,
          "the key '\(publicKey.name)' is encrypted; give its passphrase at the prompt, by --passphrase-file "
            + "or in NETIMG_KEY_PASSPHRASE")
      }
      let header = Self.header(publicKey, cost, salt, nonce)
      let opened = try Cipher.open(
        ciphertext, nonce: nonce, key: try cost.key(passphrase, salt: salt),
        header: Array(JSONValue.object(header).canonical.utf8))
      guard let opened else {
        throw SigningError(
          .wrongPassphrase,
          "the passphrase does not open the key '\(publicKey.name)', or its file was changed; try again, "
            + "or restore the file")
      }
      seed = opened
    }
    let pair = try KeyPair(seed: seed, name: publicKey.name)
    guard Sodium.equal(pair.publicKey.bytes, publicKey.bytes) else {
      throw SigningError(
        .invalidKey,
        "the secret in the file of key '\(publicKey.name)' is not that of its public key; restore it")
    }
    return pair
  }

  /// The authenticated members of an encrypted file.
  static func header(
    _ key: PublicKey, _ cost: Argon2id, _ salt: [UInt8], _ nonce: [UInt8]
  ) -> [JSONMember] {
    common(key, encryption: encrypted) + [
      JSONMember(
        "kdf",
        .object([
          JSONMember("memory_kib", .integer(cost.memoryKiB)),
          JSONMember("passes", .integer(cost.passes)),
          JSONMember("salt", .string(Base64.encode(salt))),
        ])),
      JSONMember("nonce", .string(Base64.encode(nonce))),
    ]
  }

  static func common(_ key: PublicKey, encryption: String) -> [JSONMember] {
    [
      JSONMember("encryption", .string(encryption)),
      JSONMember("format", .string(format)),
      JSONMember("keyid", .string(key.keyID)),
      JSONMember("name", .string(key.name)),
      JSONMember("public", .string(Hex.encode(key.bytes))),
    ]
  }

  static let format = "netimg-secret-key-1"
  static let encrypted = "argon2id+xchacha20poly1305"
  static let warning = "not encrypted: whoever reads this file can sign"
}
