package import Bytes

/// A directory of files named by their SHA-256, shared between processes and users of one machine.
///
///     blobs/sha256/ab/cdef…   the blobs: two, then sixty-two hexadecimal digits
///     partial/abcdef…         downloads under way, locked (flock) by whoever writes them
///     records/KIND/KEY        small derived data, each with a checksum of its own
///     temporary/…             files that are being written
///     leases/…                one locked file for each running build (``Lease``)
///     corrupt/abcdef…         entries that failed their check, kept a week for whoever wonders why
///
/// **Atomic**: an entry appears whole, by rename, or not at all; a `kill -9` leaves at most a file in
/// `temporary`, which a later open removes once it is a day old.
///
/// **Durable**: `insert`, `setRecord` and `PartialBlob.commit` write the data to disk (fdatasync) before the
/// rename, so after a power cut an entry is whole or missing. The rename itself is not synced: a cache may
/// forget. `insert(_:durable: false)` skips the wait for data that are cheap to make again: after a power cut
/// such an entry may be short or zero, which every verified read notices.
///
/// **Self-healing**: a read verifies; what fails is moved away and reported as missing.
///
/// **Permissions**: files are 0644 and directories 0755, whatever the umask is.
///
/// **Trust**: a blob is believed because its bytes have the digest, whoever wrote it. A record is believed only if its
/// file belongs to the user who reads it or to root (docs/store.md).
///
/// **Shared**: what is not here is looked for in `shared`, stores that are read and never written or changed.
///
/// All errors are `StoreError`.
package struct BlobStore: Sendable {
  /// The store's directory, without a trailing slash.
  package let root: String
  /// Where else to look, in this order.
  package let shared: [BlobStore]
  /// Whether this is a store that must not change in any way, time stamps included.
  let isShared: Bool
  /// Entries that failed their check and could not be moved away.
  let damage = KnownDamage()

  static let directories = ["blobs/sha256", "partial", "records", "temporary", "corrupt", "leases"]
  /// Kinds of records that nothing can derive again: no garbage, and no part of an export.
  static let lastingKinds: Set<String> = ["archives"]

  /// Opens the store, creating what is missing, and sweeps out files that crashed writers left a day ago.
  /// A store that cannot be written opens for reading; each write then throws `readOnly`.
  ///
  /// - Parameter shared: other stores' directories, which must exist.
  package init(root: String, shared: [String] = []) throws {
    self.root = try Self.trimmed(root)
    self.shared = try shared.map { try BlobStore(shared: $0) }
    isShared = false
    do {
      try makeLayout()
    } catch {
      guard error.code == .readOnly, FileSystem.isDirectory(self.root) else { throw error }
      return
    }
    sweep()
  }

  /// A store that is only looked into.
  private init(shared root: String) throws {
    self.root = try Self.trimmed(root)
    shared = []
    isShared = true
    guard FileSystem.isDirectory("\(self.root)/blobs/sha256") else {
      throw StoreError(
        .notADirectory, path: self.root,
        "\(self.root) is no store: give the directory that another netimg uses as its --store")
    }
  }

  private static func trimmed(_ root: String) throws(StoreError) -> String {
    var trimmed = Substring(root)
    while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
    guard !trimmed.isEmpty else {
      throw StoreError(.noLocation, path: "", "the store's path is empty; set NETIMG_STORE to a directory")
    }
    return String(trimmed)
  }

  /// Where the blob is, or would be. Reading the file directly skips the check that `read` makes.
  package func path(of digest: SHA256Digest) -> String {
    let own = ownPath(of: digest)
    if shared.isEmpty || FileSystem.status(own) != nil { return own }
    return shared.lazy.filter { $0.contains(digest) }.first?.ownPath(of: digest) ?? own
  }

  /// The blob's place in this very store.
  func ownPath(of digest: SHA256Digest) -> String {
    let hex = digest.hex
    return "\(root)/blobs/sha256/\(hex.prefix(2))/\(hex.dropFirst(2))"
  }

  /// Whether the blob is here, by name and (unless `nil`) size in bytes; nothing is hashed. Counts as a use.
  package func contains(_ digest: SHA256Digest, size: Int? = nil) -> Bool {
    let path = ownPath(of: digest)
    guard let status = FileSystem.status(path), status.isRegular, size == nil || size == status.size,
      !damage.contains(path)
    else { return shared.contains { $0.contains(digest, size: size) } }
    noteUse(path, status)
    return true
  }

  /// Removes the blob; nothing happens if it is not in this very store.
  package func remove(_ digest: SHA256Digest) throws {
    try FileSystem.remove(ownPath(of: digest))
  }

  /// Every blob's digest, sorted; without those of shared stores.
  package func digests() throws -> [SHA256Digest] {
    var found: [SHA256Digest] = []
    for prefix in try FileSystem.names(in: "\(root)/blobs/sha256") where prefix.utf8.count == 2 {
      for rest in try FileSystem.names(in: "\(root)/blobs/sha256/\(prefix)") {
        guard let digest = SHA256Digest(hex: prefix + rest), digest.hex == prefix + rest else { continue }
        found.append(digest)
      }
    }
    return found
  }

  /// Uses are noted to this many seconds.
  static let useGranularity = 3600

  func makeLayout() throws(StoreError) {
    for directory in Self.directories { try FileSystem.makeDirectory("\(root)/\(directory)") }
  }

  /// Moves the time stamp that garbage collection goes by, at most once an hour: a read stays a read.
  func noteUse(_ path: String, _ status: FileStatus) {
    if !isShared, FileSystem.now - status.modified > Self.useGranularity { FileSystem.touch(path) }
  }
}
