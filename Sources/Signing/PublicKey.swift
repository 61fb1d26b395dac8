internal import Bytes
internal import CLibsodium

/// An Ed25519 public key (RFC 8032) with the name that its owner gave it. The name is for people: trust goes
/// by `keyID`.
package struct PublicKey: Hashable, Sendable {
  /// The length of a public key and of a signature, in bytes.
  package static let byteCount = 32
  package static let signatureByteCount = 64

  /// The 32 bytes of RFC 8032, section 5.1.5.
  package let bytes: [UInt8]
  package let name: String

  /// Throws `invalidKey` for anything but 32 bytes, `invalidName` for a name that is none.
  package init(bytes: [UInt8], name: String) throws {
    guard bytes.count == Self.byteCount else {
      throw SigningError(
        .invalidKey, "an Ed25519 public key has 32 bytes, but that of '\(name.prefix(80))' has \(bytes.count)"
      )
    }
    self.bytes = bytes
    self.name = try KeyName.check(name)
  }

  /// 64 lower-case hexadecimal digits: SHA-256 of the canonical JSON of the key as TUF and securesystemslib
  /// write it, so that repository metadata can name the same key by the same identifier.
  package var keyID: String {
    SHA256.digest(of: Array(metadata.canonical.utf8)).hex
  }

  /// The key object of TUF metadata (specification 1.0, section 4.2).
  package var metadata: JSONValue {
    .object([
      JSONMember("keytype", .string("ed25519")),
      JSONMember("keyval", .object([JSONMember("public", .string(Hex.encode(bytes)))])),
      JSONMember("scheme", .string("ed25519")),
    ])
  }

  /// Whether the signature is this key's over the message. Refuses what RFC 8032 leaves open: keys of small
  /// order and signatures whose S is not reduced (libsodium's strict rules).
  package func isValidSignature(_ signature: [UInt8], for message: [UInt8]) -> Bool {
    guard signature.count == Self.signatureByteCount, (try? Sodium.start()) != nil else { return false }
    return crypto_sign_verify_detached(signature, message, UInt64(message.count), bytes) == 0
  }
}
