/// Private keys without an armour: a file that is one DER SEQUENCE and begins as a key does.
enum BinaryKey {
  /// What the file is, with its article; `nil` if it is none.
  static func describe(_ bytes: [UInt8]) -> String? {
    guard let content = sequence(bytes[...]), bytes.count < 1 << 16 else { return nil }
    // PKCS#8 (RFC 5958): version 0 or 1, then the algorithm's SEQUENCE, then an OCTET STRING.
    if content.starts(with: [0x02, 0x01, 0x00, 0x30]) || content.starts(with: [0x02, 0x01, 0x01, 0x30]),
      let algorithm = content.dropFirst(4).first, algorithm < 0x80,
      content.dropFirst(5 + Int(algorithm)).first == 0x04
    {
      return "a private key (PKCS#8)"
    }
    // PKCS#1 (RFC 8017): version 0, then a modulus of at least 128 bytes.
    if content.starts(with: [0x02, 0x01, 0x00, 0x02, 0x81])
      || content.starts(with: [0x02, 0x01, 0x00, 0x02, 0x82])
    {
      return "an RSA private key"
    }
    // SEC 1 (RFC 5915): version 1, then the key as an OCTET STRING of 28 to 66 bytes.
    if content.starts(with: [0x02, 0x01, 0x01, 0x04]), let size = content.dropFirst(4).first,
      (28...66).contains(size)
    {
      return "an EC private key"
    }
    return nil
  }

  /// The content of a SEQUENCE that fills the whole file.
  private static func sequence(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard bytes.first == 0x30, bytes.count >= 4 else { return nil }
    let first = Int(bytes[bytes.startIndex + 1])
    let lengthBytes = first < 0x80 ? 0 : first - 0x80
    guard lengthBytes <= 2 else { return nil }
    var length = lengthBytes == 0 ? first : 0
    for byte in bytes.dropFirst(2).prefix(lengthBytes) { length = length << 8 | Int(byte) }
    let content = bytes.dropFirst(2 + lengthBytes)
    return content.count == length ? content : nil
  }
}
