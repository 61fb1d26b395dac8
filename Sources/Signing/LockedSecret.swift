// A secret at rest is one line of canonical JSON. Encrypted:
//
//   { "ciphertext": BASE64 of the secret and 16 bytes,
//     "encryption": "argon2id+xchacha20poly1305",
//     "format": FORMAT,
//     "kdf": { "memory_kib": N, "passes": N, "salt": BASE64 of 16 bytes },
//     "nonce": BASE64 of 24 bytes, and the fields of the format, "name" among them }
//
// The additional data of the cipher are the canonical JSON of all members but "ciphertext", so no field can
// be changed without the passphrase. Not encrypted:
//
//   { "encryption": "none", "format": …, the fields …, SECRET: BASE64, "warning": … }

/// A secret at rest, still locked, with public fields that the passphrase vouches for.
package struct LockedSecret: Sendable {
  /// A kind of file.
  package struct Format: Sendable {
    /// What the member `format` says.
    let name: String
    /// The fields beside it, all of them text; `name` is one.
    let fields: [String]
    /// The member that holds the secret if it is not encrypted.
    let secret: String
    /// How many bytes the secret may have.
    let sizes: ClosedRange<Int>

    /// - Parameters:
    ///   - name: what the member `format` says, with a version.
    ///   - fields: the public fields, all of them text; `name` must be one.
    ///   - secret: the member that holds the secret if it is not encrypted.
    ///   - sizes: how many bytes the secret may have.
    package init(name: String, fields: [String], secret: String, sizes: ClosedRange<Int>) {
      self.name = name
      self.fields = fields
      self.secret = secret
      self.sizes = sizes
    }
  }

  enum Content: Sendable {
    case encrypted(Argon2id, salt: [UInt8], nonce: [UInt8], ciphertext: [UInt8])
    case plain(SecretBytes)
  }

  let format: Format
  let fields: [JSONMember]
  let content: Content

  /// Whether `unlock` needs a passphrase.
  package var isEncrypted: Bool {
    if case .encrypted = content { true } else { false }
  }

  /// A public field, authenticated only once the file is unlocked; `nil` if the format has no such field.
  package subscript(_ field: String) -> String? { fields.first { $0.name == field }?.value.text }

  /// Locks a secret. Throws `noPassphrase` for an empty passphrase.
  /// - Parameter fields: a value for each field of the format.
  package init(
    _ secret: SecretBytes, format: Format, fields: [(name: String, value: String)],
    protection: SecretKeyFile.Protection
  ) throws {
    self.format = format
    self.fields = fields.map { JSONMember($0.name, .string($0.value)) }
    switch protection {
    case .none:
      content = .plain(secret)
    case .passphrase(let passphrase, let cost):
      guard passphrase.count > 0 else {
        throw SigningError(.noPassphrase, "the passphrase is empty; choose one, or say that none is wanted")
      }
      let salt = Sodium.randomBytes(Argon2id.saltByteCount)
      let nonce = Sodium.randomBytes(Cipher.nonceByteCount)
      let header = Self.header(format, self.fields, cost, salt, nonce)
      content = .encrypted(
        cost, salt: salt, nonce: nonce,
        ciphertext: Cipher.seal(
          secret, nonce: nonce, key: try cost.key(passphrase, salt: salt),
          header: Array(JSONValue.object(header).canonical.utf8)))
    }
  }

  /// The secret. Throws `noPassphrase` if one is needed and none is given, `wrongPassphrase` if it does not fit
  /// or the file was changed.
  package func unlock(passphrase: SecretBytes?) throws -> SecretBytes {
    guard case .encrypted(let cost, let salt, let nonce, let ciphertext) = content else {
      guard case .plain(let secret) = content else { preconditionFailure("there are two kinds of content") }
      return secret
    }
    let name = self["name"] ?? ""
    guard let passphrase else {
      throw SigningError(
        .noPassphrase,
        "the key '\(name)' is encrypted; give its passphrase at the prompt, by --passphrase-file "
          + "or in NETIMG_KEY_PASSPHRASE")
    }
    let header = Self.header(format, fields, cost, salt, nonce)
    let opened = try Cipher.open(
      ciphertext, nonce: nonce, key: try cost.key(passphrase, salt: salt),
      header: Array(JSONValue.object(header).canonical.utf8))
    guard let opened else {
      throw SigningError(
        .wrongPassphrase,
        "the passphrase does not open the key '\(name)', or its file was changed; try again, "
          + "or restore the file")
    }
    return opened
  }

  /// The authenticated members of an encrypted file.
  static func header(
    _ format: Format, _ fields: [JSONMember], _ cost: Argon2id, _ salt: [UInt8], _ nonce: [UInt8]
  ) -> [JSONMember] {
    common(format, fields, encryption: encrypted) + [
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

  static func common(_ format: Format, _ fields: [JSONMember], encryption: String) -> [JSONMember] {
    [JSONMember("encryption", .string(encryption)), JSONMember("format", .string(format.name))] + fields
  }

  static let encrypted = "argon2id+xchacha20poly1305"
  static let warning = "not encrypted: whoever reads this file can sign"
}
