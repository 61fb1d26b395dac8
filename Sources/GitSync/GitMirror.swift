internal import CGitShim
internal import CLibgit2
internal import Synchronization

/// A bare copy of one branch of a git repository: fetched, its commits' signatures checked, moved forward only.
package final class GitMirror: Sendable {
  /// A state of the branch whose commits all have good signatures.
  package struct Head: Sendable, Hashable {
    /// The commit's object name in hexadecimal.
    package let commit: String
    /// Who signed it.
    package let signer: String
    /// The committer's time in seconds since the epoch.
    package let time: Int64
    /// The first line of its message.
    package let subject: String
  }

  /// The most bytes of one fetch, new commits of one step, and bytes of one file.
  static let maximumFetch = 256 << 20
  static let maximumCommits = 10_000
  package static let maximumFile = 16 << 20

  private static let incoming = "refs/netimg/incoming"
  private static let applied = "refs/netimg/applied"
  private static let started = netimg_git_start()

  private struct Handle: ~Copyable {
    let pointer: OpaquePointer
    deinit { git_repository_free(pointer) }
  }

  // libgit2 wants one thread at a time for each repository handle.
  private let handle: Mutex<Handle>
  private let path: String

  /// Opens the copy, or begins one.
  /// - Throws: `local`.
  package init(directory: String) throws(GitSyncError) {
    try GitSyncError.check(Self.started, .local, "cannot start libgit2")
    path = directory
    var pointer: OpaquePointer?
    if git_repository_open_bare(&pointer, directory) < 0 {
      try GitSyncError.check(git_repository_init(&pointer, directory, 1), .local, "cannot make \(directory)")
    }
    guard let pointer else { throw GitSyncError(.local, "libgit2 opened \(directory) without a repository") }
    handle = Mutex(Handle(pointer: pointer))
  }

  private func locked<Value: Sendable>(
    _ body: (OpaquePointer) throws(GitSyncError) -> sending Value
  ) throws(GitSyncError) -> Value {
    try handle.withLock { handle throws(GitSyncError) in try body(handle.pointer) }
  }

  /// Fetches a branch, and nothing else.
  /// - Parameters:
  ///   - url: A directory, or an address as git writes it.
  ///   - access: With what the repository may be read.
  ///   - isCancelled: Asked while bytes arrive.
  /// - Returns: The commit that it points at.
  /// - Throws: `unreachable`, `tooLarge`, `refused` for a host that is not the one it should be or does not let us in,
  ///   and what is wrong with the address or the access.
  package func fetch(
    _ url: String, branch: String, access: GitAccess = GitAccess(),
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws(GitSyncError) -> String {
    let address = try GitAddress(url)
    let session = GitSession(address, try access.credentials(for: address), isCancelled: isCancelled)
    if address.scheme == .https, let authority = access.authority {
      // For the whole process, which follows one repository.
      try GitSyncError.check(
        netimg_git_set_authority(authority), .notFound,
        "cannot use \(authority), the certificates that a host's must come from (git.authority)")
    }
    return try locked { repository throws(GitSyncError) in
      // What was fetched before must not be taken for an answer.
      git_reference_remove(repository, Self.incoming)
      var remote: OpaquePointer?
      try GitSyncError.check(
        git_remote_create_anonymous(&remote, repository, url), .unreachable, "cannot use \(url)")
      defer { git_remote_free(remote) }
      var options = git_fetch_options()
      try GitSyncError.check(
        git_fetch_options_init(&options, UInt32(GIT_FETCH_OPTIONS_VERSION)), .local, "libgit2")
      options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE
      options.update_fetchhead = 0
      session.install(in: &options)
      let status = Self.withStrings(["+refs/heads/\(branch):\(Self.incoming)"]) {
        git_remote_fetch(remote, $0, &options, nil)
      }
      withExtendedLifetime(session) {}
      if session.isTooLarge {
        throw GitSyncError(
          .tooLarge, "\(url) sent more than \(Self.maximumFetch >> 20) MiB; is it the right repository?")
      }
      if status < 0, let refusal = session.refusal {
        throw GitSyncError(.refused, "cannot fetch \(branch) from \(url): \(refusal)")
      }
      try GitSyncError.check(status, .unreachable, "cannot fetch \(branch) from \(url)")
      var id = git_oid()
      try GitSyncError.check(
        git_reference_name_to_id(&id, repository, Self.incoming), .notFound, "\(url) has no branch \(branch)")
      return Self.hex(&id)
    }
  }

  /// What was applied last; `nil` before there was anything.
  package func appliedCommit() throws(GitSyncError) -> String? {
    try locked { repository in Self.reference(Self.applied, repository) }
  }

  /// Checks every commit that came since what was applied, and the whole way being forward.
  /// - Throws: `unsigned`, `notFastForward`, `tooLarge`.
  package func check(_ commit: String, signers: AllowedSigners) throws(GitSyncError) -> Head {
    try locked { repository throws(GitSyncError) in
      var id = try Self.id(commit)
      let base = Self.reference(Self.applied, repository)
      if let base, base != commit {
        var old = try Self.id(base)
        guard git_graph_descendant_of(repository, &id, &old) == 1 else {
          throw GitSyncError(
            .notFastForward,
            "the branch was rewritten: \(commit.prefix(12)) does not follow from \(base.prefix(12)), which is applied; "
              + "bring the branch back, or remove \(self.path) to begin anew")
        }
        try Self.checkSignatures(from: &old, to: &id, in: repository, signers)
      }
      let signer = try Self.signer(of: &id, in: repository, signers)
      var pointer: OpaquePointer?
      try GitSyncError.check(git_commit_lookup(&pointer, repository, &id), .local, "cannot read \(commit)")
      defer { git_commit_free(pointer) }
      let subject = git_commit_summary(pointer).map { String(cString: $0) } ?? ""
      return Head(
        commit: commit, signer: signer, time: git_commit_time(pointer), subject: String(subject.prefix(200)))
    }
  }

  /// Notes that a commit is applied.
  package func setApplied(_ commit: String) throws(GitSyncError) {
    try locked { repository throws(GitSyncError) in
      var id = try Self.id(commit)
      var reference: OpaquePointer?
      try GitSyncError.check(
        git_reference_create(&reference, repository, Self.applied, &id, 1, nil), .local,
        "cannot note \(commit)")
      git_reference_free(reference)
    }
  }

  /// The bytes of a regular file of a commit; `nil` if there is none.
  /// - Throws: `tooLarge`, `local`.
  package func file(_ name: String, at commit: String) throws(GitSyncError) -> [UInt8]? {
    try locked { repository throws(GitSyncError) in
      let tree = try Self.tree(commit, repository)
      defer { git_tree_free(tree) }
      var entry: OpaquePointer?
      guard git_tree_entry_bypath(&entry, tree, name) == 0 else { return nil }
      defer { git_tree_entry_free(entry) }
      return try Self.blob(entry, name, repository)
    }
  }

  /// The regular files of a directory of a commit whose names end in `.json`, by name.
  /// - Throws: `tooLarge` if there are more than `maximumFiles`.
  package func jsonFiles(in name: String, at commit: String, maximumFiles: Int = 1000) throws(GitSyncError)
    -> [(
      name: String, bytes: [UInt8]
    )]
  {
    try locked { repository throws(GitSyncError) in
      let tree = try Self.tree(commit, repository)
      defer { git_tree_free(tree) }
      var entry: OpaquePointer?
      guard git_tree_entry_bypath(&entry, tree, name) == 0 else { return [] }
      defer { git_tree_entry_free(entry) }
      var folder: OpaquePointer?
      guard git_tree_entry_type(entry) == GIT_OBJECT_TREE,
        git_tree_lookup(&folder, repository, git_tree_entry_id(entry)) == 0
      else { return [] }
      defer { git_tree_free(folder) }
      var files: [(name: String, bytes: [UInt8])] = []
      for index in 0..<git_tree_entrycount(folder) {
        guard let entry = git_tree_entry_byindex(folder, index), let text = git_tree_entry_name(entry) else {
          continue
        }
        let file = String(cString: text)
        guard file.hasSuffix(".json"), !file.hasPrefix("."), !file.contains("/"),
          let bytes = try Self.blob(entry, file, repository)
        else { continue }
        // Whoever reads them must not take a part for all of them.
        guard files.count < maximumFiles else {
          throw GitSyncError(
            .tooLarge, "\(name) has more than \(maximumFiles) files of JSON; remove those that are done with")
        }
        files.append((file, bytes))
      }
      return files
    }
  }
}

extension GitMirror {
  private static func reference(_ name: String, _ repository: OpaquePointer) -> String? {
    var id = git_oid()
    return git_reference_name_to_id(&id, repository, name) == 0 ? hex(&id) : nil
  }

  private static func hex(_ id: UnsafePointer<git_oid>) -> String {
    git_oid_tostr_s(id).map { String(cString: $0) } ?? ""
  }

  private static func id(_ hex: String) throws(GitSyncError) -> git_oid {
    var id = git_oid()
    try GitSyncError.check(git_oid_fromstr(&id, hex), .local, "\(hex) is no commit")
    return id
  }

  private static func tree(_ commit: String, _ repository: OpaquePointer) throws(GitSyncError)
    -> OpaquePointer?
  {
    var id = try id(commit)
    var pointer: OpaquePointer?
    try GitSyncError.check(git_commit_lookup(&pointer, repository, &id), .local, "cannot read \(commit)")
    defer { git_commit_free(pointer) }
    var tree: OpaquePointer?
    try GitSyncError.check(git_commit_tree(&tree, pointer), .local, "cannot read the files of \(commit)")
    return tree
  }

  /// `nil` for what is no regular file: a link leads nowhere here.
  private static func blob(
    _ entry: OpaquePointer?, _ name: String, _ repository: OpaquePointer
  ) throws(GitSyncError) -> [UInt8]? {
    let mode = git_tree_entry_filemode(entry)
    guard mode == GIT_FILEMODE_BLOB || mode == GIT_FILEMODE_BLOB_EXECUTABLE else { return nil }
    var blob: OpaquePointer?
    try GitSyncError.check(
      git_blob_lookup(&blob, repository, git_tree_entry_id(entry)), .local, "cannot read \(name)")
    defer { git_blob_free(blob) }
    let size = Int(git_blob_rawsize(blob))
    guard size <= maximumFile else {
      throw GitSyncError(.tooLarge, "\(name) has \(size) bytes, which nobody needs")
    }
    guard let base = git_blob_rawcontent(blob) else { return [] }
    return [UInt8](UnsafeRawBufferPointer(start: base, count: size))
  }

  private static func checkSignatures(
    from old: inout git_oid, to new: inout git_oid, in repository: OpaquePointer, _ signers: AllowedSigners
  ) throws(GitSyncError) {
    var walk: OpaquePointer?
    try GitSyncError.check(git_revwalk_new(&walk, repository), .local, "cannot walk the history")
    defer { git_revwalk_free(walk) }
    try GitSyncError.check(git_revwalk_push(walk, &new), .local, "cannot walk the history")
    try GitSyncError.check(git_revwalk_hide(walk, &old), .local, "cannot walk the history")
    var id = git_oid()
    var count = 0
    while git_revwalk_next(&id, walk) == 0 {
      count += 1
      guard count <= maximumCommits else {
        throw GitSyncError(.tooLarge, "there are more than \(maximumCommits) new commits in one step")
      }
      _ = try signer(of: &id, in: repository, signers)
    }
  }

  private static func signer(
    of id: inout git_oid, in repository: OpaquePointer, _ signers: AllowedSigners
  ) throws(GitSyncError) -> String {
    let name = hex(&id).prefix(12)
    var signature = git_buf()
    var signed = git_buf()
    defer {
      git_buf_dispose(&signature)
      git_buf_dispose(&signed)
    }
    guard git_commit_extract_signature(&signature, &signed, repository, &id, "gpgsig") == 0 else {
      throw GitSyncError(
        .unsigned, "the commit \(name) is not signed; sign it (git commit -S, gpg.format=ssh)")
    }
    func bytes(_ buffer: git_buf) -> [UInt8] {
      buffer.ptr.map { [UInt8](UnsafeRawBufferPointer(start: $0, count: buffer.size)) } ?? []
    }
    let signer: String?
    do throws(GitSyncError) {
      signer = try signers.signer(
        of: bytes(signed), signature: String(decoding: bytes(signature), as: UTF8.self))
    } catch {
      throw GitSyncError(.unsigned, "the commit \(name) counts for nothing: \(error)")
    }
    guard let signer else {
      throw GitSyncError(
        .unsigned, "the commit \(name) is signed by nobody who may; let one of the allowed signers sign it")
    }
    return signer
  }

  private static func withStrings(_ strings: [String], _ body: (UnsafePointer<git_strarray>) -> Int32)
    -> Int32
  {
    var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { text in
      let copy = UnsafeMutablePointer<CChar>.allocate(capacity: text.utf8.count + 1)
      for (index, byte) in text.utf8.enumerated() { copy[index] = CChar(bitPattern: byte) }
      copy[text.utf8.count] = 0
      return copy
    }
    defer { for pointer in pointers { pointer?.deallocate() } }
    return pointers.withUnsafeMutableBufferPointer { buffer in
      var array = git_strarray(strings: buffer.baseAddress, count: buffer.count)
      return body(&array)
    }
  }
}
