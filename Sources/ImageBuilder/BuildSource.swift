package import Bytes
package import DebianArchive
internal import Glibc
package import Manifest
package import Provenance

/// Where a build's sources are: a work tree as it is now, or a revision of a git repository.
package struct BuildSource: Sendable {
  package let image: ComposedImage
  /// The lock file's path from the repository root, and its bytes if it is there.
  package let lockPath: String
  package let lockBytes: [UInt8]?
  /// The commit that the sources are, or began as; `nil` outside a git repository.
  package let revision: GitRevision?
  /// Whether the sources differ from the commit.
  package let isDirty: Bool
  /// The version that git gives, marked `-dirty` if need be; `nil` outside a repository.
  private let gitVersion: Result<String, GitError>?

  /// The sources in the directory around a manifest on disk.
  package init(workTreeManifest path: String) throws {
    let (tree, manifestPath) = try WorkTree.enclosing(manifest: path)
    image = try ManifestLoader(tree: tree).load(manifestPath: manifestPath)
    lockPath = Self.lockPath(of: manifestPath)
    lockBytes = try tree.file(at: lockPath)?.bytes
    guard let repository = try? GitRepository(containing: tree.root), let workTree = repository.workTree,
      let head = try? repository.revision("HEAD"), let prefix = Self.prefix(of: tree.root, in: workTree)
    else {
      revision = nil
      isDirty = false
      gitVersion = nil
      return
    }
    revision = head
    // The sources are what HEAD has if loading them from there gives the same: exact, and blind to everything else.
    let committed = Subtree(tree: repository.tree(of: head), prefix: prefix)
    let committedImage = try? ManifestLoader(tree: committed).load(manifestPath: manifestPath)
    let committedLock = try? committed.file(at: lockPath)?.bytes
    isDirty = committedImage?.sourceDigest != image.sourceDigest || committedLock != lockBytes
    let suffix = isDirty ? "-dirty" : ""
    gitVersion = Result { () throws(GitError) in try repository.version(of: head) + suffix }
  }

  /// The sources of a revision, read from git's objects; the work tree is not looked at.
  ///
  /// - Parameter path: the manifest's path, as it would be in the work tree from the current directory.
  package init(gitReference name: String, manifest path: String) throws {
    let repository = try GitRepository(containing: Self.existingDirectory(above: path))
    let revision = try repository.revision(name)
    let whole = repository.tree(of: revision)
    let inRepository = try Self.pathInRepository(path, repository)
    let root = try Self.root(above: inRepository, in: whole, reference: name)
    let tree = Subtree(tree: whole, prefix: root)
    let manifestPath = root.isEmpty ? inRepository : String(inRepository.dropFirst(root.count + 1))
    image = try ManifestLoader(tree: tree).load(manifestPath: manifestPath)
    lockPath = Self.lockPath(of: manifestPath)
    lockBytes = try tree.file(at: lockPath)?.bytes
    self.revision = revision
    isDirty = false
    gitVersion = Result { () throws(GitError) in try repository.version(of: revision) }
  }

  /// The lock file and the digest of its own form, or an error that says how to make one.
  package func lock() throws -> (lock: LockFile, digest: SHA256Digest) {
    guard let lockBytes else {
      throw BuildError(
        .lock, "\(lockPath) is not there: run netimg lock \(image.manifestPath), and commit it")
    }
    let lock = try LockFile(decoding: lockBytes, file: lockPath)
    // Not of the bytes: an editor's white space decides nothing.
    return (lock, SHA256.digest(of: lock.encoded()))
  }

  /// The manifest's version, else git's.
  package func version() throws -> String {
    if let version = image.version { return version.value }
    guard let gitVersion else {
      throw BuildError(
        .manifest,
        "\(image.manifestPath) is in no git repository with a commit, which would give the version: commit it, or write "
          + "`version:` into it"
      )
    }
    return try gitVersion.get()
  }

  /// The commit's time; outside a repository, when the newest archive in the lock was made.
  package func timestamp(lock: LockFile) -> UInt64 {
    revision?.time ?? lock.archives.map { UInt64(clamping: $0.date.seconds) }.max() ?? 0
  }

  /// `manifests/x.yaml` is locked in `manifests/x.lock.json`.
  package static func lockPath(of manifest: String) -> String {
    for ending in [".yaml", ".yml"] where manifest.hasSuffix(ending) {
      return manifest.dropLast(ending.count) + ".lock.json"
    }
    return manifest + ".lock.json"
  }

  private static func prefix(of directory: String, in workTree: String) -> String? {
    guard let base = realPath(workTree), let directory = realPath(directory) else { return nil }
    if directory == base { return "" }
    return directory.hasPrefix(base + "/") ? String(directory.dropFirst(base.count + 1)) : nil
  }

  private static func pathInRepository(_ path: String, _ repository: GitRepository) throws -> String {
    var components: [Substring] = []
    if path.utf8.first != UInt8(ascii: "/"), let workTree = repository.workTree {
      components = (prefix(of: ".", in: workTree) ?? "").split(separator: "/")
    }
    for component in path.split(separator: "/") where component != "." {
      if component == ".." { _ = components.popLast() } else { components.append(component) }
    }
    let joined = components.joined(separator: "/")
    guard path.utf8.first == UInt8(ascii: "/"), let workTree = repository.workTree.flatMap(realPath) else {
      return joined
    }
    let prefix = String(workTree.dropFirst()) + "/"
    guard joined.hasPrefix(prefix) else {
      throw BuildError(.manifest, "\(path) is not in the repository \(workTree): give a path inside it")
    }
    return String(joined.dropFirst(prefix.count))
  }

  /// The nearest directory above the manifest with a folder `images`.
  private static func root(above path: String, in tree: GitTree, reference: String) throws -> String {
    var directory = RootTree.parent(of: path)
    while true {
      if try tree.list(directory).contains(where: { $0.name == "images" && $0.kind == .directory }) {
        return directory
      }
      guard !directory.isEmpty else {
        throw BuildError(
          .manifest,
          "\(path) at \(reference): no directory above it has a folder images; check path and reference")
      }
      directory = RootTree.parent(of: directory)
    }
  }

  /// Where to look for the repository: the work tree may no longer have the manifest, or the directories above it.
  private static func existingDirectory(above path: String) -> String {
    guard path.utf8.first == UInt8(ascii: "/") else { return "." }
    var directory = RootTree.parent(of: path)
    while !directory.isEmpty, access(directory, F_OK) != 0 { directory = RootTree.parent(of: directory) }
    return directory.isEmpty ? "/" : directory
  }

  private static func realPath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}

/// A directory of another tree, seen as a tree of its own.
private struct Subtree: SourceTree {
  let tree: any SourceTree
  let prefix: String

  func file(at path: String) throws -> SourceFile? { try tree.file(at: join(path)) }

  func list(_ directory: String) throws -> [SourceEntry] { try tree.list(join(directory)) }

  private func join(_ path: String) -> String {
    prefix.isEmpty ? path : path.isEmpty ? prefix : "\(prefix)/\(path)"
  }
}
