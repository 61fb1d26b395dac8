internal import CLibgit2
package import Manifest

/// The files of one commit: what `--git-ref` builds from, without touching the work tree.
package struct GitTree: SourceTree {
  private let repository: GitRepository
  /// The commit.
  package let revision: GitRevision

  init(repository: GitRepository, revision: GitRevision) {
    self.repository = repository
    self.revision = revision
  }

  package func file(at path: String) throws -> SourceFile? {
    try repository.locked { pointer throws(GitError) in
      try withEntry(path, in: pointer) { entry throws(GitError) -> SourceFile? in
        let mode = git_tree_entry_filemode(entry)
        guard mode == GIT_FILEMODE_BLOB || mode == GIT_FILEMODE_BLOB_EXECUTABLE else {
          throw GitError(.notAFile, "\(path) at \(revision.commit.prefix(12)) is no regular file")
        }
        return SourceFile(
          bytes: try Self.blob(entry, path: path, in: pointer),
          isExecutable: mode == GIT_FILEMODE_BLOB_EXECUTABLE)
      } ?? nil
    }
  }

  package func list(_ directory: String) throws -> [SourceEntry] {
    try repository.locked { pointer throws(GitError) in
      if directory.isEmpty {
        let root = try rootTree(in: pointer)
        defer { git_tree_free(root) }
        return try Self.entries(of: root, path: directory, in: pointer)
      }
      return try withEntry(directory, in: pointer) { entry throws(GitError) -> [SourceEntry] in
        guard git_tree_entry_type(entry) == GIT_OBJECT_TREE else {
          throw GitError(.notAFile, "\(directory) at \(revision.commit.prefix(12)) is no directory")
        }
        var tree: OpaquePointer?
        try GitError.check(
          git_tree_lookup(&tree, pointer, git_tree_entry_id(entry)), "cannot read \(directory)")
        defer { git_tree_free(tree) }
        return try Self.entries(of: tree, path: directory, in: pointer)
      } ?? []
    }
  }

  private func rootTree(in repository: OpaquePointer) throws(GitError) -> OpaquePointer {
    let commit = try GitRepository.commit(revision.commit, in: repository)
    defer { git_commit_free(commit) }
    var tree: OpaquePointer?
    try GitError.check(git_commit_tree(&tree, commit), "cannot read the files of \(revision.commit)")
    guard let tree else { throw GitError(.libgit2, "\(revision.commit) has no tree") }
    return tree
  }

  /// Looks a path up; `nil` if it, or a directory above it, is not there.
  private func withEntry<Value>(
    _ path: String, in repository: OpaquePointer, _ body: (OpaquePointer) throws(GitError) -> Value
  ) throws(GitError) -> Value? {
    let root = try rootTree(in: repository)
    defer { git_tree_free(root) }
    var entry: OpaquePointer?
    let status = git_tree_entry_bypath(&entry, root, path)
    if status == GIT_ENOTFOUND.rawValue { return nil }
    try GitError.check(status, "cannot look up \(path) at \(revision.commit.prefix(12))")
    guard let entry else { return nil }
    defer { git_tree_entry_free(entry) }
    return try body(entry)
  }

  private static func blob(
    _ entry: OpaquePointer, path: String, in repository: OpaquePointer
  ) throws(GitError) -> [UInt8] {
    var blob: OpaquePointer?
    try GitError.check(git_blob_lookup(&blob, repository, git_tree_entry_id(entry)), "cannot read \(path)")
    defer { git_blob_free(blob) }
    guard let base = git_blob_rawcontent(blob) else { return [] }
    return [UInt8](UnsafeRawBufferPointer(start: base, count: Int(git_blob_rawsize(blob))))
  }

  private static func entries(
    of tree: OpaquePointer?, path: String, in repository: OpaquePointer
  ) throws(GitError) -> [SourceEntry] {
    var entries: [SourceEntry] = []
    for index in 0..<git_tree_entrycount(tree) {
      guard let entry = git_tree_entry_byindex(tree, index), let text = git_tree_entry_name(entry) else {
        continue
      }
      let name = String(cString: text)
      switch git_tree_entry_filemode(entry) {
      case GIT_FILEMODE_TREE:
        entries.append(SourceEntry(name: name, kind: .directory))
      case GIT_FILEMODE_BLOB, GIT_FILEMODE_BLOB_EXECUTABLE:
        entries.append(SourceEntry(name: name, kind: .file))
      case GIT_FILEMODE_LINK:
        let target = try blob(entry, path: "\(path)/\(name)", in: repository)
        entries.append(
          SourceEntry(name: name, kind: .symlink(target: String(decoding: target, as: UTF8.self))))
      default:
        throw GitError(.notAFile, "\(path)/\(name) is a submodule, which a source tree cannot hold")
      }
    }
    return entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }
}
