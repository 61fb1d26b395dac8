internal import Manifest

extension Rule {
  /// File capabilities that no manifest asked for.
  static let capabilities = Rule(name: "capabilities") { root in
    let replacements = root.declarations.scripts.flatMap(\.replacement.permissions)
    var asked: Set<String> = []
    for change in root.declarations.permissions + replacements where change.capabilities?.isEmpty == false {
      if let path = root.tree.resolve(RootTree.canonical(change.path)) { asked.insert(path) }
    }
    return root.paths.compactMap { path in
      guard root.tree[path]?.extendedAttributes["security.capability"] != nil, !asked.contains(path) else {
        return nil
      }
      return (
        path,
        "has file capabilities of its package's choice: state them under permissions, or take them away there"
      )
    }
  }
}
