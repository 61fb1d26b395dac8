/// Why a server could not start or go on.
package struct ServerError: Error, Sendable {
  /// Stable codes, for callers, exit statuses and tests.
  package enum Code: String, Sendable, Hashable {
    /// An address or a port that another process has.
    case addressInUse
    /// An address that this machine does not have.
    case noSuchAddress
    /// A port or a socket that this process may not have.
    case notPermitted
    /// A certificate or its key cannot be used.
    case certificate
    /// A setting cannot be.
    case badValue
    /// Another server uses the same state directory.
    case alreadyRunning
    /// Reading, writing or a system call failed.
    case system
  }

  package let code: Code
  /// One sentence: what is wrong, where, what to do next.
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
}

extension ServerError: CustomStringConvertible {
  package var description: String { message }
}
