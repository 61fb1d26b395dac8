/// One path of a package's data archive.
package struct DebEntry: Sendable, Equatable {
  /// What lies at a path.
  package enum Kind: Sendable, Equatable {
    /// A regular file of `size` bytes; its content is `nil` if it was not asked for.
    case file(size: Int, content: [UInt8]?)
    case directory
    /// The target as written; it may be absolute, and it may point at nothing.
    case symlink(target: String)
    /// Another name of an earlier `.file` of the same package, by its normalised path.
    case hardLink(to: String)
  }

  /// The path without `./` or `/` before it; UTF-8, no empty, `.` or `..` component, no control characters.
  package let path: String
  package let kind: Kind
  /// The twelve permission bits, set-user-ID and its kin among them.
  package let permissions: UInt16
  /// Numeric owner and group; a name, where there is one, goes before its number.
  package let ownerID: UInt32
  package let groupID: UInt32
  /// The owner's and the group's names; empty if the archive has none.
  package let ownerName: String
  package let groupName: String
}

/// A maintainer script (deb-preinst(5) and its kin), and debconf's `config`.
package enum ScriptName: String, Sendable, CaseIterable, Comparable {
  case preinst, postinst, prerm, postrm, config

  package static func < (left: ScriptName, right: ScriptName) -> Bool {
    left.rawValue < right.rawValue
  }
}
