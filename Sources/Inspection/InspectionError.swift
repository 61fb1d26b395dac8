/// Why a release could not be looked into.
package struct InspectionError: Error, Sendable, CustomStringConvertible {
  /// Stable codes, for callers, exit statuses and tests.
  package enum Code: String, Sendable, Hashable {
    /// The image has no such path.
    case notFound
    /// The release contradicts itself.
    case inconsistent
    /// Something is in the way where a file should be written.
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
