internal import FrameFormat
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
    for content in files where !content.bytes.isEmpty && firstBlocks[ObjectIdentifier(content)] == nil {
      firstBlocks[ObjectIdentifier(content)] = UInt32(nextBlock)
      var offset = 0
      while offset < content.bytes.count {
        let room = (Self.blocksPerFrame - slice.blocks) * EROFS.blockSize
        let end = min(content.bytes.count, offset + room)
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
  /// The slice's bytes as they lie in the image.
  func materialize() -> [UInt8] {
    let size = blocks * EROFS.blockSize
    return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      var offset = 0
      for segment in segments {
        segment.content.bytes.withUnsafeBytes { bytes in
          UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[offset...])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[segment.range]))
        }
        offset += segment.range.count
        let padding = (EROFS.blockSize - offset % EROFS.blockSize) % EROFS.blockSize
        UnsafeMutableRawBufferPointer(
          rebasing: UnsafeMutableRawBufferPointer(buffer)[offset..<offset + padding]
        )
        .initializeMemory(as: UInt8.self, repeating: 0)
        offset += padding
      }
      count = size
    }
  }
}
