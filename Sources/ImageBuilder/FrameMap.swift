package import FrameFormat

/// Where each frame lies in the image, so that any range can be read from the few frames that hold it.
package struct FrameMap: Sendable {
  /// The first byte of each frame, and at the end the image's size.
  private let starts: [UInt64]

  package init(_ index: RootIndex) {
    var starts: [UInt64] = [0]
    var position: UInt64 = 0
    for frame in index.frames {
      position += UInt64(frame.size)
      starts.append(position)
    }
    self.starts = starts
  }

  /// The bytes of a range inside the image.
  ///
  /// - Parameter frame: gives the whole content of a frame, by its number in the index.
  package func read(_ range: Range<UInt64>, frame: (Int) throws -> [UInt8]) throws -> [UInt8] {
    guard range.upperBound <= starts[starts.count - 1] else {
      throw BuildError(.verification, "the file system reaches beyond its image")
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(range.count)
    var position = range.lowerBound
    var number = self.number(at: position)
    while position < range.upperBound {
      let start = starts[number]
      let end = min(range.upperBound, starts[number + 1])
      bytes += try frame(number)[Int(position - start)..<Int(end - start)]
      position = end
      number += 1
    }
    return bytes
  }

  /// The number of the frame that holds a byte, by bisection.
  private func number(at position: UInt64) -> Int {
    var low = 0
    var high = starts.count - 1
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= position { low = middle } else { high = middle }
    }
    return low
  }
}
