internal import Bytes
internal import ImageFormat

/// Which bytes of which files make up each frame. Planning touches no content, so it is instant, and the
/// frames can then be made on any core in any order with the same result.
struct FramePlan {
  /// A run of bytes of one file, followed by zeros up to the next block.
  struct Segment {
    let content: FileContent
    let range: Range<Int>
  }

  /// One frame to be: segments that each fill whole blocks.
  struct Slice {
    var segments: [Segment] = []
    var blocks = 0
  }

  /// The largest frame, in blocks (4 MiB): big enough to compress well, small enough that a change costs little.
  static let blocksPerFrame = 1024

  /// Where each file's first block lies in the image, by the identity of its content.
  private(set) var firstBlocks: [ObjectIdentifier: UInt32] = [:]
  private(set) var slices: [Slice] = []
  /// The next free block of the image. Block 0 is the superblock's.
  private(set) var nextBlock = 1

  /// Appends a pack: its files in the order given, cut at the pack's end and at every full frame.
  mutating func append(pack files: [FileContent]) {
    var slice = Slice()
    for content in files where content.size > 0 && firstBlocks[ObjectIdentifier(content)] == nil {
      firstBlocks[ObjectIdentifier(content)] = UInt32(nextBlock)
      var offset = 0
      while offset < content.size {
        let room = (Self.blocksPerFrame - slice.blocks) * EROFS.blockSize
        let end = min(content.size, offset + room)
        let blocks = (end - offset + EROFS.blockSize - 1) / EROFS.blockSize
        slice.segments.append(Segment(content: content, range: offset..<end))
        slice.blocks += blocks
        nextBlock += blocks
        offset = end
        if slice.blocks == Self.blocksPerFrame {
          slices.append(slice)
          slice = Slice()
        }
      }
    }
    if slice.blocks > 0 { slices.append(slice) }
  }
}

extension FramePlan.Slice {
  /// A name for the slice's bytes that needs no look at them: what each block is made of, by digest.
  var key: SHA256Digest {
    var writer = ByteWriter(reservingCapacity: segments.count * 48)
    for segment in segments {
      writer.append(segment.content.digest.bytes)
      writer.littleEndian(UInt64(segment.range.lowerBound))
      writer.littleEndian(UInt64(segment.range.upperBound))
    }
    return SHA256.digest(of: writer.bytes)
  }

  /// The slice's bytes as they lie in the image.
  func materialize() throws(BuildError) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(blocks * EROFS.blockSize)
    for segment in segments {
      let content = segment.content.bytes
      guard content.count == segment.content.size else {
        throw BuildError(.missingInput, "an unpacked package in the store is damaged: build again")
      }
      bytes += content[segment.range]
      let excess = bytes.count % EROFS.blockSize
      if excess != 0 { bytes += repeatElement(0, count: EROFS.blockSize - excess) }
    }
    return bytes
  }
}
