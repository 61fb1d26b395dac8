internal import Glibc

extension BlobStore {
  /// A file that garbage collection may take.
  private struct Candidate {
    let path: String
    let status: FileStatus
  }

  /// What a collection did, or would do.
  package struct Collection: Sendable, Equatable {
    /// Entries that went, and their bytes.
    package var removed = 0
    package var bytes = 0
    /// Entries that stay although the store is too large: running builds use them.
    package var inUse = 0
    /// Bytes that are left.
    package var left = 0
  }

  /// Removes blobs and records, least recently used first, until what is left is at most `maximumSize` bytes.
  ///
  /// Safe beside other users of the store: what a running build has used (``Lease``) stays, builds that begin
  /// meanwhile wait, and an entry that was used since the listing is spared. Whoever else reads a blob that has just
  /// gone gets `nil` and makes it again; an open file stays readable. Also removes what `corrupt` holds. Uses are
  /// noted to the hour.
  ///
  /// - Parameters:
  ///   - isDryRun: only says what would go.
  ///   - progress: hears how many bytes are gone, of how many that must go.
  package func collectGarbage(
    maximumSize: Int, isDryRun: Bool = false, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws -> Collection {
    let gate = try gate(isExclusive: true)
    defer { extend(gate) }
    let oldestUse = try oldestLease().map { $0 - Self.useGranularity }
    if !isDryRun {
      for name in try FileSystem.names(in: "\(root)/corrupt") { unlink(grave(name)) }
    }
    var candidates = try candidates(in: "\(root)/blobs/sha256")
    for kind in try FileSystem.names(in: "\(root)/records") where !Self.lastingKinds.contains(kind) {
      candidates += try files(in: "\(root)/records/\(kind)")
    }
    var result = Collection()
    result.left = candidates.reduce(0) { $0 + $1.status.size }
    let excess = result.left - maximumSize
    candidates.sort { ($0.status.modified, $0.path) < ($1.status.modified, $1.path) }
    for candidate in candidates where result.left > maximumSize {
      guard let current = FileSystem.status(candidate.path) else {
        result.left -= candidate.status.size
        continue
      }
      guard current == candidate.status else { continue }
      if let oldestUse, current.modified >= oldestUse {
        result.inUse += 1
        continue
      }
      if try isDryRun || FileSystem.remove(candidate.path) {
        result.removed += 1
        result.bytes += current.size
      }
      result.left -= current.size
      progress(result.bytes, excess)
    }
    return result
  }

  /// The regular files one directory below `top`, in the order of their paths.
  private func candidates(in top: String) throws -> [Candidate] {
    try FileSystem.names(in: top).flatMap { try files(in: "\(top)/\($0)") }
  }

  private func files(in directory: String) throws -> [Candidate] {
    guard FileSystem.isDirectory(directory) else { return [] }
    return try FileSystem.names(in: directory).compactMap { name in
      let path = "\(directory)/\(name)"
      guard let status = FileSystem.status(path), status.isRegular else { return nil }
      return Candidate(path: path, status: status)
    }
  }

  /// Removes what crashed writers left: temporary files after a day, partial downloads and corrupt entries
  /// after a week. Best effort: opening a store never fails because of it.
  func sweep() {
    let day = 86_400
    sweep("temporary", olderThan: day)
    sweep("corrupt", olderThan: 7 * day)
    sweep("partial", olderThan: 7 * day)
  }

  private func sweep(_ directory: String, olderThan age: Int) {
    let now = FileSystem.now
    for name in (try? FileSystem.names(in: "\(root)/\(directory)")) ?? [] {
      let path = "\(root)/\(directory)/\(name)"
      guard let status = FileSystem.status(path), now - status.modified > age else { continue }
      // A partial file that somebody holds is alive, however slow its server is.
      if directory == "partial" {
        guard let file = try? OpenFile(path, O_RDWR, action: "lock"),
          (try? file.lock(waiting: false)) == true
        else { continue }
        unlink(path)
      } else if status.isDirectory {
        // An import that did not end.
        for name in (try? FileSystem.names(in: path)) ?? [] { unlink("\(path)/\(name)") }
        rmdir(path)
      } else {
        unlink(path)
      }
    }
  }
}
