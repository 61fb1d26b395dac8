internal import CLibcrypto
package import Signing

/// An RSA private key (RFC 8017) in libcrypto's hands, which zeroes it at the end.
package final class RSAPrivateKey: Sendable {
  /// The size that all firmware takes: some knows no other.
  package static let bits = 2048

  // libcrypto's keys are not changed by use, and count their owners atomically.
  private nonisolated(unsafe) let key: OpaquePointer
  let publicKey: RSAPublicKey

  private init(taking key: OpaquePointer?) throws(SecureBootError) {
    guard let key else {
      ERR_clear_error()
      throw SecureBootError(.malformed, "the secret is no RSA key: restore the file")
    }
    var der: UnsafeMutablePointer<UInt8>?
    let count = i2d_PUBKEY(key, &der)
    defer { CRYPTO_free(der, nil, 0) }
    do {
      publicKey = try RSAPublicKey(der: Array(UnsafeBufferPointer(start: der, count: max(0, Int(count)))))
    } catch {
      EVP_PKEY_free(key)
      throw error
    }
    self.key = key
  }

  deinit { EVP_PKEY_free(key) }

  /// A new key from libcrypto's random generator: a second or so.
  package static func generate() throws(SecureBootError) -> RSAPrivateKey {
    let context = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, nil)
    defer { EVP_PKEY_CTX_free(context) }
    var key: OpaquePointer?
    guard EVP_PKEY_keygen_init(context) == 1,
      EVP_PKEY_CTX_set_rsa_keygen_bits(context, Int32(bits)) == 1, EVP_PKEY_keygen(context, &key) == 1
    else {
      ERR_clear_error()
      throw SecureBootError(.system, "libcrypto made no RSA key: is there memory, and /dev/urandom?")
    }
    return try RSAPrivateKey(taking: key)
  }

  /// Reads an RSAPrivateKey (RFC 8017, appendix A.1.2) in DER.
  package convenience init(der: SecretBytes) throws {
    try self.init(
      taking: der.withUnsafeBytes { bytes in
        var start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress
        return d2i_PrivateKey(EVP_PKEY_RSA, nil, &start, bytes.count)
      })
  }

  /// Writes what `init(der:)` reads.
  package func der() throws -> SecretBytes {
    let count = Int(i2d_PrivateKey(key, nil))
    guard count > 0 else { throw SecureBootError(.system, "libcrypto does not give the key away") }
    return try SecretBytes(count: count) { buffer in
      var start = buffer.assumingMemoryBound(to: UInt8.self).baseAddress
      guard i2d_PrivateKey(key, &start) == count else {
        throw SecureBootError(.system, "libcrypto does not give the key away")
      }
    }
  }

  /// RSASSA-PKCS1-v1_5 over SHA-256 of the message: the same bytes every time.
  package func sign(_ message: [UInt8]) throws(SecureBootError) -> [UInt8] {
    guard let context = EVP_MD_CTX_new() else { throw SecureBootError(.system, "there is no memory left") }
    defer { EVP_MD_CTX_free(context) }
    var count = publicKey.bits / 8
    var signature = [UInt8](repeating: 0, count: count)
    guard EVP_DigestSignInit(context, nil, EVP_sha256(), nil, key) == 1,
      EVP_DigestSign(context, &signature, &count, message, message.count) == 1, count == signature.count
    else {
      ERR_clear_error()
      throw SecureBootError(.system, "libcrypto made no signature")
    }
    return signature
  }
}
