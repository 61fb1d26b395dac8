internal import CLibcrypto

/// An RSA public key (RFC 8017), as a certificate holds it.
struct RSAPublicKey: Hashable, Sendable {
  /// A SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7).
  let der: [UInt8]
  /// The modulus in bits: 2048 to 4096.
  let bits: Int

  /// - Throws: `unsupported` for another kind of key or another size.
  init(der: [UInt8]) throws(SecureBootError) {
    self.der = der
    let bits = Self.withKey(der) { key in
      EVP_PKEY_get_id(key) == EVP_PKEY_RSA ? Int(EVP_PKEY_get_bits(key)) : 0
    }
    guard let bits, (2048...4096).contains(bits) else {
      throw SecureBootError(
        .unsupported,
        "the certificate has no RSA key of 2048 to 4096 bits: firmware is only sure to take RSA, 2048 bits")
    }
    self.bits = bits
  }

  /// Whether this is the key's signature over SHA-256 of the message (RSASSA-PKCS1-v1_5).
  func isValidSignature(_ signature: [UInt8], for message: [UInt8]) -> Bool {
    let verdict = Self.withKey(der) { key -> Bool in
      guard let context = EVP_MD_CTX_new() else { return false }
      defer { EVP_MD_CTX_free(context) }
      return EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, key) == 1
        && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }
    ERR_clear_error()
    return verdict ?? false
  }

  private static func withKey<Result>(_ der: [UInt8], _ body: (OpaquePointer) -> Result) -> Result? {
    der.withUnsafeBufferPointer { bytes in
      var start = bytes.baseAddress
      let key = d2i_PUBKEY(nil, &start, bytes.count)
      defer {
        EVP_PKEY_free(key)
        ERR_clear_error()
      }
      guard let key, start == bytes.baseAddress.map({ $0 + bytes.count }) else { return nil }
      return body(key)
    }
  }
}
