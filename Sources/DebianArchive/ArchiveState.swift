internal import BlobStore
internal import Bytes
internal import Manifest

/// What this machine remembers of an archive's suite, so that old metadata cannot be passed off as current.
struct ArchiveState {
  private static let kind = "archives"

  private let store: BlobStore
  private let source: SuiteSource
  private let key: String

  init(store: BlobStore, source: SuiteSource) {
    self.store = store
    self.source = source
    key = SHA256.digest(of: Array("\(source.archive) \(source.suite)".utf8)).hex
  }

  /// The dates that have been seen: here, and in the lock that is being replaced. A record that cannot be
  /// read counts as none: the lock and Valid-Until still stand.
  func seen(previous: [LockFile.Archive]) -> [ReleaseFile.Seen] {
    var seen: [ReleaseFile.Seen] = []
    for archive in previous where archive.archive == source.archive && archive.suite == source.suite {
      seen.append(ReleaseFile.Seen(date: archive.date, origin: "the lock file"))
    }
    if let bytes = try? store.record(kind: Self.kind, key: key),
      let date = ReleaseDate(timestamp: String(decoding: bytes, as: UTF8.self))
    {
      seen.append(ReleaseFile.Seen(date: date, origin: "records/\(Self.kind)/\(key) in the store"))
    }
    return seen
  }

  /// Remembers a date that was verified. A store that can only be read remembers nothing, and that must do.
  func record(_ date: ReleaseDate) throws(ArchiveError) {
    guard seen(previous: []).allSatisfy({ $0.date < date }) else { return }
    do {
      try store.setRecord(Array(date.description.utf8), kind: Self.kind, key: key)
    } catch let error as StoreError where error.code != .readOnly {
      throw ArchiveError(.localStorage, error.description)
    } catch {}
  }
}
