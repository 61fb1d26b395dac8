/// Why a release was not built, read or verified.
package struct BuildError: Error, Sendable {
  /// Stable codes, for callers, exit statuses and tests.
  package enum Code: String, Sendable, Hashable {
    /// The manifest asks for something that cannot be.
    case manifest
    /// The lock file is missing, or disagrees with the manifest or with what was found.
    case lock
    /// Something is not in the store and may not be, or could not be, fetched.
    case missingInput
    /// A package, module or other input is not what it should be.
    case badInput
    /// Two inputs claim the same path.
    case conflict
    /// The image holds something that a rule forbids, or is over a limit.
    case policy
    /// Reading or writing failed.
    case inputOutput
    /// A release is not what it says it is.
    case verification
  }

  package let code: Code
  /// One clear sentence or several lines, one for each finding.
  package let message: String

  /// What the rules found, if that is why.
  package let findings: [Finding]

  package init(_ code: Code, _ message: String, findings: [Finding] = []) {
    self.code = code
    self.message = message
    self.findings = findings
  }
}

extension BuildError: CustomStringConvertible {
  package var description: String { message }
}
