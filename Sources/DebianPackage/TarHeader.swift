/// One 512-byte header of a tar archive, as dpkg reads them: ustar (IEEE 1003.1-1988) and old GNU.
///
///       0 name      100 mode      108 uid       116 gid       124 size      136 mtime     148 checksum
///     156 type      157 linkname  257 magic     263 version   265 uname     297 gname
///     329 major     337 minor     345 prefix (ustar only)     500 unused
struct TarHeader {
  static let size = 512

  /// The type flag.
  let type: UInt8
  /// The name, prefix and all, before any long name takes its place.
  var name: [UInt8]
  var linkName: [UInt8]
  let mode: Int
  let ownerID: Int
  let groupID: Int
  /// Bytes of content that follow.
  let contentSize: Int
  let ownerName: [UInt8]
  let groupName: [UInt8]

  /// Decodes a header; `nil` if it is all zeros, which ends an archive.
  /// - Throws: the name of the field that is wrong.
  init?(_ block: [UInt8]) throws(TarFieldError) {
    if block.allSatisfy({ $0 == 0 }) { return nil }
    let sum = block.indices.reduce(0) { $0 + ((148..<156).contains($1) ? 32 : Int(block[$1])) }
    guard try Self.number(block[148..<156], "checksum") == sum else {
      throw TarFieldError(field: "checksum")
    }
    type = block[156]
    linkName = Self.text(block[157..<257])
    mode = try Self.number(block[100..<108], "mode")
    ownerID = try Self.number(block[108..<116], "owner")
    groupID = try Self.number(block[116..<124], "group")
    contentSize = try Self.number(block[124..<136], "size")
    ownerName = Self.text(block[265..<297])
    groupName = Self.text(block[297..<329])
    name = Self.text(block[0..<100])
    // "ustar" and a NUL: POSIX. GNU writes blanks there and uses the prefix for other things.
    if block[257..<263].elementsEqual([0x75, 0x73, 0x74, 0x61, 0x72, 0]) {
      let prefix = Self.text(block[345..<500])
      if !prefix.isEmpty { name = prefix + [ASCII.slash] + name }
    }
  }

  /// The bytes before the first NUL.
  private static func text(_ field: ArraySlice<UInt8>) -> [UInt8] {
    Array(field.prefix { $0 != 0 })
  }

  /// Octal digits between blanks, or GNU's big-endian binary with the top bit set.
  private static func number(_ field: ArraySlice<UInt8>, _ name: String) throws(TarFieldError) -> Int {
    var value = 0
    if let first = field.first, first & 0x80 != 0 {
      // 0xFF would begin a negative number.
      guard first == 0x80 else { throw TarFieldError(field: name) }
      for byte in field.dropFirst() {
        guard value >> 48 == 0 else { throw TarFieldError(field: name) }
        value = value << 8 | Int(byte)
      }
      return value
    }
    let digits = field.drop { $0 == ASCII.space }.prefix { $0 != 0 && $0 != ASCII.space }
    let rest = field[digits.endIndex...]
    guard rest.allSatisfy({ $0 == 0 || $0 == ASCII.space }) else { throw TarFieldError(field: name) }
    for digit in digits {
      guard (0x30...0x37).contains(digit) else { throw TarFieldError(field: name) }
      value = value << 3 | Int(digit - 0x30)
    }
    return value
  }
}

/// The field of a tar header that does not hold what it should.
struct TarFieldError: Error {
  let field: String
}
