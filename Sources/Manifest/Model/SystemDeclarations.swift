/// A user account of the image. It has no password and cannot log in.
package struct UserEntry: Sendable, Hashable {
  /// The account's name.
  package let name: String
  /// The numeric id, or `nil` for one that the builder chooses.
  package let uid: UInt32?
  /// The primary group's name, or `nil` for a group of the user's own name.
  package let group: String?
  /// The names of further groups.
  package let groups: [String]
  /// The home directory's absolute path.
  package let home: String
  /// The login shell's absolute path.
  package let shell: String
  /// The comment field of `passwd(5)`.
  package let description: String

  package init(
    name: String, uid: UInt32? = nil, group: String? = nil, groups: [String] = [],
    home: String = "/nonexistent", shell: String = "/usr/sbin/nologin", description: String = ""
  ) {
    self.name = name
    self.uid = uid
    self.group = group
    self.groups = groups
    self.home = home
    self.shell = shell
    self.description = description
  }
}

/// A group of the image.
package struct GroupEntry: Sendable, Hashable {
  /// The group's name.
  package let name: String
  /// The numeric id, or `nil` for one that the builder chooses.
  package let gid: UInt32?

  package init(name: String, gid: UInt32? = nil) {
    self.name = name
    self.gid = gid
  }
}

/// A kernel setting under `/proc/sys`.
package struct Sysctl: Sendable, Hashable {
  /// The name in `sysctl.d(5)` form, such as `net.ipv4.ip_forward`.
  package let name: String
  /// The value as it was written.
  package let value: String

  package init(name: String, value: String) {
    self.name = name
    self.value = value
  }
}
