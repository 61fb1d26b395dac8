/// Why the boot server could not do what was asked.
package struct BootServerError: Error, Sendable {
  /// Stable codes, for callers, exit statuses and tests.
  package enum Code: String, Sendable, Hashable {
    /// There is no such release, artifact or file.
    case notFound
    /// A file in the library is not what its release says.
    case corrupt
    /// A release that is to be published is not well.
    case refused
    /// A template is wrong.
    case template
    /// Reading or writing failed.
    case inputOutput
  }

  package let code: Code
  /// One sentence, or a line for each finding: what is wrong, where, what to do next.
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
}

extension BootServerError: CustomStringConvertible {
  package var description: String { message }
}
