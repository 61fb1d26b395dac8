internal import Bytes
internal import Glibc

extension BlobStore {
  /// Takes in an archive that `exportArchive` wrote, wherever it has been since: each path must be one that a store has,
  /// each blob must have its digest, each record its checksum. Nothing appears in the store before the whole archive has
  /// been read and found good.
  ///
  /// - Parameters:
  ///   - acceptsRecords: whether to take records too. They decide what builds produce: only from somebody who may.
  ///   - announce: told the directory that holds what has been read so far, which an interruption should remove.
  ///   - progress: hears how many bytes have been read.
  ///   - read: fills the buffer as far as it can; 0 at the end.
  /// - Throws: `badArchive`, with the place in the archive; whatever `read` throws.
  package func importArchive(
    acceptsRecords: Bool, announce: (String) -> Void = { _ in }, progress: (Int) -> Void = { _ in },
    read: @escaping (UnsafeMutableRawBufferPointer) throws -> Int
  ) throws -> Imported {
    try makeLayout()
    let directory = "\(root)/temporary/import-\(Self.uniqueName())"
    try FileSystem.makeDirectory(directory)
    announce(directory)
    let stage = ImportStage(directory: directory)
    defer { stage.remove() }
    var reader = ArchiveReader(read: read)
    var seen: Set<String> = []
    var result = Imported()
    while let entry = try reader.next() {
      let path = entry.path.text
      guard (entry.path == .marker) == seen.isEmpty else {
        throw reader.refusal(
          seen.isEmpty ? "is no export of a store: it does not begin with netimg-store" : "comes twice")
      }
      guard seen.insert(path).inserted else { throw reader.refusal("comes twice") }
      guard seen.count <= StorePath.countLimit else {
        throw reader.refusal("is one of more than \(StorePath.countLimit) files")
      }
      switch entry.path {
      case .marker:
        guard try reader.content(entry.size) == StorePath.markerContent else {
          throw reader.refusal("has another format than this netimg knows: use a newer one")
        }
      case .blob(let digest):
        let isPresent = try verify(digest)
        let file = isPresent ? nil : stage.newFile(for: ownPath(of: digest))
        guard try reader.copy(entry.size, to: file) == digest else {
          throw reader.refusal("does not have the SHA-256 that its name says")
        }
        result.present += isPresent ? 1 : 0
        result.blobs += isPresent ? 0 : 1
        result.bytes += isPresent ? 0 : entry.size
      case .record(let kind, let key):
        let content = try reader.content(entry.size)
        guard Self.payload(ofRecord: content, kind, key) != nil else {
          throw reader.refusal("does not have the checksum of a record of that name")
        }
        guard acceptsRecords, !Self.lastingKinds.contains(kind) else {
          result.recordsSkipped += 1
          continue
        }
        try stage.write(content, for: recordPath(kind, key))
        result.records += 1
      }
      progress(reader.position)
    }
    guard !seen.isEmpty else { throw reader.refusal("is no export of a store: it is empty") }
    try stage.synchronize()
    for file in stage.files { try place(file.temporary, at: file.destination) }
    return result
  }
}

/// Files that are to go into a store all at once.
private final class ImportStage {
  let directory: String
  private(set) var files: [(temporary: String, destination: String)] = []

  init(directory: String) { self.directory = directory }

  func newFile(for destination: String) -> String {
    let path = "\(directory)/\(files.count)"
    files.append((path, destination))
    return path
  }

  func write(_ content: [UInt8], for destination: String) throws {
    let file = try OpenFile(newFile(for: destination), O_WRONLY | O_CREAT | O_EXCL, action: "write")
    try file.makeReadable()
    try content.withUnsafeBytes { try file.write($0, at: 0) }
  }

  /// Waits for the disk, once all is written: most of it is there by then.
  func synchronize() throws {
    for file in files { try OpenFile(file.temporary, O_RDONLY, action: "write").synchronize() }
  }

  func remove() {
    for file in files { unlink(file.temporary) }
    rmdir(directory)
  }
}
