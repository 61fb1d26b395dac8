/// Why a repository could not be laid out. Nothing of it is there then.
package struct ScaffoldError: Error, Sendable, CustomStringConvertible {
  /// Stable codes, for callers, exit statuses and tests.
  package enum Code: String, Sendable, Hashable {
    /// The name is none that an image may have.
    case badName
    /// Something else is where a file should go.
    case inTheWay
    /// Reading or writing failed.
    case inputOutput
  }

  package let code: Code
  /// One clear sentence.
  package let description: String

  init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}
