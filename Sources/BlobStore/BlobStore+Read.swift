package import Bytes
internal import Glibc

extension BlobStore {
  /// The blob's bytes, verified; `nil` if it is not here.
  ///
  /// An entry whose bytes do not have the digest (a flipped bit, a short file) is moved away and reported as
  /// missing, so that the caller fetches or makes it again. In a store that cannot be written the entry
  /// stays, and the answer is `nil` all the same. Throws if the entry may not be read or the disk fails.
  package func read(_ digest: SHA256Digest) throws -> [UInt8]? {
    if let bytes = try readHere(digest) { return bytes }
    // What cannot be read in somebody else's store is as good as missing.
    return shared.lazy.compactMap { try? $0.readHere(digest) }.first
  }

  private func readHere(_ digest: SHA256Digest) throws -> [UInt8]? {
    guard let file = try openEntry(ownPath(of: digest)) else { return nil }
    let status = try file.status()
    if status.isRegular, let bytes = try contents(of: file, status), SHA256.digest(of: bytes) == digest {
      noteUse(file.path, status)
      return bytes
    }
    quarantine(file.path, status, as: digest.hex)
    return nil
  }

  /// Whether the blob is here and whole, hashed a piece at a time: for a caller that wants `path(of:)`, not
  /// the bytes. What fails is treated as by `read`.
  package func verify(_ digest: SHA256Digest) throws -> Bool {
    if try verifyHere(digest) { return true }
    return shared.contains { (try? $0.verifyHere(digest)) == true }
  }

  /// The same for this very store.
  func verifyHere(_ digest: SHA256Digest) throws -> Bool {
    guard let file = try openEntry(ownPath(of: digest)) else { return false }
    let status = try file.status()
    var hash = SHA256()
    if status.isRegular, try file.hash(into: &hash) == status.size, hash.finish() == digest {
      noteUse(file.path, status)
      return true
    }
    quarantine(file.path, status, as: digest.hex)
    return false
  }

  /// Hashes every blob and gives the corrupt ones, sorted; they are removed where the store can be written.
  /// `progress` hears how many are done, of how many, after each.
  package func verifyAll(
    progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws -> [SHA256Digest] {
    let all = try digests()
    var corrupt: [SHA256Digest] = []
    for (index, digest) in all.enumerated() {
      let path = ownPath(of: digest)
      if try !verifyHere(digest),
        FileSystem.status(path) != nil || FileSystem.status(grave(digest.hex)) != nil
      {
        corrupt.append(digest)
        unlink(grave(digest.hex))
      }
      progress(index + 1, all.count)
    }
    return corrupt
  }

  /// `nil` if there is nothing under that name, or a symbolic link, which the store never makes.
  func openEntry(_ path: String) throws(StoreError) -> OpenFile? {
    do {
      return try OpenFile(path, O_RDONLY, action: "read")
    } catch {
      if error.cause == ENOENT { return nil }
      if error.cause == ELOOP {
        if !isShared { unlink(path) }
        return nil
      }
      throw error
    }
  }

  /// All bytes of a regular file; `nil` if it shrank meanwhile.
  func contents(of file: borrowing OpenFile, _ status: FileStatus) throws -> [UInt8]? {
    var count = 0
    let bytes = try [UInt8](unsafeUninitializedCapacity: status.size) { buffer, initialized in
      count = try file.read(into: UnsafeMutableRawBufferPointer(buffer), at: 0)
      initialized = count
    }
    return count == status.size ? bytes : nil
  }

  func grave(_ name: String) -> String { "\(root)/corrupt/\(name)" }

  /// Moves a bad entry out of the way, unless somebody has already put a good one in its place.
  func quarantine(_ path: String, _ status: FileStatus, as name: String) {
    guard let current = FileSystem.status(path), current.isSameFile(as: status) else { return }
    guard !isShared else { return damage.note(path) }
    let grave = grave(name)
    Glibc.remove(grave)
    if rename(path, grave) != 0, Glibc.remove(path) != 0 { damage.note(path) }
  }
}

extension OpenFile {
  /// Feeds the file to the hash, 1 MiB at a time; gives the byte count.
  func hash(into hash: inout SHA256) throws(StoreError) -> Int {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { buffer.deallocate() }
    var offset = 0
    while true {
      let count = try read(into: buffer, at: offset)
      hash.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      offset += count
      if count < buffer.count { return offset }
    }
  }
}
