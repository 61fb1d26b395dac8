internal import Bytes
internal import CPosixShim
internal import FoundationEssentials
internal import Glibc

/// Files that are here already, and parts of them, by their SHA-256: what need not be fetched.
package struct LocalFiles: Sendable {
  /// Where bytes lie.
  package struct Slice: Sendable, Hashable {
    package let path: String
    package let offset: Int
    package let size: Int

    package init(path: String, offset: Int, size: Int) {
      self.path = path
      self.offset = offset
      self.size = size
    }
  }

  private(set) var slices: [String: Slice] = [:]
  /// Whole files that may have recipes, by digest.
  private(set) var large: [String: Slice] = [:]

  package init() {}

  /// Everything below a directory; names are not believed, every file is read.
  package mutating func add(directory: String) {
    for name in (try? FileManager.default.subpathsOfDirectory(atPath: directory)) ?? []
    where !name.hasSuffix(".part") {
      let path = "\(directory)/\(name)"
      guard let (digest, size) = Self.digest(path) else { continue }
      add(digest, Slice(path: path, offset: 0, size: size))
    }
  }

  /// A file whose digest is known, or claimed: whoever uses it looks at the result.
  package mutating func add(_ digest: String, path: String, size: Int) {
    add(digest, Slice(path: path, offset: 0, size: size))
  }

  private mutating func add(_ digest: String, _ slice: Slice) {
    slices[digest] = slices[digest] ?? slice
    if slice.size >= Recipe.leastFile { large[digest] = slice }
  }

  /// What a recipe says of a file that is here.
  mutating func add(_ recipe: Recipe, of digest: String) {
    guard let whole = large[digest] else { return }
    var offset = whole.offset
    for part in recipe.parts {
      switch part {
      case .literal(let bytes): offset += bytes.count
      case .object(let digest, let size):
        slices[digest] = slices[digest] ?? Slice(path: whole.path, offset: offset, size: size)
        offset += size
      }
    }
  }

  subscript(digest: String) -> Slice? { slices[digest] }

  private static func digest(_ path: String) -> (String, Int)? {
    let file = netimg_open(path, O_RDONLY | O_NONBLOCK, 0)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    var hash = SHA256()
    var size = 0
    var buffer = [UInt8](repeating: 0, count: 256 << 10)
    while true {
      let count = Glibc.read(file, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { return (hash.finish().hex, size) }
      buffer.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0.prefix(count))) }
      size += count
    }
  }

  /// The bytes of a slice, in pieces.
  /// - Returns: Whether all of it could be read.
  static func read(_ slice: Slice, _ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
    let file = netimg_open(slice.path, O_RDONLY | O_NONBLOCK, 0)
    guard file >= 0 else { return false }
    defer { close(file) }
    var buffer = [UInt8](repeating: 0, count: 256 << 10)
    var done = 0
    while done < slice.size {
      let count = pread(file, &buffer, min(buffer.count, slice.size - done), off_t(slice.offset + done))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return false }
      try buffer.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0.prefix(count))) }
      done += count
    }
    return true
  }
}
