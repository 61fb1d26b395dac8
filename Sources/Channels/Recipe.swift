internal import Bytes
internal import Signing

/// How a large file is put together from others that are in the repository for their own sake, such as an initrd from the
/// frames of the root image: whoever has most of those fetches little.
///
/// Nothing vouches for a recipe: what comes out has the SHA-256 that the release signs, or is thrown away.
struct Recipe: Sendable, Equatable {
  enum Part: Sendable, Equatable {
    /// A file of the repository, by its SHA-256, and its bytes.
    case object(String, Int)
    /// Bytes that are in the recipe itself.
    case literal([UInt8])
  }

  static let format = "netimg-recipe-1"
  /// The most bytes that a recipe may have, and parts.
  static let maximumSize = 4 << 20
  static let maximumParts = 20_000
  /// Files smaller than this have no recipe, in bytes.
  static let leastFile = 1 << 20
  /// What lies between two files is an object of its own from so many bytes on.
  static let leastObject = 4096

  let parts: [Part]

  /// Where the recipe of a file is.
  static func path(of digest: String) -> String { Names.object("\(digest).recipe") }

  init(parts: [Part]) { self.parts = parts }

  /// `nil` for anything but a recipe for exactly `size` bytes.
  init?(_ bytes: [UInt8], size: Int) {
    guard bytes.count <= Self.maximumSize,
      let value = try? JSONParser.parse(bytes, maximumSize: Self.maximumSize, maximumDepth: 4),
      value["format"]?.text == Self.format, let elements = value["parts"]?.elements,
      elements.count <= Self.maximumParts
    else { return nil }
    var parts: [Part] = []
    var total = 0
    for element in elements {
      guard let part = Part(element, room: size - total) else { return nil }
      parts.append(part)
      total += part.size
    }
    guard total == size else { return nil }
    self.parts = parts
  }

  var bytes: [UInt8] {
    let elements = parts.map { JSONValue.object($0.members) }
    let value = JSONValue.object([
      JSONMember("format", .string(Self.format)), JSONMember("parts", .array(elements)),
    ])
    return Array(value.encoded.utf8) + [0x0A]
  }
}

extension Recipe.Part {
  /// `nil` for anything but a part of at most `room` bytes.
  init?(_ element: JSONValue, room: Int) {
    if let text = element["bytes"]?.text {
      guard let literal = Hex.decode(text), !literal.isEmpty, literal.count <= room else { return nil }
      self = .literal(literal)
    } else {
      guard let digest = element["sha256"]?.text, SHA256Digest(hex: digest)?.hex == digest,
        let length = element["size"]?.integer, length > 0, length <= room
      else { return nil }
      self = .object(digest, length)
    }
  }

  /// In bytes.
  var size: Int {
    switch self {
    case .object(_, let size): size
    case .literal(let bytes): bytes.count
    }
  }

  var members: [JSONMember] {
    switch self {
    case .object(let digest, let size):
      [JSONMember("sha256", .string(digest)), JSONMember("size", .integer(size))]
    case .literal(let bytes): [JSONMember("bytes", .string(Hex.encode(bytes)))]
    }
  }
}

extension Recipe {
  /// Files to look for in others.
  struct Pieces {
    /// A file of which others are made.
    struct Piece {
      let digest: String
      let bytes: [UInt8]
    }

    private var pieces: [Piece] = []
    /// By the first eight bytes.
    private var byHead: [UInt64: [Int]] = [:]
    /// Whether any piece begins with these two bytes.
    private var heads = [Bool](repeating: false, count: 1 << 16)

    mutating func add(_ digest: String, _ bytes: [UInt8]) {
      guard bytes.count >= Recipe.leastObject else { return }
      let (head, short) = bytes.withUnsafeBytes {
        ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(as: UInt16.self))
      }
      byHead[head, default: []].append(pieces.count)
      heads[Int(short)] = true
      pieces.append(Piece(digest: digest, bytes: bytes))
    }

    /// The piece that lies at an offset; the longest, if there are several.
    fileprivate func piece(at offset: Int, of bytes: UnsafeRawBufferPointer) -> Piece? {
      guard offset + 8 <= bytes.count,
        heads[Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self))],
        let found = byHead[bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)]
      else { return nil }
      return found.map { pieces[$0] }.filter { piece in
        guard piece.bytes.count <= bytes.count - offset else { return false }
        let part = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + piece.bytes.count])
        return piece.bytes.withUnsafeBytes { $0.elementsEqual(part) }
      }
      .max { $0.bytes.count < $1.bytes.count }
    }
  }

  /// Looks for pieces at every fourth byte: where they lie in archives and programs.
  /// - Returns: The recipe, and what lies between the pieces, cut where its content says so, as far as it is large enough to be
  ///   objects; `nil` if no piece is in it.
  static func make(for bytes: [UInt8], from pieces: Pieces) -> (recipe: Recipe, between: [Pieces.Piece])? {
    var parts: [Part] = []
    var between: [Pieces.Piece] = []
    var done = 0
    var isMade = false
    func flush(to end: Int) {
      guard end - done >= leastObject else {
        if end > done { parts.append(.literal(Array(bytes[done..<end]))) }
        return
      }
      // In one piece, a changed index would carry along the program and the modules before it.
      let lengths = bytes.withUnsafeBytes {
        ContentCut.lengths(of: UnsafeRawBufferPointer(rebasing: $0[done..<end]))
      }
      for length in lengths {
        let piece = Array(bytes[done..<done + length])
        let digest = SHA256.digest(of: piece).hex
        parts.append(.object(digest, length))
        between.append(Pieces.Piece(digest: digest, bytes: piece))
        done += length
      }
    }
    bytes.withUnsafeBytes { buffer in
      var offset = 0
      while offset < buffer.count {
        guard let piece = pieces.piece(at: offset, of: buffer) else {
          offset += 4
          continue
        }
        flush(to: offset)
        parts.append(.object(piece.digest, piece.bytes.count))
        isMade = true
        done = offset + piece.bytes.count
        offset = (done + 3) & ~3
      }
    }
    flush(to: bytes.count)
    guard isMade, parts.count <= maximumParts else { return nil }
    return (Recipe(parts: parts), between)
  }
}
