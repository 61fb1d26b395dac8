package import FrameFormat
internal import Synchronization

/// Reads ranges of a release's root image, a checked frame at a time; the last few frames are kept.
package final class FrameReader: Sendable {
  /// Files mostly lie in one frame, their inodes in another.
  private static let keptFrames = 6

  private let release: ReleaseReader
  private let index: RootIndex
  private let map: FrameMap
  /// The most recently used one last.
  private let kept = Mutex<[(number: Int, bytes: [UInt8])]>([])

  package init(_ release: ReleaseReader, _ index: RootIndex) {
    self.release = release
    self.index = index
    map = FrameMap(index)
  }

  /// The bytes of a range inside the image.
  package func read(_ range: Range<UInt64>) throws -> [UInt8] {
    try map.read(range) { try frame($0) }
  }

  private func frame(_ number: Int) throws -> [UInt8] {
    let known = kept.withLock { kept -> [UInt8]? in
      guard let position = kept.firstIndex(where: { $0.number == number }) else { return nil }
      let frame = kept.remove(at: position)
      kept.append(frame)
      return frame.bytes
    }
    if let known { return known }
    let bytes = try release.content(of: index.frames[number])
    kept.withLock { kept in
      if kept.count >= Self.keptFrames { kept.removeFirst() }
      kept.append((number, bytes))
    }
    return bytes
  }
}
