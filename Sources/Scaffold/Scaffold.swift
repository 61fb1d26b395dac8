internal import Manifest

/// A repository to begin with: an image's manifest, the components that it is made of, and what editors and people need
/// beside them. It locks, builds and boots as it is.
///
/// Everything is in the program itself, so that nothing but the program has to be there. The component `base` becomes
/// the repository's own: the same sources then give the same bytes, whatever netimg comes later.
package struct Scaffold: Sendable {
  /// A file of the repository.
  package struct File: Sendable, Hashable {
    /// From the repository's root.
    package let path: String
    package let bytes: [UInt8]
    package let isExecutable: Bool
  }

  /// The image's name.
  package let name: String
  /// All files, in the order in which they are written.
  package let files: [File]

  /// - Throws: `badName` if no image may be called so.
  package init(name: String) throws(ScaffoldError) {
    guard Self.isName(name) else {
      throw ScaffoldError(
        .badName,
        "\"\(name)\" is no name for an image: lower-case letters, digits and -, at most 63, first a letter or a digit; give --name"
      )
    }
    self.name = name
    files = Self.files(name: name)
  }

  /// As manifests have it for `name`, which a test compares.
  static func isName(_ text: String) -> Bool {
    func isLetterOrDigit(_ byte: UInt8) -> Bool {
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
    guard let first = text.utf8.first, text.utf8.count <= 63, isLetterOrDigit(first) else { return false }
    return text.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
  }
}
