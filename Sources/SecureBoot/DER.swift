/// Distinguished Encoding Rules (ITU-T X.690), written from the inside out: as much as certificates and signatures need.
enum DER {
  enum Tag {
    static let integer: UInt8 = 0x02
    static let bitString: UInt8 = 0x03
    static let octetString: UInt8 = 0x04
    static let null: UInt8 = 0x05
    static let objectIdentifier: UInt8 = 0x06
    static let utf8String: UInt8 = 0x0C
    static let utcTime: UInt8 = 0x17
    static let sequence: UInt8 = 0x30
    static let set: UInt8 = 0x31

    /// `[number]` around whole elements.
    static func constructed(_ number: UInt8) -> UInt8 { 0xA0 | number }
    /// `[number] IMPLICIT` instead of the tag of a string.
    static func primitive(_ number: UInt8) -> UInt8 { 0x80 | number }
  }

  static let null: [UInt8] = [Tag.null, 0]
  static let yes: [UInt8] = [0x01, 1, 0xFF]

  static func element(_ tag: UInt8, _ parts: [UInt8]...) -> [UInt8] {
    let content = parts.flatMap { $0 }
    var length: [UInt8] = [UInt8(truncatingIfNeeded: content.count)]
    if content.count >= 0x80 {
      var rest = content.count
      length = []
      while rest > 0 {
        length.insert(UInt8(truncatingIfNeeded: rest), at: 0)
        rest >>= 8
      }
      length.insert(0x80 | UInt8(length.count), at: 0)
    }
    return [tag] + length + content
  }

  static func sequence(_ parts: [UInt8]...) -> [UInt8] {
    element(Tag.sequence, parts.flatMap { $0 })
  }

  /// SET OF: its elements in ascending order of their encodings (X.690, section 11.6).
  static func set(_ parts: [[UInt8]]) -> [UInt8] {
    element(Tag.set, parts.sorted { $0.lexicographicallyPrecedes($1) }.flatMap { $0 })
  }

  /// A non-negative INTEGER from its bytes, most significant first.
  static func integer(_ magnitude: [UInt8]) -> [UInt8] {
    var bytes = Array(magnitude.drop { $0 == 0 })
    if bytes.first.map({ $0 >= 0x80 }) ?? true { bytes.insert(0, at: 0) }
    return element(Tag.integer, bytes)
  }

  static func bitString(_ bytes: [UInt8]) -> [UInt8] { element(Tag.bitString, [0], bytes) }
  static func octetString(_ bytes: [UInt8]) -> [UInt8] { element(Tag.octetString, bytes) }
}

/// The object identifiers that certificates and signatures use, encoded.
enum ObjectIdentifier {
  static let data = encode(1, 2, 840, 113549, 1, 7, 1)
  static let signedData = encode(1, 2, 840, 113549, 1, 7, 2)
  static let contentType = encode(1, 2, 840, 113549, 1, 9, 3)
  static let messageDigest = encode(1, 2, 840, 113549, 1, 9, 4)
  static let rsaEncryption = encode(1, 2, 840, 113549, 1, 1, 1)
  static let sha256WithRSA = encode(1, 2, 840, 113549, 1, 1, 11)
  static let sha256 = encode(2, 16, 840, 1, 101, 3, 4, 2, 1)
  static let commonName = encode(2, 5, 4, 3)
  static let subjectKeyIdentifier = encode(2, 5, 29, 14)
  static let basicConstraints = encode(2, 5, 29, 19)
  /// SPC_INDIRECT_DATA_OBJID and SPC_PE_IMAGE_DATAOBJ (Microsoft, "Windows Authenticode Portable Executable Signature
  /// Format").
  static let spcIndirectData = encode(1, 3, 6, 1, 4, 1, 311, 2, 1, 4)
  static let spcPEImageData = encode(1, 3, 6, 1, 4, 1, 311, 2, 1, 15)

  private static func encode(_ arcs: Int...) -> [UInt8] {
    var content = [UInt8(arcs[0] * 40 + arcs[1])]
    for arc in arcs.dropFirst(2) {
      var groups = [UInt8(arc & 0x7F)]
      var rest = arc >> 7
      while rest > 0 {
        groups.insert(UInt8(rest & 0x7F) | 0x80, at: 0)
        rest >>= 7
      }
      content += groups
    }
    return DER.element(DER.Tag.objectIdentifier, content)
  }
}

/// AlgorithmIdentifiers, with the NULL that firmware expects.
enum Algorithm {
  static let sha256 = DER.sequence(ObjectIdentifier.sha256, DER.null)
  static let rsaEncryption = DER.sequence(ObjectIdentifier.rsaEncryption, DER.null)
  static let sha256WithRSA = DER.sequence(ObjectIdentifier.sha256WithRSA, DER.null)
}
