internal import Bytes
internal import CPosixShim
internal import Glibc

/// A merge is all or nothing: the whole proposal is written to one file before the first of its roles, and removed after
/// the last. Whoever finds it takes its roles for merged; whoever next has the lock finishes it.
extension RepositoryDirectory {
  // No role's file begins like this.
  var journal: String { "\(metadata)/%merge" }

  /// A merge that has begun and not ended.
  func unfinishedMerge() throws(UpdateError) -> Proposal? {
    guard let bytes = try AtomicFile.read(journal, limit: Proposal.limit) else { return nil }
    return try Proposal(bytes, source: journal)
  }

  /// Does what an interrupted ``perform(_:)`` left to do.
  func finishMerge() throws(UpdateError) {
    guard let proposal = try unfinishedMerge() else { return }
    for file in try stage(proposal) { try file.commit() }
    try AtomicFile.remove(journal)
  }

  /// Makes a proposal that was checked part of the repository.
  /// - Throws: `conflict`, `tooLarge`, or `localStorage`; if it does, nothing has changed, unless the disk fails.
  func perform(_ proposal: Proposal) throws(UpdateError) {
    let bytes = proposal.bytes
    guard bytes.count <= Proposal.limit else {
      throw UpdateError(.tooLarge, "the proposal has more than \(Proposal.limit) bytes; propose less at once")
    }
    // All bytes are on the disk, and nothing is in the way, before the first of them counts.
    let files = try stage(proposal)
    try AtomicFile.write(bytes, to: journal)
    for file in files { try file.commit() }
    try AtomicFile.remove(journal)
  }

  /// Writes the files of a proposal beside their places, those that are not there yet.
  func stage(_ proposal: Proposal) throws(UpdateError) -> [AtomicFile] {
    var files: [AtomicFile] = []
    for name in proposal.roles {
      guard let (bytes, version) = proposal.file(of: name) else { continue }
      let path = path(of: name, version: version)
      if let there = try AtomicFile.read(path, limit: .max) {
        guard there == bytes else { throw Self.taken(path) }
        continue
      }
      files.append(try AtomicFile(bytes, for: path))
    }
    return files
  }

  // While it is there, the first snapshot was never published.
  private var beginning: String { "\(metadata)/%first-snapshot" }

  /// Whether the first snapshot is on its way, so that there need not be a timestamp yet.
  var isBeginning: Bool {
    get throws(UpdateError) { try AtomicFile.read(beginning, limit: 1) != nil }
  }

  func markBeginning() throws(UpdateError) { try AtomicFile.write([], to: beginning) }

  func endBeginning() throws(UpdateError) {
    if try isBeginning { try AtomicFile.remove(beginning) }
  }
}
