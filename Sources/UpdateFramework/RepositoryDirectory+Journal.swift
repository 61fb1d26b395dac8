internal import Glibc

/// A merge changes several files, of which a part would be no state at all: metadata that keys signed which nobody names
/// yet. So the whole proposal is written down before the first of them is in place, and stays until the last one is.
extension RepositoryDirectory {
  /// The proposal whose merge has begun, of a name that no role has.
  var journal: String { "\(metadata)/%merge" }

  /// Writes the metadata of a proposal beside their places.
  /// - Throws: `localStorage`; nothing is left then.
  func stage(_ proposal: Proposal) throws(UpdateError) -> [AtomicFile] {
    var files: [AtomicFile] = []
    if let root = proposal.root {
      let place = path(of: "root", version: root.signed.header.version)
      files.append(try AtomicFile(root.bytes, for: place))
    }
    for name in proposal.targets.keys.sorted() {
      guard let metadata = proposal.targets[name] else { continue }
      let place = path(of: name, version: metadata.signed.header.version)
      files.append(try AtomicFile(metadata.bytes, for: place))
    }
    return files
  }

  /// Finishes a merge that was broken off. Whoever calls it has the lock.
  /// - Throws: `localStorage`, or `malformed` for a journal that is none.
  func finishMerge() throws(UpdateError) {
    guard let bytes = try AtomicFile.read(journal, limit: Proposal.limit) else { return }
    for file in try stage(Proposal(bytes, source: journal)) { try file.commit() }
    try removeJournal()
  }

  /// Waits for a merge that is under way, and finishes one that was broken off. A repository that may only be read is left
  /// as it is.
  func recover() throws(UpdateError) {
    guard access(journal, F_OK) == 0, access(metadata, W_OK) == 0 else { return }
    let lock = try lock()
    defer { lock.release() }
    try finishMerge()
  }

  func removeJournal() throws(UpdateError) {
    guard unlink(journal) == 0 || errno == ENOENT else { throw LocalMetadata.failed("remove", journal) }
  }
}
