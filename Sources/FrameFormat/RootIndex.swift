package import Bytes

/// The root image's index: what stage 0 trusts to put the image together again.
///
/// All integers are little-endian (docs/formats/index.md):
///
///      0                8        12         16              24             32                  64
///     +----------------+--------+----------+---------------+--------------+-------------------+
///     | "NETIMGRI"     | version| frames N | image size    | data size    | verity root hash  |
///     +----------------+--------+----------+---------------+--------------+-------------------+
///     | N × { SHA-256 of the stored bytes (32) | stored size (4) | size (4) }                 |
///     +-----------------------------------------------------------------------------------------+
///
/// The image is the concatenation of the frames' contents: an EROFS file system of `dataSize` bytes, then the
/// dm-verity superblock and hash tree.
package struct RootIndex: Equatable, Sendable {
  /// The version of the layout above.
  package static let formatVersion: UInt32 = 1
  /// Block size of the file system and of the hash tree, in bytes.
  package static let blockSize = 4096

  static let magic: [UInt8] = Array("NETIMGRI".utf8)
  static let headerSize = 64
  static let entrySize = 40
  static let maximumFrames = 65_536
  /// The largest index in bytes.
  package static let maximumSize = headerSize + maximumFrames * entrySize
  /// What a device that holds the image in memory could ever take.
  static let maximumImageSize: UInt64 = 1 << 33

  /// One slice of the image.
  package struct Frame: Equatable, Hashable, Sendable {
    /// SHA-256 of the stored (compressed) bytes; also the frame's name.
    package let digest: SHA256Digest
    /// Bytes as stored.
    package let storedSize: Int
    /// Bytes of the image that it stands for, a multiple of 4096.
    package let size: Int

    package init(digest: SHA256Digest, storedSize: Int, size: Int) {
      self.digest = digest
      self.storedSize = storedSize
      self.size = size
    }
  }

  /// Bytes under the hash tree: the EROFS file system, a multiple of 4096.
  package let dataSize: UInt64
  /// The dm-verity root hash (SHA-256, no salt).
  package let rootHash: SHA256Digest
  /// The frames, in the order of the image.
  package let frames: [Frame]

  /// Bytes of the whole image, hash tree included.
  package var imageSize: UInt64 { frames.reduce(0) { $0 + UInt64($1.size) } }

  package init(dataSize: UInt64, rootHash: SHA256Digest, frames: [Frame]) {
    self.dataSize = dataSize
    self.rootHash = rootHash
    self.frames = frames
  }

  /// The index as bytes.
  package func encode() -> [UInt8] {
    var writer = ByteWriter(reservingCapacity: Self.headerSize + frames.count * Self.entrySize)
    writer.append(Self.magic)
    writer.littleEndian(Self.formatVersion)
    writer.littleEndian(UInt32(frames.count))
    writer.littleEndian(imageSize)
    writer.littleEndian(dataSize)
    writer.append(rootHash.bytes)
    for frame in frames {
      writer.append(frame.digest.bytes)
      writer.littleEndian(UInt32(frame.storedSize))
      writer.littleEndian(UInt32(frame.size))
    }
    return writer.bytes
  }

  /// Reads an index, and refuses one whose numbers do not agree with one another.
  package static func decode(_ bytes: [UInt8]) throws(FrameFormatError) -> RootIndex {
    var reader = ByteReader(bytes)
    let header: Header
    do { header = try Header(&reader) } catch { throw FrameFormatError(error) }
    guard header.magic.elementsEqual(magic) else {
      throw FrameFormatError(.badMagic, "this is no root image index: it does not begin with NETIMGRI")
    }
    guard header.version == formatVersion else {
      throw FrameFormatError(
        .unsupportedVersion,
        "the root image index has format version \(header.version), this program knows \(formatVersion)")
    }
    guard header.count <= maximumFrames, header.imageSize <= maximumImageSize else {
      throw FrameFormatError(
        .tooLarge, "the root image index asks for \(header.count) frames and \(header.imageSize) bytes")
    }

    var frames: [Frame] = []
    frames.reserveCapacity(min(header.count, reader.remaining / entrySize))
    var total: UInt64 = 0
    for number in 0..<header.count {
      let frame: Frame?
      do { frame = try Frame(&reader) } catch { throw FrameFormatError(error) }
      guard let frame else {
        throw FrameFormatError(
          .inconsistent, "frame \(number) of the root image index has an impossible size")
      }
      total += UInt64(frame.size)
      frames.append(frame)
    }
    guard let rootHash = header.rootHash, reader.remaining == 0, total == header.imageSize,
      header.dataSize > 0, header.dataSize % UInt64(blockSize) == 0, header.dataSize < header.imageSize
    else {
      throw FrameFormatError(.inconsistent, "the sizes in the root image index do not add up")
    }
    return RootIndex(dataSize: header.dataSize, rootHash: rootHash, frames: frames)
  }

  private struct Header {
    let magic: ArraySlice<UInt8>
    let version: UInt32
    let count: Int
    let imageSize: UInt64
    let dataSize: UInt64
    let rootHash: SHA256Digest?

    init(_ reader: inout ByteReader) throws(ByteReadError) {
      magic = try reader.read(8, "magic")
      version = try reader.littleEndian(UInt32.self, "format version")
      count = Int(try reader.littleEndian(UInt32.self, "frame count"))
      imageSize = try reader.littleEndian(UInt64.self, "image size")
      dataSize = try reader.littleEndian(UInt64.self, "data size")
      rootHash = SHA256Digest(try reader.read(SHA256Digest.byteCount, "root hash"))
    }
  }
}

extension RootIndex.Frame {
  /// The next entry of an index; `nil` if its sizes cannot be a frame's.
  fileprivate init?(_ reader: inout ByteReader) throws(ByteReadError) {
    let digest = SHA256Digest(try reader.read(SHA256Digest.byteCount, "frame digest"))
    storedSize = Int(try reader.littleEndian(UInt32.self, "stored size of a frame"))
    size = Int(try reader.littleEndian(UInt32.self, "size of a frame"))
    guard let digest, size > 0, size % RootIndex.blockSize == 0, size <= FrameCodec.maximumSize,
      storedSize > 0, storedSize <= FrameCodec.maximumStoredSize
    else { return nil }
    self.digest = digest
  }
}
