internal import Bytes
internal import Glibc

/// Reads a store's archive front to back, and knows where it is, for errors.
struct ArchiveReader {
  struct Entry {
    let path: StorePath
    let size: Int
  }

  private let source: (UnsafeMutableRawBufferPointer) throws -> Int
  /// Bytes read so far.
  private(set) var position = 0
  /// The name of the file being read, or that of none.
  private var name = "the archive"

  init(read: @escaping (UnsafeMutableRawBufferPointer) throws -> Int) {
    source = read
  }

  /// The error for what is being read.
  func refusal(_ reason: String) -> StoreError {
    StoreError(
      .badArchive, path: "",
      "the import is refused at byte \(position): \(name) \(reason); nothing of it is in the store")
  }

  /// The next file; `nil` at the end of the archive. The content of the one before must have been read.
  mutating func next() throws -> Entry? {
    while true {
      name = "the archive"
      let block = try exactly(TarBlock.size)
      if block.allSatisfy({ $0 == 0 }) {
        try finish()
        return nil
      }
      let header: TarBlock
      do {
        header = try TarBlock(decoding: block)
      } catch {
        throw refusal("has a file that cannot be taken: \(error.reason)")
      }
      name = header.path
      if header.kind == .directory {
        guard header.size == 0, Self.isDirectory(header.path) else {
          throw refusal("is no directory of a store")
        }
        continue
      }
      guard let path = StorePath(header.path) else { throw refusal("is no file of a store") }
      guard header.size <= path.sizeLimit else {
        throw refusal("has \(header.size) bytes, and at most \(path.sizeLimit) are taken")
      }
      return Entry(path: path, size: header.size)
    }
  }

  /// A file's whole content.
  mutating func content(_ size: Int) throws -> [UInt8] {
    // In pieces: the size is only what the archive says.
    var content: [UInt8] = []
    while content.count < size { content += try exactly(min(size - content.count, Self.pieceSize)) }
    try skipPadding(after: size)
    return content
  }

  /// Copies a file's content to a new file, or nowhere, and gives its SHA-256.
  mutating func copy(_ size: Int, to path: String?) throws -> SHA256Digest {
    var hash = SHA256()
    if let path {
      let file = try OpenFile(path, O_WRONLY | O_CREAT | O_EXCL, action: "write")
      try file.makeReadable()
      var done = 0
      while done < size {
        let piece = try exactly(min(size - done, Self.pieceSize))
        try piece.withUnsafeBytes { try file.write($0, at: done) }
        hash.update(piece)
        done += piece.count
      }
    } else {
      var left = size
      while left > 0 {
        let piece = try exactly(min(left, Self.pieceSize))
        hash.update(piece)
        left -= piece.count
      }
    }
    try skipPadding(after: size)
    return hash.finish()
  }

  private static let pieceSize = 1 << 20
  /// The most zeros at an archive's end: tar's largest record is far smaller.
  private static let longestEnd = 1 << 20

  private mutating func skipPadding(after size: Int) throws {
    let padding = try exactly(TarBlock.padding(after: size))
    guard padding.allSatisfy({ $0 == 0 }) else { throw refusal("is not followed by zeros") }
  }

  /// Behind the first block of zeros there is nothing but zeros.
  private mutating func finish() throws {
    name = "the archive"
    var buffer = [UInt8](repeating: 0, count: Self.pieceSize)
    var isComplete = false
    let end = position
    while true {
      let count = try buffer.withUnsafeMutableBytes { try source($0) }
      if count == 0 { break }
      guard buffer[..<count].allSatisfy({ $0 == 0 }) else { throw refusal("goes on behind its end") }
      position += count
      isComplete = true
      guard position - end <= Self.longestEnd else { throw refusal("has too many zeros at its end") }
    }
    guard isComplete else { throw refusal("is cut short") }
  }

  private mutating func exactly(_ count: Int) throws -> [UInt8] {
    guard count > 0 else { return [] }
    var done = 0
    var failure: (any Error)?
    let source = source
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      do {
        while done < count {
          let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[done...])
          let got = try source(rest)
          if got == 0 { break }
          done += got
        }
      } catch {
        failure = error
      }
      initialized = done
    }
    position += done
    if let failure { throw failure }
    guard done == count else { throw refusal("is cut short") }
    return bytes
  }

  /// The directories above a store's files, as another tar may have written them.
  private static func isDirectory(_ path: String) -> Bool {
    var parts = path.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
    if parts.first == "." { parts.removeFirst() }
    switch (parts.first, parts.count) {
    case (nil, _), ("blobs", 1), ("records", 1): return true
    case ("blobs", 2): return parts[1] == "sha256"
    case ("blobs", 3):
      return parts[1] == "sha256" && parts[2].utf8.count == 2 && Hex.decode(parts[2]) != nil
    case ("records", 2): return BlobStore.isValidName(parts[1])
    default: return false
    }
  }
}
