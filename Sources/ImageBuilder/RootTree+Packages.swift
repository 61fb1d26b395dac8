internal import Bytes

extension RootTree {
  /// Adds what a package ships, in the order of its archive.
  package mutating func add(_ package: UnpackedPackage) throws(BuildError) {
    let pack = PackName(.package, package.name)
    for entry in package.entries {
      var node: RootNode
      switch entry.kind {
      case .directory:
        node = RootNode(.directory, mode: entry.permissions, pack: pack)
      case .symlink(let target):
        node = RootNode(.symlink(target), mode: 0o777, pack: pack)
      case .file(let content):
        node = RootNode(.file(content), mode: entry.permissions, pack: pack)
      case .hardLink(let target):
        guard let original = self[Self.canonical(target)], case .file = original.kind else {
          throw BuildError(
            .manifest,
            "package \(package.name): /\(entry.path) is another name of /\(target), which is dropped; drop both or neither"
          )
        }
        node = original
      }
      node.owner = entry.owner
      node.group = entry.group
      node.isConfigurationFile = package.conffiles.contains(ExactString(Self.canonical(entry.path)))
      try add(node, at: entry.path)
    }
  }
}
