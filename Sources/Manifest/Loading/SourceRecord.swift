internal import Bytes

/// The files that were read, for the digest of a composed image's sources.
struct SourceRecord: Sendable {
  private enum Kind: UInt8 {
    case file = 0
    case executable = 1
    case symlink = 2
  }

  private struct Entry: Sendable {
    let kind: UInt8
    let digest: SHA256Digest
  }

  // By bytes: two file names may differ in their Unicode normalization only.
  private var entries: [[UInt8]: Entry] = [:]

  mutating func add(_ file: SourceFile, at path: String) {
    let kind: Kind = file.isExecutable ? .executable : .file
    entries[Array(path.utf8)] = Entry(kind: kind.rawValue, digest: SHA256.digest(of: file.bytes))
  }

  mutating func add(linkTo target: String, at path: String) {
    entries[Array(path.utf8)] = Entry(
      kind: Kind.symlink.rawValue, digest: SHA256.digest(of: Array(target.utf8)))
  }

  mutating func merge(_ other: SourceRecord) {
    entries.merge(other.entries) { _, new in new }
  }

  private var sortedEntries: [(path: [UInt8], entry: Entry)] {
    entries.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { ($0.key, $0.value) }
  }

  /// The paths, sorted by their UTF-8 bytes.
  var paths: [String] { sortedEntries.map { String(decoding: $0.path, as: UTF8.self) } }

  /// SHA-256 over the sorted entries, each as: the path's length (64 bits, little-endian), the path, the
  /// kind (0 file, 1 executable file, 2 symbolic link) and the SHA-256 of the content or the link's target.
  var digest: SHA256Digest {
    var encoded = ByteWriter()
    for (path, entry) in sortedEntries {
      encoded.littleEndian(UInt64(path.count))
      encoded.append(path)
      encoded.append([entry.kind])
      encoded.append(entry.digest.bytes)
    }
    return SHA256.digest(of: encoded.bytes)
  }
}
