/// What is wrong with a package file, or with a text that Debian's tools write.
package struct DebianPackageError: Error, Sendable, CustomStringConvertible {
  /// The stable kinds of failure; tests and callers compare these, people read the sentence.
  package enum Code: String, Sendable, Equatable {
    /// A control file breaks deb822(5).
    case malformedControl
    /// A version breaks deb-version(7).
    case malformedVersion
    /// A triggers file breaks deb-triggers(5).
    case malformedTriggers
    /// A compressed stream, an archive or a member of one is truncated, corrupt or not what its name says.
    case corrupt
    /// The format is sound, but not one that is read here.
    case unsupported
    /// A name that is absolute where it must not be, leaves the package, or is not clean UTF-8.
    case unsafePath
    /// A link that points at nothing, or an entry that would be written through a link.
    case unsafeLink
    /// A device node, a FIFO, a socket or a sparse file.
    case unsafeKind
    /// The same member or path twice.
    case duplicate
    /// Larger, longer, deeper or more than the limits allow.
    case limit
  }

  package let code: Code
  /// One sentence: what is wrong, where, and what to do next.
  package let description: String

  package init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}
