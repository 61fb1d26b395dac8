internal import FrameFormat
internal import ImageFormat

/// How many stored bytes of the frames a file accounts for: its part of each frame's blocks.
struct FrameShares {
  /// The first byte of each frame, and at the end the image's size.
  private let starts: [UInt64]
  /// Stored bytes for each byte of the image, by frame.
  private let ratios: [Double]

  init(_ index: RootIndex) {
    var starts: [UInt64] = [0]
    for frame in index.frames { starts.append(starts[starts.count - 1] + UInt64(frame.size)) }
    self.starts = starts
    ratios = index.frames.map { Double($0.storedSize) / Double($0.size) }
  }

  func stored(of node: EROFSReader.Node) -> Double {
    guard let range = node.blocks else { return 0 }
    var low = 0
    var high = ratios.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= range.lowerBound { low = middle } else { high = middle }
    }
    var stored = 0.0
    while low < ratios.count, starts[low] < range.upperBound {
      let overlap = min(range.upperBound, starts[low + 1]) - max(range.lowerBound, starts[low])
      stored += Double(overlap) * ratios[low]
      low += 1
    }
    return stored
  }
}
