/// An extended attribute of an inode (xattr(7)).
package struct ExtendedAttribute: Sendable, Equatable {
  /// The full name, such as `security.capability`.
  package var name: String
  /// The value, at most 65,535 bytes, as getxattr(2) gives it.
  package var value: [UInt8]

  package init(name: String, value: [UInt8]) {
    self.name = name
    self.value = value
  }
}

/// One name in the tree that ``EROFS/encode(_:dataBlocks:timestamp:uuid:label:)`` packs.
package struct EROFSEntry: Sendable, Equatable {
  /// What the name stands for.
  package enum Kind: Sendable, Equatable {
    case directory
    /// A regular file of `size` bytes in the blocks from `firstBlock` on, counted from the image's start (the
    /// superblock is block 0). The block is ignored when the size is 0.
    case file(size: UInt64, firstBlock: UInt32)
    /// A symbolic link; the target has 1 to 4095 bytes of UTF-8, none of them NUL.
    case symlink(target: String)
    /// Another name for the inode of a `.file` or `.symlink` entry, named by its path. The entry's own mode,
    /// owner and attributes are ignored: they are the inode's.
    case hardLink(to: String)
  }

  /// The path below the root without a leading slash, such as `usr/bin/ls`; the root itself is "".
  package var path: String
  package var kind: Kind
  /// The mode's permission bits, 0 to 0o7777.
  package var permissions: UInt16
  /// The numeric user.
  package var owner: UInt32
  /// The numeric group.
  package var group: UInt32
  /// The extended attributes, in any order.
  package var extendedAttributes: [ExtendedAttribute]

  package init(
    path: String, kind: Kind, permissions: UInt16, owner: UInt32 = 0, group: UInt32 = 0,
    extendedAttributes: [ExtendedAttribute] = []
  ) {
    self.path = path
    self.kind = kind
    self.permissions = permissions
    self.owner = owner
    self.group = group
    self.extendedAttributes = extendedAttributes
  }
}
