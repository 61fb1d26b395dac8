internal import CGitShim
internal import CLibgit2
internal import Synchronization

/// One commit.
package struct GitRevision: Sendable, Hashable {
  /// The commit's object name in hexadecimal.
  package let commit: String
  /// The committer's time in seconds since the epoch.
  package let time: UInt64
}

/// A git repository, opened for reading. Hooks, filters and configuration of the machine have no part in it.
package final class GitRepository: Sendable {
  /// The work tree's absolute path, without a trailing slash; `nil` for a bare repository.
  package let workTree: String?
  // libgit2 wants one thread at a time for each repository handle.
  private let handle: Mutex<Handle>

  struct Handle: ~Copyable {
    let pointer: OpaquePointer

    deinit { git_repository_free(pointer) }
  }

  private static let started = netimg_git_start()

  /// Opens the repository that holds `directory`, looking upwards. Throws `.notFound` where there is none.
  package init(containing directory: String) throws(GitError) {
    try GitError.check(Self.started, "cannot start libgit2")
    var pointer: OpaquePointer?
    let status = git_repository_open_ext(&pointer, directory, 0, nil)
    try GitError.check(status, "\(directory) is in no git repository")
    guard let pointer else { throw GitError(.libgit2, "libgit2 opened \(directory) without a repository") }
    workTree = git_repository_workdir(pointer).map { Self.trimmed(String(cString: $0)) }
    handle = Mutex(Handle(pointer: pointer))
  }

  private static func trimmed(_ path: String) -> String {
    path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
  }

  /// Runs `body` with the repository to itself.
  func locked<Value: Sendable>(
    _ body: (OpaquePointer) throws(GitError) -> sending Value
  ) throws(GitError) -> Value {
    try handle.withLock { handle throws(GitError) in try body(handle.pointer) }
  }

  /// The commit that a name such as `HEAD`, `v1.2`, `main` or a hexadecimal prefix stands for.
  package func revision(_ name: String) throws(GitError) -> GitRevision {
    try locked { repository throws(GitError) in
      let commit = try Self.commit(name, in: repository)
      defer { git_commit_free(commit) }
      return GitRevision(
        commit: Self.hex(git_commit_id(commit)), time: UInt64(clamping: git_commit_time(commit)))
    }
  }

  /// The files of one commit, for loading manifests without a work tree.
  package func tree(of revision: GitRevision) -> GitTree {
    GitTree(repository: self, revision: revision)
  }

  /// The version that a commit has by its tags: the tag that points at it without a leading `v` (of several, the last
  /// in byte order), else `0.0.0-<commits>-g<hash>`.
  package func version(of revision: GitRevision) throws(GitError) -> String {
    try locked { repository throws(GitError) in
      if let tag = try Self.tags(at: revision.commit, in: repository).max(by: {
        $0.utf8.lexicographicallyPrecedes($1.utf8)
      }) {
        return tag.hasPrefix("v") && tag.dropFirst().first?.isNumber == true ? String(tag.dropFirst()) : tag
      }
      guard git_repository_is_shallow(repository) == 0 else {
        throw GitError(
          .shallow,
          "this is a shallow clone, so its commits cannot be counted for a version: fetch the whole history, or write `version:` into the manifest"
        )
      }
      let count = try Self.countCommits(upTo: revision.commit, in: repository)
      return "0.0.0-\(count)-g\(revision.commit.prefix(12))"
    }
  }

  static func commit(_ name: String, in repository: OpaquePointer) throws(GitError) -> OpaquePointer {
    var object: OpaquePointer?
    try GitError.check(git_revparse_single(&object, repository, name), "there is no revision \(name)")
    defer { git_object_free(object) }
    var commit: OpaquePointer?
    try GitError.check(git_object_peel(&commit, object, GIT_OBJECT_COMMIT), "\(name) is no commit")
    guard let commit else { throw GitError(.libgit2, "libgit2 found \(name) without a commit") }
    return commit
  }

  static func hex(_ id: UnsafePointer<git_oid>?) -> String {
    guard let id, let text = git_oid_tostr_s(id) else { return "" }
    return String(cString: text)
  }

  private static func tags(at commit: String, in repository: OpaquePointer) throws(GitError) -> [String] {
    var names = git_strarray()
    try GitError.check(git_tag_list(&names, repository), "cannot list the tags")
    defer { git_strarray_dispose(&names) }
    var found: [String] = []
    for index in 0..<names.count {
      guard let text = names.strings[index] else { continue }
      let name = String(cString: text)
      // A tag of something that is no commit is nobody's version.
      guard let target = try? Self.commit("refs/tags/\(name)", in: repository) else { continue }
      defer { git_commit_free(target) }
      if hex(git_commit_id(target)) == commit { found.append(name) }
    }
    return found
  }

  private static func countCommits(upTo commit: String, in repository: OpaquePointer) throws(GitError) -> Int
  {
    var walk: OpaquePointer?
    try GitError.check(git_revwalk_new(&walk, repository), "cannot walk the history")
    defer { git_revwalk_free(walk) }
    var id = git_oid()
    try GitError.check(git_oid_fromstr(&id, commit), "\(commit) is no object name")
    try GitError.check(git_revwalk_push(walk, &id), "cannot walk the history of \(commit)")
    var count = 0
    while true {
      let status = git_revwalk_next(&id, walk)
      if status == GIT_ITEROVER.rawValue { return count }
      try GitError.check(status, "cannot walk the history of \(commit)")
      count += 1
    }
  }
}
