import Bytes

/// Reads an uncompressed EROFS image: lists it, and reads files, links and attributes.
///
/// The image may be hostile. Every offset is checked against the image; what is listed is bounded by ``Limits``;
/// attributes, targets and contents are read only when asked for.
package struct EROFSReader: Sendable {
  /// Gives the bytes of a range that lies inside the image; may throw its own errors.
  package typealias Source = @Sendable (Range<UInt64>) throws -> [UInt8]

  /// How much a listing may hold.
  package struct Limits: Sendable {
    /// Names in the whole tree.
    package var names = 4_000_000
    /// Bytes of all paths together.
    package var pathBytes = 1 << 29

    package init() {}
  }

  /// The volume's UUID, 16 bytes.
  package let uuid: [UInt8]
  /// The volume's name.
  package let label: String
  /// The modification time of compact inodes, in seconds since 1970.
  package let timestamp: UInt64
  /// How many inodes the superblock announces.
  package let inodeCount: UInt64
  /// How many blocks of 4096 bytes the file system has; what comes after is not its own.
  package let blockCount: UInt64

  let source: Source
  let byteCount: UInt64
  let rootNode: UInt64
  let metadataStart: UInt64
  let sharedAttributesStart: UInt64

  /// Reads the superblock of an image of `byteCount` bytes.
  /// - Throws: `truncated`, `corrupt`, `unsupported` (another block size, or an incompatible feature), or what
  ///   `read` throws.
  package init(byteCount: UInt64, read: @escaping Source) throws {
    guard byteCount >= UInt64(EROFS.blockSize) else {
      throw ImageFormatError(.truncated, "an EROFS image has 4096 bytes or more, this one has \(byteCount)")
    }
    source = read
    let block = try read(0..<UInt64(EROFS.blockSize))
    guard block.count == EROFS.blockSize else {
      throw ImageFormatError(.truncated, "the EROFS superblock cannot be read whole")
    }
    let bytes = block[EROFS.superblockOffset...]
    var reader = ByteReader(bytes)
    guard try reader.littleEndian(UInt32.self, "magic") == EROFS.magic else {
      throw ImageFormatError(.corrupt, "there is no EROFS superblock at offset 1024: give an EROFS image")
    }
    let checksum = try reader.littleEndian(UInt32.self, "checksum")
    let compatible = try reader.littleEndian(UInt32.self, "feature_compat")
    if compatible & 1 == 1 {
      var covered = Array(bytes)
      covered.store(UInt32(0), at: 4)
      guard CRC32C.update(.max, covered) == checksum else {
        throw ImageFormatError(.corrupt, "the EROFS superblock's checksum is wrong: fetch or build it again")
      }
    }
    guard try reader.littleEndian(UInt8.self, "blkszbits") == 12 else {
      throw ImageFormatError(.unsupported, "the EROFS image's blocks are not of 4096 bytes: rebuild it so")
    }
    _ = try reader.read(1, "sb_extslots")
    rootNode = UInt64(try reader.littleEndian(UInt16.self, "root_nid"))
    inodeCount = try reader.littleEndian(UInt64.self, "inos")
    timestamp = try reader.littleEndian(UInt64.self, "build_time")
    _ = try reader.read(4, "build_time_nsec")
    blockCount = UInt64(try reader.littleEndian(UInt32.self, "blocks"))
    let blockSize = UInt64(EROFS.blockSize)
    metadataStart = UInt64(try reader.littleEndian(UInt32.self, "meta_blkaddr")) * blockSize
    sharedAttributesStart = UInt64(try reader.littleEndian(UInt32.self, "xattr_blkaddr")) * blockSize
    uuid = Array(try reader.read(16, "uuid"))
    label = String(decoding: try reader.read(16, "volume_name").prefix { $0 != 0 }, as: UTF8.self)
    // Bit 0 tells how compressed data is padded, and older mkfs.erofs sets it always.
    let incompatible = try reader.littleEndian(UInt32.self, "feature_incompat")
    guard incompatible & ~1 == 0 else {
      throw ImageFormatError(
        .unsupported, "the EROFS image needs features 0x\(String(incompatible, radix: 16)): rebuild it plain")
    }
    guard blockCount * blockSize <= byteCount else {
      throw ImageFormatError(
        .truncated, "the EROFS image announces \(blockCount) blocks, but has only \(byteCount) bytes")
    }
    self.byteCount = blockCount * blockSize
  }

  /// Reads the superblock of an image in memory.
  /// - Throws: As ``init(byteCount:read:)``.
  package init(_ image: [UInt8]) throws {
    try self.init(byteCount: UInt64(image.count)) { range in
      Array(image[Int(range.lowerBound)..<Int(range.upperBound)])
    }
  }

  /// The bytes from `offset` on, if they are inside the file system.
  func read(_ offset: UInt64, _ count: UInt64, _ what: @autoclosure () -> String) throws -> [UInt8] {
    guard offset <= byteCount, count <= byteCount - offset else {
      throw ImageFormatError(
        .corrupt, "\(what()) needs \(count) bytes at \(offset), beyond the EROFS image's \(byteCount)")
    }
    let bytes = try source(offset..<offset + count)
    guard bytes.count == Int(count) else {
      throw ImageFormatError(
        .truncated, "\(what()) cannot be read whole at \(offset): the image is cut short")
    }
    return bytes
  }
}
