internal import Glibc

extension BlobStore {
  /// A file that garbage collection may take.
  private struct Candidate {
    let path: String
    let status: FileStatus
  }

  /// Removes blobs and records, least recently used first, until what is left is at most `maximumSize` bytes.
  ///
  /// Safe beside other users of the store: whoever reads a blob that has just gone gets `nil` and makes it
  /// again, an open file stays readable, and an entry that was used since the listing is spared. Also removes
  /// what `corrupt` holds. Uses are noted to the hour.
  package func collectGarbage(maximumSize: Int) throws -> (removed: Int, bytes: Int) {
    for name in try FileSystem.names(in: "\(root)/corrupt") { unlink(grave(name)) }
    var candidates = try candidates(in: "\(root)/blobs/sha256") + candidates(in: "\(root)/records")
    var total = candidates.reduce(0) { $0 + $1.status.size }
    guard total > maximumSize else { return (0, 0) }
    candidates.sort { ($0.status.modified, $0.path) < ($1.status.modified, $1.path) }
    var removed = 0
    var bytes = 0
    for candidate in candidates where total > maximumSize {
      guard let current = FileSystem.status(candidate.path) else {
        total -= candidate.status.size
        continue
      }
      guard current == candidate.status else { continue }
      if try FileSystem.remove(candidate.path) {
        removed += 1
        bytes += current.size
      }
      total -= current.size
    }
    return (removed, bytes)
  }

  /// The regular files one directory below `top`, in the order of their paths.
  private func candidates(in top: String) throws -> [Candidate] {
    var found: [Candidate] = []
    for directory in try FileSystem.names(in: top) where FileSystem.isDirectory("\(top)/\(directory)") {
      for name in try FileSystem.names(in: "\(top)/\(directory)") {
        let path = "\(top)/\(directory)/\(name)"
        guard let status = FileSystem.status(path), status.isRegular else { continue }
        found.append(Candidate(path: path, status: status))
      }
    }
    return found
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
      } else {
        unlink(path)
      }
    }
  }
}
