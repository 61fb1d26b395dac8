internal import Bytes
internal import CLibcrypto

/// A private key in memory that OpenSSL signs with: for ECDSA and RSA, and for Ed25519 keys of other systems.
/// Keys of people belong into a directory of keys or a token (``KeyRingSigner``).
package final class PrivateKey: MetadataSigner {
  /// The kinds of keys of the specification.
  package enum Kind: Sendable, CaseIterable {
    case ed25519
    case ecdsaP256
    case rsaPSS
  }

  package let key: VerificationKey
  private let scheme: SignatureScheme
  // Immutable once made, and OpenSSL may sign with it from several threads.
  private nonisolated(unsafe) let pointer: OpaquePointer

  /// A new key from the system's random generator.
  /// - Throws: `badKey` if OpenSSL cannot make one.
  package static func generate(_ kind: Kind) throws(UpdateError) -> PrivateKey {
    let identifier =
      switch kind {
      case .ed25519: EVP_PKEY_ED25519
      case .ecdsaP256: EVP_PKEY_EC
      case .rsaPSS: EVP_PKEY_RSA
      }
    guard let context = EVP_PKEY_CTX_new_id(identifier, nil), EVP_PKEY_keygen_init(context) == 1 else {
      throw cannot("make")
    }
    defer { EVP_PKEY_CTX_free(context) }
    let isSet =
      switch kind {
      case .ed25519: true
      case .ecdsaP256: EVP_PKEY_CTX_set_group_name(context, "prime256v1") == 1
      case .rsaPSS: EVP_PKEY_CTX_set_rsa_keygen_bits(context, 3072) == 1
      }
    var pointer: OpaquePointer?
    guard isSet, EVP_PKEY_keygen(context, &pointer) == 1, let pointer else { throw cannot("make") }
    return try PrivateKey(owning: pointer)
  }

  /// Reads an unencrypted PEM private key (PKCS #8 or the older forms).
  /// - Throws: `badKey` for anything else.
  package convenience init(pem: [UInt8]) throws(UpdateError) {
    guard let memory = BIO_new_mem_buf(pem, Int32(clamping: pem.count)) else { throw Self.cannot("read") }
    defer {
      BIO_free(memory)
      ERR_clear_error()
    }
    // Without this, OpenSSL would ask for a passphrase on the terminal.
    let refuse:
      @convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?) -> Int32 = {
        _, _, _, _ in -1
      }
    guard let pointer = PEM_read_bio_PrivateKey(memory, nil, refuse, nil) else { throw Self.cannot("read") }
    try self.init(owning: pointer)
  }

  private init(owning pointer: OpaquePointer) throws(UpdateError) {
    self.pointer = pointer
    let kind = EVP_PKEY_get_base_id(pointer)
    if kind == EVP_PKEY_ED25519 {
      scheme = .ed25519
      var bytes = [UInt8](repeating: 0, count: 32)
      var count = bytes.count
      EVP_PKEY_get_raw_public_key(pointer, &bytes, &count)
      key = VerificationKey(type: "ed25519", scheme: "ed25519", material: Hex.encode(bytes))
    } else if kind == EVP_PKEY_EC {
      scheme = .ecdsaP256
      key = VerificationKey(type: "ecdsa", scheme: "ecdsa-sha2-nistp256", material: Self.pem(pointer))
    } else {
      scheme = .rsaPSS
      key = VerificationKey(type: "rsa", scheme: "rsassa-pss-sha256", material: Self.pem(pointer))
    }
    guard key.isUsable else {
      throw UpdateError(
        .badKey, "the key is neither Ed25519, ECDSA on P-256 nor RSA of 2048 to 8192 bits; use one of these")
    }
  }

  deinit { EVP_PKEY_free(pointer) }

  private static func cannot(_ verb: String) -> UpdateError {
    ERR_clear_error()
    return UpdateError(
      .badKey, "OpenSSL cannot \(verb) the private key; check that it is a PEM key without passphrase")
  }

  private static func pem(_ pointer: OpaquePointer) -> String {
    guard let memory = BIO_new(BIO_s_mem()) else { return "" }
    defer { BIO_free(memory) }
    var bytes = [UInt8](repeating: 0, count: 8192)
    guard PEM_write_bio_PUBKEY(memory, pointer) == 1 else { return "" }
    let count = BIO_read(memory, &bytes, Int32(bytes.count))
    return String(decoding: bytes.prefix(max(0, Int(count))), as: UTF8.self)
  }

  package func sign(_ message: [UInt8]) async throws -> [UInt8] { try signature(over: message) }

  /// The raw bytes of a signature over the message.
  /// - Throws: `badKey` if OpenSSL fails.
  package func signature(over message: [UInt8]) throws(UpdateError) -> [UInt8] {
    guard let context = EVP_MD_CTX_new() else { throw Self.cannot("use") }
    defer { EVP_MD_CTX_free(context) }
    var parameters: OpaquePointer?
    guard EVP_DigestSignInit(context, &parameters, scheme.digest, nil, pointer) == 1 else {
      throw Self.cannot("use")
    }
    if scheme == .rsaPSS {
      guard EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1,
        EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1
      else { throw Self.cannot("use") }
    }
    var count = 0
    guard EVP_DigestSign(context, nil, &count, message, message.count) == 1 else { throw Self.cannot("use") }
    var signature = [UInt8](repeating: 0, count: count)
    guard EVP_DigestSign(context, &signature, &count, message, message.count) == 1 else {
      throw Self.cannot("use")
    }
    return Array(signature.prefix(count))
  }
}
