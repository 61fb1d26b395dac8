import Bytes

extension EROFSReader {
  /// One name and the inode behind it.
  package struct Node: Sendable {
    /// What an inode is.
    package enum Kind: Sendable, Equatable {
      case directory
      case file
      case symlink
      /// A device, pipe or socket, which we never write: the type bits of its mode.
      case special(UInt16)
    }

    /// The path below the root without a leading slash, as bytes: foreign images may hold names that are not
    /// UTF-8. The root's is empty.
    package let pathBytes: [UInt8]
    package let kind: Kind
    /// The length of the data in bytes.
    package let size: UInt64
    /// The mode's permission bits.
    package let permissions: UInt16
    package let owner: UInt32
    package let group: UInt32
    /// How many names the inode has, by its own account.
    package let links: UInt32
    /// The modification time in seconds since 1970.
    package let modificationTime: UInt64
    /// The inode number: names that share it are hard links.
    package let inode: UInt64

    let block: UInt32
    /// Where the attributes begin, and how many bytes they take.
    let attributesStart: UInt64
    let attributesSize: UInt64
    let layout: EROFS.DataLayout

    /// The bytes of the image that a file's data take, whole blocks; `nil` for inline data and for anything impossible.
    package var blocks: Range<UInt64>? {
      guard kind == .file, layout == .flatPlain, size > 0,
        size <= UInt64(UInt32.max) * UInt64(EROFS.blockSize)
      else { return nil }
      let start = UInt64(block) * UInt64(EROFS.blockSize)
      let blockSize = UInt64(EROFS.blockSize)
      return start..<start + (size + blockSize - 1) / blockSize * blockSize
    }

    /// The path as text; bytes that are not UTF-8 are replaced.
    package var path: String { String(decoding: pathBytes, as: UTF8.self) }
  }

  /// Reads inode number `nid` for the name `path`.
  func node(_ nid: UInt64, path: [UInt8]) throws -> Node {
    let what = { "inode \(nid) of /\(String(decoding: path, as: UTF8.self))" }
    // An address that overflows is as far outside as any other.
    let (relative, tooFar) = nid.multipliedReportingOverflow(by: UInt64(EROFS.slotSize))
    let (start, overflow) = metadataStart.addingReportingOverflow(relative)
    guard !tooFar, !overflow else {
      throw ImageFormatError(.corrupt, "\(what()) lies beyond the EROFS image")
    }
    var bytes = try read(start, UInt64(EROFS.compactInodeSize), what())
    let extended = bytes[0] & 1 == 1
    if extended {
      bytes += try read(start + UInt64(bytes.count), UInt64(EROFS.compactInodeSize), what())
    }
    var reader = ByteReader(bytes)
    let format = try reader.littleEndian(UInt16.self, "i_format")
    // Bits above are features of later formats: nlink and time may mean something else then.
    guard let layout = EROFS.DataLayout(rawValue: format >> 1 & 7), format >> 4 == 0 else {
      throw ImageFormatError(
        .unsupported, "\(what()) has format \(format), compressed or newer than we read: rebuild it plain")
    }
    let attributeWords = try reader.littleEndian(UInt16.self, "i_xattr_icount")
    let mode = try reader.littleEndian(UInt16.self, "i_mode")
    let attributesSize =
      attributeWords == 0 ? 0 : UInt64(EROFSAttributes.headerSize) + 4 * (UInt64(attributeWords) - 1)
    let compactLinks = try reader.littleEndian(UInt16.self, "i_nlink")
    let size: UInt64
    if extended {
      size = try reader.littleEndian(UInt64.self, "i_size")
    } else {
      size = UInt64(try reader.littleEndian(UInt32.self, "i_size"))
      _ = try reader.read(4, "i_reserved")
    }
    let block = try reader.littleEndian(UInt32.self, "raw_blkaddr")
    _ = try reader.read(4, "i_ino")
    let owner: UInt32
    let group: UInt32
    var links = UInt32(compactLinks)
    var time = timestamp
    if extended {
      owner = try reader.littleEndian(UInt32.self, "i_uid")
      group = try reader.littleEndian(UInt32.self, "i_gid")
      time = try reader.littleEndian(UInt64.self, "i_mtime")
      _ = try reader.read(4, "i_mtime_nsec")
      links = try reader.littleEndian(UInt32.self, "i_nlink")
    } else {
      owner = UInt32(try reader.littleEndian(UInt16.self, "i_uid"))
      group = UInt32(try reader.littleEndian(UInt16.self, "i_gid"))
    }
    return Node(
      pathBytes: path, kind: Self.kind(mode), size: size, permissions: mode & 0o7777, owner: owner,
      group: group, links: links, modificationTime: time, inode: nid, block: block,
      attributesStart: start + UInt64(bytes.count), attributesSize: attributesSize, layout: layout)
  }

  private static func kind(_ mode: UInt16) -> Node.Kind {
    switch mode & EROFS.ModeType.mask {
    case EROFS.ModeType.directory: .directory
    case EROFS.ModeType.regular: .file
    case EROFS.ModeType.symbolicLink: .symlink
    default: .special(mode & EROFS.ModeType.mask)
    }
  }

  /// The bytes of an inode's data from `offset` on: at most `count`, fewer at the end of blocks and data.
  func data(of node: Node, from offset: UInt64, atMost count: UInt64) throws -> [UInt8] {
    let blockSize = UInt64(EROFS.blockSize)
    let inBlocks = node.layout == .flatPlain ? node.size : node.size / blockSize * blockSize
    guard offset < inBlocks else {
      let tail = node.size - inBlocks
      let start = node.attributesStart + node.attributesSize + (offset - inBlocks)
      let length = min(count, node.size - offset)
      // The kernel refuses a tail that crosses a block, and so do we.
      let tailStart = node.attributesStart + node.attributesSize
      guard tailStart % blockSize + tail <= blockSize else {
        throw ImageFormatError(.corrupt, "the inline data of /\(node.path) cross a block's end")
      }
      return try read(start, length, "the data of /\(node.path)")
    }
    // Checked as a whole first, so that no length can be asked for that the image does not have.
    let start = UInt64(node.block) * blockSize
    guard start <= byteCount, inBlocks <= byteCount - start else {
      throw ImageFormatError(
        .corrupt, "the data of /\(node.path), \(node.size) bytes from block \(node.block), exceed the image")
    }
    return try read(start + offset, min(count, inBlocks - offset), "the data of /\(node.path)")
  }
}
