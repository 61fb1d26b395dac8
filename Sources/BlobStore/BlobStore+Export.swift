package import Bytes

extension BlobStore {
  /// Writes blobs, and for a whole export the records too, as an archive that `importArchive` reads. The same contents
  /// give the same bytes.
  ///
  /// - Parameters:
  ///   - digests: which blobs, here or in a shared store; `nil` for all that is in this very store. Records of other users, and what only
  ///     this machine may remember, stay out.
  ///   - write: takes the archive, piece by piece.
  ///   - progress: hears how many files are done, of how many.
  /// - Throws: `missing` if one of `digests` is not here or damaged; whatever `write` throws.
  package func exportArchive(
    _ digests: [SHA256Digest]? = nil, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in },
    write: (UnsafeRawBufferPointer) throws -> Void
  ) throws -> Exported {
    let wanted = try Set(digests ?? self.digests()).sorted()
    let records = digests == nil ? try exportableRecords() : []
    var result = Exported()
    var done = 0
    func file(_ path: StorePath, _ content: [UInt8]) throws {
      guard let header = TarBlock(path: path.text, size: content.count).encode() else { return }
      let padding = [UInt8](repeating: 0, count: TarBlock.padding(after: content.count))
      for piece in [header, content, padding] {
        try piece.withUnsafeBytes { try write($0) }
        result.bytes += piece.count
      }
    }
    try file(.marker, StorePath.markerContent)
    for digest in wanted {
      done += 1
      guard let content = try read(digest) else {
        // Of a whole store, what is damaged is no loss: it is no longer there.
        guard digests != nil else { continue }
        throw StoreError(
          .missing, path: path(of: digest),
          "\(digest.hex) is not in the store: run netimg build once, which fetches it")
      }
      try file(.blob(digest), content)
      result.blobs += 1
      progress(done, wanted.count + records.count)
    }
    for (kind, key) in records {
      done += 1
      guard let content = try recordFile(kind, key) else { continue }
      try file(.record(kind: kind, key: key), content)
      result.records += 1
      progress(done, wanted.count + records.count)
    }
    let end = [UInt8](repeating: 0, count: 2 * TarBlock.size)
    try end.withUnsafeBytes { try write($0) }
    result.bytes += end.count
    return result
  }

  private func exportableRecords() throws -> [(kind: String, key: String)] {
    try FileSystem.names(in: "\(root)/records").filter {
      Self.isValidName($0) && !Self.lastingKinds.contains($0)
    }
    .flatMap { kind in try recordKeys(kind: kind).map { (kind, $0) } }
  }

  /// A record's file as it is, if it is whole and its owner is trusted.
  private func recordFile(_ kind: String, _ key: String) throws -> [UInt8]? {
    guard let file = try openEntry(try recordPath(kind, key)) else { return nil }
    let status = try file.status()
    guard status.isRegular, status.isTrusted, let bytes = try contents(of: file, status),
      Self.payload(ofRecord: bytes, kind, key) != nil
    else { return nil }
    return bytes
  }
}
