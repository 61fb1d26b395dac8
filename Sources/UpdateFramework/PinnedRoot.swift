internal import CPosixShim
internal import Glibc

/// The root that somebody trusts for a repository in a directory, kept in a file of theirs: it was given, or taken the first
/// time, and follows the repository's chain of roots from then on. Whoever has only the repository's disk cannot replace it.
package struct PinnedRoot: Sendable {
  /// Where it is kept.
  package let file: String

  /// - Parameters:
  ///   - repository: The repository's directory.
  ///   - folder: A directory for pinned roots, one file a repository.
  package init(of repository: String, in folder: String) {
    var absolute = repository
    if let real = realpath(repository, nil) {
      absolute = String(cString: real)
      free(real)
    }
    file = "\(folder)/\(FileNames.local(absolute)).json"
  }

  /// The repository, with the root that is trusted for it.
  /// - Parameter given: A root that the caller has from elsewhere; it counts from now on.
  /// - Returns: The directory, and the root that was believed because none was known; `nil` for any other time.
  /// - Throws: `rollback` or `threshold` if the repository's root is not the one that is trusted, or does not follow from
  ///   it; `localStorage`.
  package func open(
    _ repository: String, given: [UInt8]? = nil, limits: UpdateLimits = UpdateLimits()
  ) throws(UpdateError) -> (directory: RepositoryDirectory, taken: Metadata<RootRole>?) {
    var known = given
    if known == nil { known = try AtomicFile.read(file, limit: limits.rootLength) }
    let directory = RepositoryDirectory(repository, trustedRoot: known)
    let newest: Metadata<RootRole>?
    do throws(UpdateError) {
      newest = try RepositoryLoader(directory: directory, limits: limits).loadRoots().last
    } catch {
      guard known != nil, given == nil else { throw error.inOwnDirectory(repository) }
      throw UpdateError(
        error.code, role: error.role, version: error.version,
        "the repository \(repository) does not follow from the root that is trusted for it in \(file): somebody changed it, or "
          + "put back an older state; restore it. If it is another repository, say so with --root, or remove that file"
      )
    }
    guard let newest else { return (directory, nil) }
    if newest.bytes != known || given != nil {
      try RepositoryDirectory.makeDirectories(of: file)
      try AtomicFile.write(newest.bytes, to: file)
    }
    let trusting = RepositoryDirectory(repository, trustedRoot: newest.bytes)
    return (trusting, known == nil ? newest : nil)
  }
}
