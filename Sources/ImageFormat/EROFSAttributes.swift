/// Extended attributes as they follow an inode (`erofs_xattr_ibody_header` and `erofs_xattr_entry`).
enum EROFSAttributes {
  /// The header: a name filter that we leave unused, the number of shared attributes (none), 7 reserved bytes.
  static let headerSize = 12
  /// An attribute's lengths and its prefix: 4 bytes, then name and value, padded to 4.
  static let entryHeaderSize = 4
  /// `i_xattr_icount` counts words of 4 bytes after the header in 16 bits.
  static let maximumSize = headerSize + 4 * (Int(UInt16.max) - 1)

  /// The prefixes that a number stands for (`e_name_index`). Access control lists are whole names.
  static let prefixes: [(index: UInt8, prefix: String)] = [
    (1, "user."), (2, "system.posix_acl_access"), (3, "system.posix_acl_default"), (4, "trusted."),
    (6, "security."),
  ]

  /// The bytes after the inode; none without attributes. Sorted by prefix and name.
  static func encode(_ attributes: [ExtendedAttribute], path: String) throws(ImageFormatError) -> [UInt8] {
    if attributes.isEmpty { return [] }
    var parts: [(index: UInt8, name: [UInt8], value: [UInt8])] = []
    for attribute in attributes {
      let (index, name) = try split(attribute, path: path)
      guard attribute.value.count <= Int(UInt16.max) else {
        throw ImageFormatError(
          .tooLarge, "the attribute \(attribute.name) of \(path) has more than 65535 bytes: shorten it")
      }
      parts.append((index, name, attribute.value))
    }
    parts.sort(by: precedes)
    var bytes = [UInt8](repeating: 0, count: headerSize)
    var previous: (UInt8, [UInt8])?
    for part in parts {
      if let previous, previous == (part.index, part.name) {
        throw ImageFormatError(.duplicate, "\(path) has an extended attribute twice: keep one")
      }
      previous = (part.index, part.name)
      bytes.append(UInt8(part.name.count))
      bytes.append(part.index)
      bytes.append(UInt8(truncatingIfNeeded: part.value.count))
      bytes.append(UInt8(truncatingIfNeeded: part.value.count >> 8))
      bytes.append(contentsOf: part.name)
      bytes.append(contentsOf: part.value)
      bytes.append(contentsOf: repeatElement(0, count: aligned(bytes.count, to: 4) - bytes.count))
    }
    guard bytes.count <= maximumSize else {
      throw ImageFormatError(.tooLarge, "the extended attributes of \(path) exceed 256 KiB: drop some")
    }
    return bytes
  }

  private static func precedes(
    _ left: (index: UInt8, name: [UInt8], value: [UInt8]),
    _ right: (index: UInt8, name: [UInt8], value: [UInt8])
  ) -> Bool {
    left.index == right.index ? left.name.lexicographicallyPrecedes(right.name) : left.index < right.index
  }

  private static func split(
    _ attribute: ExtendedAttribute, path: String
  ) throws(ImageFormatError) -> (UInt8, [UInt8]) {
    for (index, prefix) in prefixes where attribute.name.utf8.starts(with: prefix.utf8) {
      let name = [UInt8](attribute.name.utf8.dropFirst(prefix.utf8.count))
      // A list's name ends with its prefix, any other goes on.
      guard prefix.hasSuffix(".") != name.isEmpty, name.count <= ImagePath.maximumNameLength,
        !name.contains(0)
      else { break }
      return (index, name)
    }
    throw ImageFormatError(
      .invalidEntry,
      """
      \(path) has an extended attribute named "\(attribute.name)": only user., trusted., security. and \
      system.posix_acl_access or _default can be stored
      """)
  }
}
