package import Bytes
internal import Glibc

extension BlobStore {
  /// Opens a resumable download, waiting as long as somebody else, in this or another process, works on the
  /// same blob; if they finish it, the result says `isFinished`. `size` is the whole blob's, in bytes.
  ///
  /// Blocks its thread while it waits: an asynchronous caller gets the other form.
  package func download(_ digest: SHA256Digest, size: Int) throws -> PartialBlob {
    while true {
      if let blob = try openDownload(digest, size: size, waiting: true) { return blob }
    }
  }

  /// The same for asynchronous callers: waits without holding a thread, and ends when its task is cancelled.
  package func download(_ digest: SHA256Digest, size: Int) async throws -> sending PartialBlob {
    var pause = 5
    while true {
      if let blob = try openDownload(digest, size: size, waiting: false) { return blob }
      try await Task.sleep(for: .milliseconds(pause))
      pause = min(pause * 2, 250)
    }
  }

  /// `nil`: somebody else has the partial file, or had it and renamed or removed it; try again.
  private func openDownload(
    _ digest: SHA256Digest, size: Int, waiting: Bool
  ) throws -> sending PartialBlob? {
    if contains(digest, size: size) { return PartialBlob(finished: digest, size: size, in: self) }
    let path = "\(root)/partial/\(digest.hex)"
    let file = try openPartial(path)
    guard try file.lock(waiting: waiting) else { return nil }
    let status = try file.status()
    // The lock may have come with a file that its last owner has renamed into the store: never write to that.
    guard let current = FileSystem.status(path), current.isSameFile(as: status) else { return nil }
    guard status.isRegular else {
      throw StoreError(.inputOutput, path: path, "\(path) is not a regular file; remove it and try again")
    }
    if contains(digest, size: size) {
      unlink(path)
      return PartialBlob(finished: digest, size: size, in: self)
    }
    try file.makeReadable()
    return try PartialBlob(digest, expectedSize: size, file: file, in: self)
  }

  private func openPartial(_ path: String) throws(StoreError) -> OpenFile {
    do {
      return try OpenFile(path, O_RDWR | O_CREAT, action: "write")
    } catch {
      guard error.cause == ENOENT else { throw error }
      try makeLayout()
      return try OpenFile(path, O_RDWR | O_CREAT, action: "write")
    }
  }
}
