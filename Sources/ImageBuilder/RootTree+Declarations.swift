internal import Bytes
package import Manifest

extension RootTree {
  /// Adds the directories, files and links that components and the image declare, each to its origin's pack.
  package mutating func add(_ declarations: Declarations) throws {
    for directory in declarations.directories {
      var node = RootNode(.directory, mode: directory.mode, pack: Self.pack(directory.origin))
      node.owner = AccountReference(named: directory.owner)
      node.group = AccountReference(named: directory.group)
      try add(node, at: directory.path, from: directory.location)
    }
    for file in declarations.files {
      var node = RootNode(.file(FileContent(file.bytes)), mode: file.mode, pack: Self.pack(file.origin))
      node.owner = AccountReference(named: file.owner)
      node.group = AccountReference(named: file.group)
      try add(node, at: file.path, from: file.location)
    }
    for link in declarations.links {
      try add(
        RootNode(.symlink(link.target), mode: 0o777, pack: Self.pack(link.origin)), at: link.path,
        from: link.location)
    }
  }

  /// Changes the mode, owner or capabilities of what is there by now.
  package mutating func apply(_ changes: [Located<PermissionChange>]) throws(BuildError) {
    for change in changes {
      guard let path = resolve(Self.canonical(change.path)), var node = self[path] else {
        throw BuildError(
          .manifest,
          "\(change.location): /\(Self.canonical(change.path)) is not in the image: remove this permission")
      }
      if let mode = change.mode { node.mode = mode }
      if let owner = change.owner { node.owner = AccountReference(named: owner) }
      if let group = change.group { node.group = AccountReference(named: group) }
      if let capabilities = change.capabilities {
        node.extendedAttributes["security.capability"] =
          capabilities.isEmpty ? nil : try FileCapabilities.encode(capabilities, at: change.location)
      }
      self[path] = node
      // All names of a file share its inode, and so its mode, owner and capabilities.
      guard case .file(let content) = node.kind else { continue }
      for name in names(of: content) where !name.isExactly(path) {
        guard var other = self[name] else { continue }
        other.mode = node.mode
        other.owner = node.owner
        other.group = node.group
        other.extendedAttributes = node.extendedAttributes
        self[name] = other
      }
    }
  }

  private static func pack(_ origin: Origin) -> PackName {
    PackName(origin.kind == .image ? .image : .component, origin.name)
  }

  private mutating func add(_ node: RootNode, at path: String, from location: SourceLocation)
    throws(BuildError)
  {
    do {
      try add(node, at: path)
    } catch {
      throw BuildError(error.code, "\(location): \(error.message)")
    }
  }
}
