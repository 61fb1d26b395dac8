internal import Bytes
internal import CLibcrypto

/// An `EVP_PKEY` that frees itself, and how it signs.
struct CryptoKey: ~Copyable {
  let pointer: OpaquePointer
  let scheme: SignatureScheme
  deinit { EVP_PKEY_free(pointer) }

  /// What the key is, the same for every spelling of it: the DER SubjectPublicKeyInfo, but for elliptic
  /// curves the coordinates, because a point can be written compressed too.
  var identity: [UInt8]? {
    if scheme == .ecdsaP256 || scheme == .ecdsaP384 {
      guard let x = coordinate("qx"), let y = coordinate("qy") else { return nil }
      return x + y
    }
    var buffer: UnsafeMutablePointer<UInt8>?
    let count = i2d_PUBKEY(pointer, &buffer)
    guard count > 0, let buffer else { return nil }
    defer { CRYPTO_free(buffer, #file, #line) }
    return Array(UnsafeBufferPointer(start: buffer, count: Int(count)))
  }

  private func coordinate(_ name: String) -> [UInt8]? {
    var number: OpaquePointer?
    guard EVP_PKEY_get_bn_param(pointer, name, &number) == 1, let number else { return nil }
    defer { BN_free(number) }
    var bytes = [UInt8](repeating: 0, count: 48)
    return BN_bn2binpad(number, &bytes, 48) == 48 ? bytes : nil
  }
}

/// What a scheme asks of OpenSSL.
enum SignatureScheme: Sendable {
  case ed25519
  case ecdsaP256
  case ecdsaP384
  case rsaPSS

  init?(type: String, scheme: String) {
    switch (type, scheme) {
    case ("ed25519", "ed25519"): self = .ed25519
    case ("ecdsa", "ecdsa-sha2-nistp256"), ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"): self = .ecdsaP256
    case ("ecdsa", "ecdsa-sha2-nistp384"), ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"): self = .ecdsaP384
    case ("rsa", "rsassa-pss-sha256"): self = .rsaPSS
    default: return nil
    }
  }

  /// The digest that goes with it; Ed25519 has its own.
  var digest: OpaquePointer? {
    switch self {
    case .ed25519: nil
    case .ecdsaP256, .rsaPSS: EVP_sha256()
    case .ecdsaP384: EVP_sha384()
    }
  }

  /// Whether a parsed key is of the algorithm, the curve and a size that the scheme means.
  func accepts(_ key: borrowing CryptoKey) -> Bool {
    let kind = EVP_PKEY_get_base_id(key.pointer)
    switch self {
    case .ed25519: return kind == EVP_PKEY_ED25519
    case .ecdsaP256: return kind == EVP_PKEY_EC && Self.curve(key) == "prime256v1"
    case .ecdsaP384: return kind == EVP_PKEY_EC && Self.curve(key) == "secp384r1"
    case .rsaPSS: return kind == EVP_PKEY_RSA && (2048...8192).contains(EVP_PKEY_get_bits(key.pointer))
    }
  }

  private static func curve(_ key: borrowing CryptoKey) -> String {
    var name = [CChar](repeating: 0, count: 64)
    var length = 0
    guard EVP_PKEY_get_group_name(key.pointer, &name, name.count, &length) == 1, length < name.count else {
      return ""
    }
    return String(decoding: name[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

extension VerificationKey {
  /// The longest text of a key that is looked at; RSA with 8192 bits needs 1.5 KiB.
  private static let longestMaterial = 16 * 1024
  /// SubjectPublicKeyInfo of an uncompressed P-256 point (RFC 5480): what stands before the point.
  private static let pointPrefix = Hex.decode("3059301306072a8648ce3d020106082a8648ce3d030107034200") ?? []

  /// The parsed key; `nil` if its kind is not known, or it is not what it says.
  private func open() -> CryptoKey? {
    guard let scheme = SignatureScheme(type: type, scheme: self.scheme),
      material.utf8.count <= Self.longestMaterial,
      let pointer = scheme == .ed25519 ? openRaw() : material.utf8.first == 0x2d ? openPEM() : openPoint()
    else { return nil }
    let key = CryptoKey(pointer: pointer, scheme: scheme)
    guard scheme.accepts(key) else { return nil }
    return key
  }

  private func openRaw() -> OpaquePointer? {
    guard let bytes = Hex.decode(material), bytes.count == 32 else { return nil }
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, bytes, bytes.count)
  }

  private func openPEM() -> OpaquePointer? {
    guard material.hasPrefix("-----BEGIN PUBLIC KEY-----") else { return nil }
    let text = Array(material.utf8)
    guard let memory = BIO_new_mem_buf(text, Int32(text.count)) else { return nil }
    defer { BIO_free(memory) }
    let key = PEM_read_bio_PUBKEY(memory, nil, nil, nil)
    ERR_clear_error()
    return key
  }

  /// The first repositories that had ECDSA keys wrote the bare point in hexadecimal.
  private func openPoint() -> OpaquePointer? {
    guard let point = Hex.decode(material), point.count == 65, point.first == 4 else { return nil }
    let encoded = Self.pointPrefix + point
    let key = encoded.withUnsafeBufferPointer { buffer in
      var next = buffer.baseAddress
      return d2i_PUBKEY(nil, &next, buffer.count)
    }
    ERR_clear_error()
    return key
  }

  /// What the key really is, the same for every spelling of it; `nil` if it cannot verify anything.
  package var identity: [UInt8]? { open()?.identity }

  /// Whether the key can verify signatures here.
  package var isUsable: Bool { open() != nil }

  /// Whether the signature is this key's over the message.
  package func isValidSignature(_ signature: [UInt8], for message: [UInt8]) -> Bool {
    guard let key = open() else { return false }
    return Self.verify(signature, message, key)
  }

  /// The key's identity if the signature is its own over the message.
  func signer(of signature: [UInt8], for message: [UInt8]) -> [UInt8]? {
    guard let key = open(), Self.verify(signature, message, key) else { return nil }
    return key.identity
  }

  private static func verify(
    _ signature: [UInt8], _ message: [UInt8], _ key: borrowing CryptoKey
  ) -> Bool {
    guard let context = EVP_MD_CTX_new() else { return false }
    defer {
      EVP_MD_CTX_free(context)
      ERR_clear_error()
    }
    var parameters: OpaquePointer?
    guard EVP_DigestVerifyInit(context, &parameters, key.scheme.digest, nil, key.pointer) == 1 else {
      return false
    }
    if key.scheme == .rsaPSS {
      // MGF1 goes with the digest; the salt's length is the signer's choice.
      guard EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1,
        EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_AUTO) == 1
      else { return false }
    }
    return EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
  }
}
