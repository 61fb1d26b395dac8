internal import CLibsodium

/// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) over a secret, with the plain header authenticated.
enum Cipher {
  static let nonceByteCount = 24
  static let tagByteCount = 16

  static func seal(
    _ secret: SecretBytes, nonce: [UInt8], key: SecretBytes, header: [UInt8]
  ) -> [UInt8] {
    var ciphertext = [UInt8](repeating: 0, count: secret.count + tagByteCount)
    secret.withPointer { bytes in
      key.withPointer { key in
        _ = crypto_aead_xchacha20poly1305_ietf_encrypt(
          &ciphertext, nil, bytes, UInt64(secret.count), header, UInt64(header.count), nil, nonce, key)
      }
    }
    return ciphertext
  }

  /// `nil` if the key or any byte is not the one that `seal` had.
  static func open(
    _ ciphertext: [UInt8], nonce: [UInt8], key: SecretBytes, header: [UInt8]
  ) throws -> SecretBytes? {
    guard ciphertext.count >= tagByteCount, nonce.count == nonceByteCount else { return nil }
    var isGenuine = false
    let secret = try SecretBytes(
      count: ciphertext.count - tagByteCount,
      fillingFrom: { secret in
        isGenuine = key.withPointer { key in
          crypto_aead_xchacha20poly1305_ietf_decrypt(
            secret, nil, nil, ciphertext, UInt64(ciphertext.count), header, UInt64(header.count), nonce, key)
            == 0
        }
      })
    return isGenuine ? secret : nil
  }
}
