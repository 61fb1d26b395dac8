package import FrameFormat

/// What a device that has one release's frames must fetch for another's.
package struct Download: Encodable, Sendable, Equatable {
  /// Frames that it lacks, and their stored bytes.
  package let frames: Int
  package let bytes: UInt64
  /// All of the other release's different frames, and their stored bytes.
  package let allFrames: Int
  package let allBytes: UInt64

  package init(from: RootIndex, to: RootIndex) {
    let wanted = Set(to.frames)
    let missing = wanted.subtracting(from.frames)
    frames = missing.count
    bytes = missing.reduce(0) { $0 + UInt64($1.storedSize) }
    allFrames = wanted.count
    allBytes = wanted.reduce(0) { $0 + UInt64($1.storedSize) }
  }
}
