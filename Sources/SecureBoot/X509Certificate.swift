package import Bytes
internal import Signing

/// An X.509 certificate (RFC 5280) with an RSA key: what firmware trusts, and what names a signer. Only its shape is
/// read; neither its dates nor who signed it count for Secure Boot.
package struct X509Certificate: Hashable, Sendable {
  /// All of it.
  package let der: [UInt8]
  /// The subject's common name, or its SHA-256 where it has none that can be printed.
  package let name: String
  /// issuer and serialNumber, encoded: how a signature names the certificate.
  let issuerAndSerial: [UInt8]
  let publicKey: RSAPublicKey

  /// The largest that is read, in bytes.
  static let maximumSize = 16 * 1024

  /// What people compare: SHA-256 of the DER form.
  package var fingerprint: SHA256Digest { SHA256.digest(of: der) }

  /// The modulus of its key, in bits.
  package var keyBits: Int { publicKey.bits }

  /// Reads DER. `source` names it in errors.
  /// - Throws: `malformed`, or `unsupported` for a key that is not RSA of 2048 to 4096 bits.
  package init(der: [UInt8], source: String) throws(SecureBootError) {
    self.der = der
    guard der.count <= Self.maximumSize else {
      throw SecureBootError(.malformed, "\(source) is larger than 16 KiB: this is no certificate")
    }
    var outer = DERReader(der[...], source)
    var certificate = DERReader(try outer.next(DER.Tag.sequence, "Certificate"), source)
    try outer.end()
    var body = DERReader(try certificate.next(DER.Tag.sequence, "tbsCertificate"), source)
    _ = try certificate.next(DER.Tag.sequence, "signatureAlgorithm")
    _ = try certificate.next(DER.Tag.bitString, "signatureValue")
    try certificate.end()
    _ = try body.nextIfPresent(DER.Tag.constructed(0), "version")
    let serial = try body.next(DER.Tag.integer, "serialNumber")
    _ = try body.next(DER.Tag.sequence, "signature")
    let issuer = try body.next(DER.Tag.sequence, "issuer")
    _ = try body.next(DER.Tag.sequence, "validity")
    let subject = try body.next(DER.Tag.sequence, "subject")
    let key = try body.next(DER.Tag.sequence, "subjectPublicKeyInfo")
    issuerAndSerial = DER.sequence(Array(issuer.encoded), Array(serial.encoded))
    publicKey = try RSAPublicKey(der: Array(key.encoded))
    name = Self.commonName(subject) ?? SHA256.digest(of: der).hex
  }

  /// Reads a file's bytes: PEM (its first certificate, RFC 7468) or DER.
  package init(file bytes: [UInt8], source: String) throws(SecureBootError) {
    guard bytes.starts(with: "-----BEGIN".utf8) || bytes.contains(UInt8(ascii: "-")) && bytes.first != 0x30
    else {
      try self.init(der: bytes, source: source)
      return
    }
    let text = String(decoding: bytes, as: UTF8.self)
    let lines = text.split(whereSeparator: \.isNewline).drop { $0 != Self.begin }.dropFirst()
    guard let end = lines.firstIndex(where: { $0 == Self.end }),
      let der = Base64.decode(lines[..<end].joined())
    else {
      throw SecureBootError(.malformed, "\(source) holds no certificate: give one as PEM or DER")
    }
    try self.init(der: der, source: source)
  }

  /// The certificate as PEM (RFC 7468).
  package var pem: String {
    var lines = [Self.begin]
    var rest = Base64.encode(der)[...]
    while !rest.isEmpty {
      lines.append(String(rest.prefix(64)))
      rest = rest.dropFirst(64)
    }
    return (lines + [Self.end, ""]).joined(separator: "\n")
  }

  private static let begin = "-----BEGIN CERTIFICATE-----"
  private static let end = "-----END CERTIFICATE-----"

  /// The last CN of a name, if it is plain text; control characters could fool a terminal.
  private static func commonName(_ name: DERReader.Element) -> String? {
    var result: String?
    var sets = DERReader(name, "Name")
    while let set = try? sets.next(DER.Tag.set, "RelativeDistinguishedName") {
      var attributes = DERReader(set, "RelativeDistinguishedName")
      while let attribute = try? attributes.next(DER.Tag.sequence, "AttributeTypeAndValue") {
        var parts = DERReader(attribute, "AttributeTypeAndValue")
        // UTF8String, PrintableString, TeletexString, IA5String.
        guard let type = try? parts.next(DER.Tag.objectIdentifier, "type"),
          type.encoded.elementsEqual(ObjectIdentifier.commonName), let value = try? parts.next("value"),
          [0x0C, 0x13, 0x14, 0x16].contains(value.tag), !value.content.isEmpty,
          let text = String(validating: value.content, as: UTF8.self),
          text.unicodeScalars.allSatisfy({
            !$0.properties.isDefaultIgnorableCodePoint && $0.value >= 0x20
              && !(0x7F...0x9F).contains($0.value) && $0.properties.generalCategory != .format
          })
        else { continue }
        result = text
      }
    }
    return result
  }
}
