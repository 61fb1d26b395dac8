internal import FrameFormat
internal import ImageBuilder
internal import ImageFormat

extension ReleaseComparison {
  /// Where two root images differ first: byte, frame, and the path that has that byte.
  static func rootImage(_ old: ReleaseImage, _ new: ReleaseImage) throws -> Artifact {
    let sizes = (Int(clamping: old.index.imageSize), Int(clamping: new.index.imageSize))
    var position = 0
    for number in 0..<min(old.index.frames.count, new.index.frames.count) {
      let (one, other) = (old.index.frames[number], new.index.frames[number])
      if one == other {
        position += one.size
        continue
      }
      let (left, right) = (try old.reader.content(of: one), try new.reader.content(of: other))
      let frame = "frame \(number) of \(old.index.frames.count)"
      guard let offset = firstDifference(left, right) else {
        // The same content, compressed to other bytes.
        return Artifact(
          name: "root image", size: sizes.0, rebuiltSize: sizes.1, offset: nil,
          place: "\(frame): the same bytes, compressed otherwise")
      }
      let place = place(position + offset, in: old) ?? place(position + offset, in: new)
      return Artifact(
        name: "root image", size: sizes.0, rebuiltSize: sizes.1, offset: position + offset,
        place: "\(frame), \(place ?? "file system metadata")")
    }
    return Artifact(
      name: "root image", size: sizes.0, rebuiltSize: sizes.1, offset: min(sizes.0, sizes.1),
      place: "one ends where the other goes on")
  }

  /// The file that has a byte of the image, or which other part of the image that is; `nil` for metadata.
  private static func place(_ offset: Int, in image: ReleaseImage) -> String? {
    if offset < EROFS.blockSize { return "the file system's superblock" }
    if offset >= Int(clamping: image.index.dataSize) { return "the hash tree" }
    for node in image.nodes {
      guard let blocks = node.blocks, blocks.contains(UInt64(offset)) else { continue }
      return "/\(node.path), byte \(offset - Int(blocks.lowerBound)) of it"
    }
    return nil
  }
}
