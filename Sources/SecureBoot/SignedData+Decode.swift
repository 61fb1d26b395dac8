internal import Bytes

extension SignedData {
  /// How many certificates are read: some signers add their chain.
  private static let maximumCertificates = 16

  /// Reads a SignedData, not its ContentInfo, from outside. Nothing is verified yet.
  /// - Throws: `malformed`; `unsupported` for other algorithms or not exactly one signer.
  init(_ element: DERReader.Element, source: String) throws(SecureBootError) {
    var body = DERReader(element, source)
    let version = try body.next(DER.Tag.integer, "version")
    guard version.content.elementsEqual([1]) else {
      throw SecureBootError(.unsupported, "\(source) is no PKCS #7 signature of version 1")
    }
    _ = try body.next(DER.Tag.set, "digestAlgorithms")
    var information = DERReader(try body.next(DER.Tag.sequence, "contentInfo"), source)
    contentType = Array(try information.next(DER.Tag.objectIdentifier, "contentType").encoded)
    content = try information.nextIfPresent(DER.Tag.constructed(0), "content").map { Array($0.content) }
    try information.end()
    var certificates = DERReader(try body.next(DER.Tag.constructed(0), "certificates"), source)
    _ = try body.nextIfPresent(DER.Tag.constructed(1), "crls")
    var signers = DERReader(try body.next(DER.Tag.set, "signerInfos"), source)
    try body.end()
    var signer = DERReader(try signers.next(DER.Tag.sequence, "SignerInfo"), source)
    guard signers.isAtEnd else {
      throw SecureBootError(.unsupported, "\(source) has several signers in one signature: one each is read")
    }

    _ = try signer.next(DER.Tag.integer, "version")
    let identity = try signer.next(DER.Tag.sequence, "issuerAndSerialNumber").encoded
    try Self.require(ObjectIdentifier.sha256, in: signer.next(DER.Tag.sequence, "digestAlgorithm"), source)
    let signed = try signer.nextIfPresent(DER.Tag.constructed(0), "authenticatedAttributes")
    // What is signed has the tag of a SET (RFC 2315, section 9.3).
    attributes = signed.map { [DER.Tag.set] + $0.encoded.dropFirst() }
    try Self.require(
      ObjectIdentifier.rsaEncryption, in: signer.next(DER.Tag.sequence, "digestEncryptionAlgorithm"), source)
    signature = Array(try signer.next(DER.Tag.octetString, "encryptedDigest").content)
    _ = try signer.nextIfPresent(DER.Tag.constructed(1), "unauthenticatedAttributes")
    try signer.end()

    var found: X509Certificate?
    var count = 0
    while !certificates.isAtEnd, found == nil {
      let encoded = try certificates.next(DER.Tag.sequence, "certificate").encoded
      count += 1
      guard count <= Self.maximumCertificates else {
        throw SecureBootError(
          .unsupported, "\(source) has more than \(Self.maximumCertificates) certificates")
      }
      // One that we cannot read cannot be the signer's, or we could not verify with it.
      guard let certificate = try? X509Certificate(der: Array(encoded), source: source),
        identity.elementsEqual(certificate.issuerAndSerial)
      else { continue }
      found = certificate
    }
    guard let found else {
      throw SecureBootError(.malformed, "\(source) does not have its signer's certificate with an RSA key")
    }
    certificate = found
  }

  /// Throws `badSignature` unless the certificate's key signed this content, and it is of that type.
  func verify(contentType: [UInt8], source: String) throws(SecureBootError) {
    guard self.contentType == contentType, let content, let attributes else {
      throw SecureBootError(.badSignature, "\(source) does not sign a program")
    }
    guard certificate.publicKey.isValidSignature(signature, for: attributes) else {
      throw SecureBootError(.badSignature, "\(source) is not a signature of \(certificate.name)")
    }
    let digest = DER.octetString(try Self.digest(of: content).bytes)
    guard try attribute(ObjectIdentifier.contentType, source) == contentType,
      try attribute(ObjectIdentifier.messageDigest, source) == digest
    else {
      throw SecureBootError(.badSignature, "\(source) signs something else than it holds")
    }
  }

  /// The one value of an attribute, encoded; `nil` if it is not there exactly once.
  private func attribute(_ type: [UInt8], _ source: String) throws(SecureBootError) -> [UInt8]? {
    var outer = DERReader((attributes ?? [])[...], source)
    var set = DERReader(try outer.next(DER.Tag.set, "attributes"), source)
    var values: [[UInt8]] = []
    while !set.isAtEnd {
      var attribute = DERReader(try set.next(DER.Tag.sequence, "Attribute"), source)
      let name = try attribute.next(DER.Tag.objectIdentifier, "type").encoded
      var content = DERReader(try attribute.next(DER.Tag.set, "values"), source)
      guard name.elementsEqual(type) else { continue }
      values.append(Array(try content.next("value").encoded))
      try content.end()
    }
    return values.count == 1 ? values[0] : nil
  }

  private static func require(
    _ algorithm: [UInt8], in element: DERReader.Element, _ source: String
  ) throws(SecureBootError) {
    var reader = DERReader(element, source)
    guard try reader.next(DER.Tag.objectIdentifier, "algorithm").encoded.elementsEqual(algorithm) else {
      throw SecureBootError(.unsupported, "\(source) is not a signature by RSA over SHA-256")
    }
  }
}
