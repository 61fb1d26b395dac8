/// The files of a repository: a work tree or a git revision.
///
/// Paths are relative to the repository root, with `/` between their components and no `.` or `..`. No
/// symbolic link is ever followed: both kinds of tree answer alike, and none leads out of the root.
package protocol SourceTree: Sendable {
  /// The regular file at `path`, or `nil` if there is nothing. Throws if it cannot be read, or if it or a
  /// directory above it is something else, such as a symbolic link.
  func file(at path: String) throws -> SourceFile?

  /// What a directory holds, sorted by the names' UTF-8 bytes; nothing if there is no such directory. The
  /// root is `""`. Sockets, devices and the like are an error.
  func list(_ directory: String) throws -> [SourceEntry]
}

/// A regular file of a source tree.
package struct SourceFile: Sendable, Hashable {
  /// The content.
  package let bytes: [UInt8]
  /// Whether the owner may execute it.
  package let isExecutable: Bool

  package init(bytes: [UInt8], isExecutable: Bool = false) {
    self.bytes = bytes
    self.isExecutable = isExecutable
  }
}

/// An entry of a directory of a source tree.
package struct SourceEntry: Sendable, Hashable {
  /// What an entry is.
  package enum Kind: Sendable, Hashable {
    case file
    case directory
    /// A symbolic link and what it holds.
    case symlink(target: String)
  }

  /// The name: one path component.
  package let name: String
  /// What it is.
  package let kind: Kind

  package init(name: String, kind: Kind) {
    self.name = name
    self.kind = kind
  }
}
