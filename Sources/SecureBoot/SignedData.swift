internal import Bytes

// PKCS #7 (RFC 2315) SignedData as firmware verifies it: SHA-256, RSASSA-PKCS1-v1_5, one signer, whose certificate is
// inside:
//
//   SignedData ::= SEQUENCE {
//     version 1, digestAlgorithms { sha256 }, contentInfo, certificates [0] { … },
//     signerInfos { SEQUENCE {
//       version 1, issuerAndSerialNumber, sha256,
//       authenticatedAttributes [0] { contentType, messageDigest } OPTIONAL,
//       rsaEncryption, encryptedDigest } } }

/// A signature with what it is over.
struct SignedData {
  /// The ContentInfo that is signed: its type, encoded, and the content of its `[0]`, if it is not detached.
  let contentType: [UInt8]
  let content: [UInt8]?
  /// Whose signature it is.
  let certificate: X509Certificate
  /// The authenticated attributes as they are signed, a SET OF; `nil` if the content itself is signed.
  let attributes: [UInt8]?
  let signature: [UInt8]

  /// Signs content that stays inside, by way of authenticated attributes.
  /// - Parameter content: an element. Its digest is over what is inside its tag and length (RFC 2315, section 9.3).
  static func sign(
    contentType: [UInt8], content: [UInt8], signer: any SecureBootSigner
  ) async throws -> SignedData {
    let attributes = DER.set([
      DER.sequence(ObjectIdentifier.contentType, DER.set([contentType])),
      DER.sequence(
        ObjectIdentifier.messageDigest, DER.set([DER.octetString(try digest(of: content).bytes)])),
    ])
    return SignedData(
      contentType: contentType, content: content, certificate: signer.certificate, attributes: attributes,
      signature: try await signer.sign(attributes))
  }

  /// Signs a message that is elsewhere, without attributes.
  static func sign(detached message: [UInt8], signer: any SecureBootSigner) async throws -> SignedData {
    SignedData(
      contentType: ObjectIdentifier.data, content: nil, certificate: signer.certificate, attributes: nil,
      signature: try await signer.sign(message))
  }

  /// The SignedData, without a ContentInfo around it.
  func encode() -> [UInt8] {
    let information = DER.sequence(
      DER.integer([1]), certificate.issuerAndSerial, Algorithm.sha256,
      attributes.map {
        DER.element(DER.Tag.constructed(0), Array($0.dropFirst(DERReader.headerSize(of: $0))))
      }
        ?? [], Algorithm.rsaEncryption, DER.octetString(signature))
    return DER.sequence(
      DER.integer([1]), DER.set([Algorithm.sha256]),
      DER.sequence(contentType, content.map { DER.element(DER.Tag.constructed(0), $0) } ?? []),
      DER.element(DER.Tag.constructed(0), certificate.der), DER.set([information]))
  }

  /// SHA-256 of what is inside an element.
  static func digest(of element: [UInt8]) throws(SecureBootError) -> SHA256Digest {
    var reader = DERReader(element[...], "the signed content")
    return SHA256.digest(of: Array(try reader.next("content").content))
  }
}

extension DERReader {
  /// The bytes of tag and length in front of an element that we wrote ourselves.
  static func headerSize(of element: [UInt8]) -> Int {
    element.count < 2 ? element.count : element[1] < 0x80 ? 2 : 2 + Int(element[1] & 0x7F)
  }
}
