/// What is wrong with bytes of an image format, or with a request to make them.
package struct ImageFormatError: Error, Sendable {
  /// The stable kind of an error: tests and callers match on this, never on words.
  package enum Code: String, Sendable {
    /// A path, name, mode, attribute or other argument that the format cannot hold.
    case invalidEntry
    /// An entry whose directory is not among the entries.
    case missingParent
    /// The same path, attribute or section twice.
    case duplicate
    /// A hard link whose target is absent, or is no file and no symbolic link.
    case badHardLink
    /// More bytes, blocks or entries than the format, or our own limit, allows.
    case tooLarge
    /// Input that ends before a field that it announces.
    case truncated
    /// Input that contradicts the format's specification or itself.
    case corrupt
    /// Well-formed input that uses a feature that we do not read.
    case unsupported
    /// Something asked for by name that is not there.
    case notFound
  }

  /// The stable kind.
  package let code: Code
  /// One sentence: what is wrong, where, and what to do next.
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
}

extension ImageFormatError: CustomStringConvertible {
  package var description: String { message }
}
