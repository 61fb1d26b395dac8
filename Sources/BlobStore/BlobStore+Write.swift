package import Bytes
internal import Glibc

extension BlobStore {
  /// Stores the bytes and gives their digest. Idempotent: a good entry that is here already stays, a bad one
  /// is replaced. `durable: false` does not wait for the disk (see the type's note).
  @discardableResult
  package func insert(_ bytes: [UInt8], durable: Bool = true) throws -> SHA256Digest {
    let digest = SHA256.digest(of: bytes)
    if try !holds(digest, [bytes]) { try write([bytes], to: ownPath(of: digest), durable: durable) }
    return digest
  }

  /// Stores the concatenation of a rope's chunks, without copying it together.
  @discardableResult
  package func insert(_ rope: ByteRope, durable: Bool = true) throws -> SHA256Digest {
    let digest = rope.digest
    if try !holds(digest, rope.chunks) { try write(rope.chunks, to: ownPath(of: digest), durable: durable) }
    return digest
  }

  /// Whether the entry is here with exactly these bytes: comparing is cheaper than writing them once more.
  private func holds(_ digest: SHA256Digest, _ chunks: [[UInt8]]) throws -> Bool {
    let size = chunks.reduce(0) { $0 + $1.count }
    guard contains(digest, size: size) else { return false }
    return try verify(digest)
  }

  /// Writes a file beside the others and renames it to `destination`; nothing is left behind on failure.
  func write(_ chunks: [[UInt8]], to destination: String, durable: Bool) throws {
    let temporary = "\(root)/temporary/\(Self.uniqueName())"
    do {
      let file = try createTemporary(temporary)
      try file.makeReadable()
      var offset = 0
      for chunk in chunks {
        try chunk.withUnsafeBytes { try file.write($0, at: offset) }
        offset += chunk.count
      }
      if durable { try file.synchronize() }
      try place(temporary, at: destination)
    } catch {
      unlink(temporary)
      throw error
    }
  }

  /// Renames a finished file to its name in the store, making the directory if it is the first one there.
  func place(_ temporary: String, at destination: String) throws(StoreError) {
    do {
      try FileSystem.rename(temporary, destination)
    } catch {
      guard error.cause == ENOENT, let slash = destination.lastIndex(of: "/") else { throw error }
      try FileSystem.makeDirectory(String(destination[..<slash]))
      try FileSystem.rename(temporary, destination)
    }
  }

  private func createTemporary(_ path: String) throws(StoreError) -> OpenFile {
    do {
      return try OpenFile(path, O_WRONLY | O_CREAT | O_EXCL, action: "write")
    } catch {
      // Somebody may have emptied the whole cache under a running process.
      guard error.cause == ENOENT else { throw error }
      try makeLayout()
      return try OpenFile(path, O_WRONLY | O_CREAT | O_EXCL, action: "write")
    }
  }

  /// A name for a temporary file that no other writer uses; it never reaches an output.
  static func uniqueName() -> String {
    "\(getpid())-\(String(UInt64.random(in: 0...UInt64.max), radix: 36))"
  }
}
