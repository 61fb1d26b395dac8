/// Private keys without an armour: a file that is one DER SEQUENCE and begins as a key does.
enum BinaryKey {
  /// What the file is, with its article; `nil` if it is none.
  static func describe(_ bytes: [UInt8]) -> String? {
    guard bytes.count < 1 << 16 else { return nil }
    if let name = headed(bytes) { return name }
    guard let content = sequence(bytes[...]) else { return nil }
    // PKCS#12 (RFC 7292): version 3, then the content info of PKCS#7 data.
    if content.starts(with: [0x02, 0x01, 0x03, 0x30]),
      content.prefix(32).firstRange(of: [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01])
        != nil
    {
      return "a PKCS#12 key store"
    }
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

  /// Keys that are no DER: those of dropbear, and OpenPGP's secret keys (RFC 9580, packets 5 and 7).
  private static func headed(_ bytes: [UInt8]) -> String? {
    // A name with its length before it, then the key's numbers.
    let names = [
      "ssh-rsa", "ssh-dss", "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
      "ecdsa-sha2-nistp521",
    ]
    for name in names where bytes.starts(with: [0, 0, 0, UInt8(name.utf8.count)] + Array(name.utf8)) {
      return "a private key of dropbear"
    }
    guard let first = bytes.first, bytes.count >= 64, first & 0x80 != 0 else { return nil }
    let isNew = first & 0x40 != 0
    let packet = isNew ? first & 0x3F : first >> 2 & 0x0F
    guard packet == 5 || packet == 7 else { return nil }
    let lengthBytes = isNew ? (bytes[1] < 192 ? 1 : bytes[1] < 224 ? 2 : 5) : [1, 2, 4, 0][Int(first & 3)]
    guard lengthBytes > 0 else { return nil }
    let body = bytes.dropFirst(1 + lengthBytes)
    // Version 4 or 6, then when it was made, then an algorithm.
    guard let version = body.first, version == 4 || version == 6, let algorithm = body.dropFirst(5).first,
      [1, 2, 3, 16, 17, 18, 19, 22, 25, 26, 27, 28].contains(algorithm)
    else { return nil }
    return "an OpenPGP secret key"
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
