extension Rule {
  /// Symbolic links to nothing, unless what they lead to is made while the system runs.
  /// `/lib64` and its like are there whether or not anything is below them.
  static let danglingLink = Rule(name: "dangling-link") { root in
    root.paths.compactMap { path in
      guard case .symlink(let target)? = root.tree[path]?.kind, !CheckedRoot.isMutable(path),
        !RootTree.mergedDirectories.contains(path),
        let missing = root.missing(path), !root.isMadeAtRunTime(missing)
      else { return nil }
      let problem =
        missing == path
        ? "which leads in circles: drop it"
        : "but /\(missing) is not in the image: drop the link, or keep what it leads to"
      return (path, "is a link to \(target), \(problem)")
    }
  }
}
