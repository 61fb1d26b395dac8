internal import Bytes

// An export of a store is a tar archive (ustar) of regular files in this order:
//
//     netimg-store              "1\n": the version of this format
//     blobs/sha256/ab/cdef…     blobs by their digest
//     records/KIND/KEY          records, as the store has them
//
// docs/formats/store.md says it for other programs.

/// What a file in a store's archive is, by its path. Nothing but these paths exists, so none can lead elsewhere.
enum StorePath: Equatable {
  case marker
  case blob(SHA256Digest)
  case record(kind: String, key: String)

  static let markerName = "netimg-store"
  static let markerContent = Array("1\n".utf8)
  static let markerLimit = 64
  /// The largest blob and the largest record that are imported, in bytes.
  static let blobLimit = 8 << 30
  static let recordLimit = 64 << 20
  /// The most files that an archive has.
  static let countLimit = 1_000_000

  var text: String {
    switch self {
    case .marker: Self.markerName
    case .blob(let digest): "blobs/sha256/\(digest.hex.prefix(2))/\(digest.hex.dropFirst(2))"
    case .record(let kind, let key): "records/\(kind)/\(key)"
    }
  }

  var sizeLimit: Int {
    switch self {
    case .marker: Self.markerLimit
    case .blob: Self.blobLimit
    case .record: Self.recordLimit
    }
  }

  /// `nil` for anything that a store does not have. A leading `./`, as tar writes it, is no difference.
  init?(_ text: String) {
    let path = text.hasPrefix("./") ? String(text.dropFirst(2)) : text
    let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    if path == Self.markerName {
      self = .marker
    } else if parts.count == 4, parts[0] == "blobs", parts[1] == "sha256", parts[2].utf8.count == 2,
      let digest = SHA256Digest(hex: parts[2] + parts[3]), digest.hex == parts[2] + parts[3]
    {
      self = .blob(digest)
    } else if parts.count == 3, parts[0] == "records", BlobStore.isValidName(parts[1]),
      BlobStore.isValidName(parts[2])
    {
      self = .record(kind: parts[1], key: parts[2])
    } else {
      return nil
    }
  }
}

extension BlobStore {
  /// What an export holds.
  package struct Exported: Sendable, Equatable {
    package var blobs = 0
    package var records = 0
    /// Bytes of the archive.
    package var bytes = 0
  }

  /// What an import did.
  package struct Imported: Sendable, Equatable {
    /// Blobs that were new, and their bytes.
    package var blobs = 0
    package var bytes = 0
    /// Blobs that were here already.
    package var present = 0
    package var records = 0
    /// Records that were left out because nobody vouched for them.
    package var recordsSkipped = 0
  }
}
