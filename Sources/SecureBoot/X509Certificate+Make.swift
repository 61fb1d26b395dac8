internal import CLibcrypto
internal import Bytes

extension X509Certificate {
  /// A self-signed certificate: version 3, a random serial number, `CN=name`, basicConstraints CA and a subject key
  /// identifier, as `openssl req -x509` makes them and firmware has long seen them.
  ///
  /// It ends with 2049, the last year that UTCTime can say: firmware does not look at the dates, and tools that do
  /// should not stop a fleet from booting. A key's life ends when its certificate leaves db.
  /// - Parameter seconds: when it begins, since the epoch.
  package init(selfSigned key: RSAPrivateKey, name: String, validFrom seconds: Int64) throws(SecureBootError)
  {
    var serial = [UInt8](repeating: 0, count: 16)
    guard RAND_bytes(&serial, Int32(serial.count)) == 1 else {
      throw SecureBootError(.system, "libcrypto has no random bytes")
    }
    // Positive, and of one length.
    serial[0] = serial[0] & 0x7F | 0x40
    let subject = DER.sequence(
      DER.set([DER.sequence(ObjectIdentifier.commonName, DER.element(DER.Tag.utf8String, Array(name.utf8)))]))
    let time = CivilTime(seconds: seconds)
    let validity = DER.sequence(
      DER.element(DER.Tag.utcTime, Array(time.utcTime.utf8)),
      DER.element(DER.Tag.utcTime, Array("491231235959Z".utf8)))
    let extensions = DER.sequence(
      DER.sequence(
        ObjectIdentifier.subjectKeyIdentifier,
        DER.octetString(DER.octetString(Array(SHA256.digest(of: key.publicKey.der).bytes.prefix(20))))),
      DER.sequence(
        ObjectIdentifier.basicConstraints, DER.yes, DER.octetString(DER.sequence(DER.yes))))
    let body = DER.sequence(
      DER.element(DER.Tag.constructed(0), DER.integer([2])), DER.integer(serial), Algorithm.sha256WithRSA,
      subject, validity, subject, key.publicKey.der, DER.element(DER.Tag.constructed(3), extensions))
    try self.init(
      der: DER.sequence(body, Algorithm.sha256WithRSA, DER.bitString(try key.sign(body))),
      source: "the new certificate")
  }
}
