/// A TFTP packet that is not valid.
package struct TFTPError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Which kind of defect, for tests.
  package enum Code: String, Sendable {
    /// It ends before a field does.
    case truncated
    /// It is longer than any of its kind.
    case tooLarge
    /// A field has a value that its specification forbids.
    case invalid
  }

  package let code: Code
  /// One sentence: which field, and what is wrong.
  package let description: String

  package init(code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}
