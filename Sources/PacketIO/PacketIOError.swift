/// A socket that cannot be had or used.
package struct PacketIOError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Which kind of trouble, for tests and exit statuses.
  package enum Code: String, Sendable {
    /// Another program has the port.
    case portInUse
    /// The process lacks a capability.
    case notPermitted
    /// Anything else the kernel says.
    case system
  }

  package let code: Code
  /// One sentence: what, where, what to do next.
  package let description: String

  package init(code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}
