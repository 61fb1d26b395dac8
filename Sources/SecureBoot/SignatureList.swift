internal import Bytes

/// EFI_SIGNATURE_LIST (UEFI 2.10, section 32.4.1), one of certificate: what the variables PK, KEK and db hold.
///
///     SignatureType, 16 │ SignatureListSize, 4 │ SignatureHeaderSize, 4 │ SignatureSize, 4 │ SignatureOwner, 16 │ DER
package enum SignatureList {
  /// The list of one certificate of an owner.
  package static func encode(_ certificate: X509Certificate, owner: EFIGUID) -> [UInt8] {
    var writer = ByteWriter()
    let signatureSize = UInt32(owner.bytes.count + certificate.der.count)
    writer.append(EFIGUID.certificateX509.bytes)
    writer.littleEndian(28 + signatureSize)
    writer.littleEndian(UInt32(0))
    writer.littleEndian(signatureSize)
    writer.append(owner.bytes)
    writer.append(certificate.der)
    return writer.bytes
  }
}
