package import Bytes
package import ImageFormat

// SpcIndirectDataContent ::= SEQUENCE {                        Microsoft, "Windows Authenticode Portable
//   data SEQUENCE { SPC_PE_IMAGE_DATAOBJ, SpcPeImageData },    Executable Signature Format"
//   messageDigest SEQUENCE { sha256, OCTET STRING } }
//
// SpcPeImageData is what all signers write: no flags, and a link to a file "<<<Obsolete>>>".

/// The signatures that UEFI firmware verifies before it starts a program (UEFI 2.10, section 32.5).
package enum Authenticode {
  /// A signature that is its certificate's over the program.
  package struct Signature: Sendable {
    package let certificate: X509Certificate
  }

  /// Adds a signature behind those that are there. A certificate that has signed already signs no second time: the same
  /// program and signers, in the same order, give the same bytes.
  ///
  /// - Throws: what `signatures(of:)` throws of a signature that is there; what the signer throws; `ImageFormatError`
  ///   for a program that cannot be signed.
  package static func sign(_ image: PEImage, by signer: any SecureBootSigner) async throws -> ByteRope {
    if try signatures(of: image).contains(where: { $0.certificate == signer.certificate }) {
      return image.file
    }
    let content = indirectData(of: try image.authenticodeDigest())
    let signed = try await SignedData.sign(
      contentType: ObjectIdentifier.spcIndirectData, content: content, signer: signer)
    let entry = DER.sequence(
      ObjectIdentifier.signedData, DER.element(DER.Tag.constructed(0), signed.encode()))
    return try image.replacingCertificates(
      image.certificateEntries() + [PEImage.Certificate(content: entry)])
  }

  /// All signatures of a program, in their order, each verified: by its certificate, over this program. Whether the
  /// certificate is one to trust is the caller's question.
  ///
  /// - Throws: `malformed`, `unsupported` or `badSignature` for the first that is not right; `ImageFormatError` for a
  ///   certificate table that cannot be read.
  package static func signatures(of image: PEImage) throws -> [Signature] {
    let entries = try image.certificateEntries()
    guard !entries.isEmpty else { return [] }
    let digest = try image.authenticodeDigest()
    return try entries.enumerated().map { index, entry in
      let source = entries.count == 1 ? "the signature" : "signature \(index + 1)"
      guard entry.type == PEImage.Certificate.signedData else {
        throw SecureBootError(.unsupported, "\(source) is of type \(entry.type): only Authenticode is read")
      }
      return try verify(entry.content, digest, source)
    }
  }

  /// One `bCertificate`: a ContentInfo around a SignedData.
  static func verify(_ bytes: [UInt8], _ digest: SHA256Digest, _ source: String) throws(SecureBootError)
    -> Signature
  {
    var outer = DERReader(bytes[...], source)
    var information = DERReader(try outer.next(DER.Tag.sequence, "ContentInfo"), source)
    // Some signers count the padding as part of the entry.
    guard outer.isAtEnd || bytes.suffix(outer.remaining).allSatisfy({ $0 == 0 }) && outer.remaining < 8 else {
      throw outer.corrupt("bytes follow its end")
    }
    guard
      try information.next(DER.Tag.objectIdentifier, "contentType").encoded
        .elementsEqual(ObjectIdentifier.signedData)
    else { throw SecureBootError(.malformed, "\(source) is no PKCS #7 signature") }
    var wrapper = DERReader(try information.next(DER.Tag.constructed(0), "content"), source)
    try information.end()
    let signed = try SignedData(try wrapper.next(DER.Tag.sequence, "SignedData"), source: source)
    try wrapper.end()
    try signed.verify(contentType: ObjectIdentifier.spcIndirectData, source: source)
    guard try signedDigest(signed.content ?? [], source) == digest.bytes else {
      throw SecureBootError(
        .badSignature, "\(source), of \(signed.certificate.name), is over another program: sign this one")
    }
    return Signature(certificate: signed.certificate)
  }

  private static func indirectData(of digest: SHA256Digest) -> [UInt8] {
    let obsolete = "<<<Obsolete>>>".utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    let link = DER.element(
      DER.Tag.constructed(0),
      DER.element(DER.Tag.constructed(2), DER.element(DER.Tag.primitive(0), obsolete)))
    let data = DER.sequence(
      ObjectIdentifier.spcPEImageData, DER.sequence(DER.element(DER.Tag.bitString, [0]), link))
    return DER.sequence(data, DER.sequence(Algorithm.sha256, DER.octetString(digest.bytes)))
  }

  private static func signedDigest(_ content: [UInt8], _ source: String) throws(SecureBootError) -> [UInt8] {
    var outer = DERReader(content[...], source)
    var body = DERReader(try outer.next(DER.Tag.sequence, "SpcIndirectDataContent"), source)
    try outer.end()
    _ = try body.next(DER.Tag.sequence, "data")
    var information = DERReader(try body.next(DER.Tag.sequence, "messageDigest"), source)
    try body.end()
    var algorithm = DERReader(try information.next(DER.Tag.sequence, "digestAlgorithm"), source)
    guard
      try algorithm.next(DER.Tag.objectIdentifier, "algorithm").encoded
        .elementsEqual(ObjectIdentifier.sha256)
    else { throw SecureBootError(.unsupported, "\(source) is not over SHA-256") }
    let digest = try information.next(DER.Tag.octetString, "digest")
    try information.end()
    return Array(digest.content)
  }
}
