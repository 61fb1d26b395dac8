package import Bytes
internal import Glibc

/// A blob on its way into the store: append what arrives, then `commit`.
///
/// It owns the lock on its file: nobody else can write the same blob meanwhile. Ends with exactly one of
/// `commit`, `keep` and `discard`; one that is simply dropped is kept, for a later `download` to resume.
package final class PartialBlob {
  /// The digest that the whole must have.
  package let digest: SHA256Digest
  /// The size that the whole must have, in bytes.
  package let expectedSize: Int
  /// Bytes that are there: those of earlier attempts, hashed again when the download was opened, and those
  /// appended since. The next byte to ask the server for.
  package private(set) var size: Int
  /// Whether the blob is in the store: somebody else's download finished, or `commit` did.
  package private(set) var isFinished: Bool

  private let store: BlobStore
  private var file: OpenFile?
  private var hash = SHA256()

  init(finished digest: SHA256Digest, size: Int, in store: BlobStore) {
    self.digest = digest
    self.expectedSize = size
    self.size = size
    self.store = store
    isFinished = true
    file = nil
  }

  init(_ digest: SHA256Digest, expectedSize: Int, file: consuming OpenFile, in store: BlobStore) throws {
    self.digest = digest
    self.expectedSize = expectedSize
    self.store = store
    isFinished = false
    var hash = SHA256()
    var present = try file.status().size
    // More than the whole cannot be a beginning of it.
    if present > expectedSize {
      try file.truncate(to: 0)
      present = 0
    }
    size = try file.hash(into: &hash)
    self.hash = hash
    self.file = consume file
  }

  deinit { keep() }

  private var partialPath: String { "\(store.root)/partial/\(digest.hex)" }

  /// Adds bytes at the end. Throws `tooLong`, and writes nothing, if the whole would exceed `expectedSize`;
  /// after any error `size` still tells the truth, so that the download can be resumed.
  package func append(_ bytes: UnsafeRawBufferPointer) throws {
    guard file != nil, !isFinished else { throw closed() }
    guard bytes.count <= expectedSize - size else {
      throw StoreError(
        .tooLong, path: partialPath,
        "the download of \(digest.hex) is longer than the \(expectedSize) bytes announced; "
          + "refresh the package index, or use another mirror")
    }
    do {
      try file?.write(bytes, at: size)
    } catch {
      try? file?.truncate(to: size)
      throw error
    }
    hash.update(bytes)
    size += bytes.count
  }

  /// Adds an array at the end, as the other form.
  package func append(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { try append($0) }
  }

  /// Forgets the bytes so far: the server does not resume, and sends the whole again.
  package func restart() throws {
    guard file != nil, !isFinished else { throw closed() }
    try file?.truncate(to: 0)
    hash = SHA256()
    size = 0
  }

  /// Checks size and digest, writes the data to disk and renames the file into the store.
  ///
  /// Throws `incomplete` if bytes are missing (the partial file stays, append the rest), and `mismatch` if
  /// the bytes are wrong (the partial file is gone: there is nothing to resume). Nothing happens if
  /// `isFinished`.
  package func commit() throws {
    if isFinished { return }
    guard file != nil else { throw closed() }
    guard size == expectedSize else {
      throw StoreError(
        .incomplete, path: partialPath,
        "the download of \(digest.hex) has \(size) of \(expectedSize) bytes; try again to resume it")
    }
    var finished = SHA256()
    swap(&finished, &hash)
    let actual = finished.finish()
    guard actual == digest else {
      discard()
      throw StoreError(
        .mismatch, path: store.ownPath(of: digest),
        "a download of \(expectedSize) bytes was to have SHA-256 \(digest.hex) but has \(actual.hex); "
          + "refresh the package index, or use another mirror")
    }
    do {
      try file?.synchronize()
      try store.place(partialPath, at: store.ownPath(of: digest))
    } catch {
      // The hash is spent: only a fresh open can go on from here.
      file = nil
      throw error
    }
    isFinished = true
    file = nil
  }

  /// Ends the attempt and leaves what has arrived for a later one; an empty file is removed.
  package func keep() {
    if file != nil, size == 0 { unlink(partialPath) }
    file = nil
  }

  /// Ends the attempt and removes what has arrived.
  package func discard() {
    if file != nil { unlink(partialPath) }
    file = nil
  }

  private func closed() -> StoreError {
    StoreError(
      .incomplete, path: partialPath,
      "the download of \(digest.hex) has already ended; open it again to go on")
  }
}
