/// The names of keys: they become file names and words on a line.
package enum KeyName {
  /// Gives the name back if it is 1 to 64 of `[A-Za-z0-9._-]` and begins with a letter or digit; throws
  /// `invalidName` otherwise.
  @discardableResult
  package static func check(_ name: String) throws -> String {
    let isValid =
      (1...64).contains(name.utf8.count)
      && name.utf8.enumerated().allSatisfy { index, byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        case 0x2d, 0x2e, 0x5f: index > 0
        default: false
        }
      }
    guard isValid else {
      throw SigningError(
        .invalidName,
        "a key's name is 1 to 64 letters, digits, '.', '_' and '-', beginning with a letter or digit, "
          + "but this one is '\(name.prefix(80))'")
    }
    return name
  }
}
