internal import CLibsodium

/// An Ed25519 key pair (RFC 8032); its secret half never leaves `SecretBytes`.
package struct KeyPair: Sendable {
  /// The length of the secret seed (RFC 8032, section 5.1.5), in bytes.
  package static let seedByteCount = 32

  package let publicKey: PublicKey
  let seed: SecretBytes
  // libsodium's expanded form: the seed, then the public key.
  private let secretKey: SecretBytes

  /// A new pair from the system's random generator.
  package static func generate(name: String) throws -> KeyPair {
    let seed = try SecretBytes(count: seedByteCount, fillingFrom: { randombytes_buf($0, seedByteCount) })
    return try KeyPair(seed: seed, name: name)
  }

  /// The pair that belongs to a seed of 32 bytes; throws `invalidKey` for any other count.
  package init(seed: SecretBytes, name: String) throws {
    guard seed.count == Self.seedByteCount else {
      throw SigningError(.invalidKey, "an Ed25519 seed has 32 bytes, but this one has \(seed.count)")
    }
    var public32 = [UInt8](repeating: 0, count: PublicKey.byteCount)
    secretKey = try SecretBytes(
      count: 64,
      fillingFrom: { secret in
        _ = seed.withPointer { crypto_sign_seed_keypair(&public32, secret, $0) }
      })
    self.seed = seed
    publicKey = try PublicKey(bytes: public32, name: name)
  }

  /// The 64 bytes of the (deterministic) signature over the message.
  package func sign(_ message: [UInt8]) -> [UInt8] {
    var signature = [UInt8](repeating: 0, count: PublicKey.signatureByteCount)
    _ = secretKey.withPointer { crypto_sign_detached(&signature, nil, message, UInt64(message.count), $0) }
    return signature
  }
}
