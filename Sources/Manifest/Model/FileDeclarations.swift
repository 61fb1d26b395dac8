/// A regular file of the root image.
package struct FileEntry: Sendable, Hashable {
  /// The absolute path: no `.`, `..` or empty component, no trailing `/`.
  package let path: String
  /// The content.
  package let bytes: [UInt8]
  /// The permission bits, at most 0o7777.
  package let mode: UInt16
  /// The owning user's name.
  package let owner: String
  /// The owning group's name.
  package let group: String

  package init(
    path: String, bytes: [UInt8], mode: UInt16 = 0o644, owner: String = "root", group: String = "root"
  ) {
    self.path = path
    self.bytes = bytes
    self.mode = mode
    self.owner = owner
    self.group = group
  }
}

/// A directory of the root image.
package struct DirectoryEntry: Sendable, Hashable {
  /// The absolute path.
  package let path: String
  /// The permission bits, at most 0o7777.
  package let mode: UInt16
  /// The owning user's name.
  package let owner: String
  /// The owning group's name.
  package let group: String

  package init(path: String, mode: UInt16 = 0o755, owner: String = "root", group: String = "root") {
    self.path = path
    self.mode = mode
    self.owner = owner
    self.group = group
  }
}

/// A symbolic link of the root image.
package struct LinkEntry: Sendable, Hashable {
  /// The link's own absolute path.
  package let path: String
  /// What it holds: absolute, or relative to the link's directory; resolved inside the image.
  package let target: String

  package init(path: String, target: String) {
    self.path = path
    self.target = target
  }
}

/// A change to the owner, mode or capabilities of what a package ships; `nil` leaves that part alone.
package struct PermissionChange: Sendable, Hashable {
  /// The absolute path.
  package let path: String
  /// The permission bits, at most 0o7777.
  package let mode: UInt16?
  /// The owning user's name.
  package let owner: String?
  /// The owning group's name.
  package let group: String?
  /// File capabilities (capabilities(7)) such as `cap_net_raw`, sorted: permitted and effective. Empty
  /// removes those that the package sets.
  package let capabilities: [String]?
  /// Why; never empty.
  package let reason: String

  package init(
    path: String, mode: UInt16? = nil, owner: String? = nil, group: String? = nil,
    capabilities: [String]? = nil, reason: String
  ) {
    self.path = path
    self.mode = mode
    self.owner = owner
    self.group = group
    self.capabilities = capabilities
    self.reason = reason
  }
}
