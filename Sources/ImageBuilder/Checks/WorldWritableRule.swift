extension Rule {
  /// What everybody may write: files, and directories where everybody may also remove what others wrote.
  static let worldWritable = Rule(name: "world-writable") { root in
    root.paths.compactMap { path in
      guard let node = root.tree[path], node.mode & 0o002 != 0 else { return nil }
      switch node.kind {
      case .symlink: return nil
      case .directory where node.mode & 0o1000 != 0: return nil
      case .directory:
        return (
          path,
          "is a directory that everybody may write to (mode \(octal(node.mode))): change it under permissions"
        )
      case .file:
        return (
          path,
          "is a file that everybody may write to (mode \(octal(node.mode))): change it under permissions"
        )
      }
    }
  }
}
