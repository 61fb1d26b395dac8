/// Why the inventory or its store could not do what was asked.
package struct FleetError: Error, Sendable {
  /// Stable codes, for callers, exit statuses and tests.
  package enum Code: String, Sendable, Hashable {
    /// There is no such device, group or release.
    case notFound
    /// Several devices answer to that name.
    case ambiguous
    /// The value cannot be taken.
    case badValue
    /// The store cannot be opened, read or written.
    case store
    /// The store was written by a newer netimg.
    case tooNew
  }

  package let code: Code
  /// One sentence: what is wrong, where, what to do next.
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
}

extension FleetError: CustomStringConvertible {
  package var description: String { message }
}
