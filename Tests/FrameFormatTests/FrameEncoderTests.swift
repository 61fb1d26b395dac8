import Bytes
import Foundation
import FrameFormat
import Testing

@Suite("the encoder of frames")
struct FrameEncoderTests {
  /// A million bytes that compress, and differently at each level: words of a small alphabet in pseudo-random order.
  private static let sample: [UInt8] = {
    var state: UInt32 = 1
    func next() -> UInt32 {
      state = state &* 1_664_525 &+ 1_013_904_223
      return state >> 8
    }
    let words = (0..<500).map { _ in (0..<(3 + next() % 12)).map { _ in UInt8(97 + next() % 20) } }
    var bytes: [UInt8] = []
    while bytes.count < 1 << 20 { bytes += words[Int(next() % 500)] + [UInt8(truncatingIfNeeded: next() % 7)] }
    return bytes
  }()

  static let notPinned: Comment = """
    this build has zstd \(FrameCodec.encoder), not the pinned \(FrameCodec.pinnedEncoder): tools/test links that
    """

  @Test(
    "the pinned zstd gives these bytes",
    .enabled(if: FrameCodec.isPinned, notPinned),
    arguments: [
      (1, "01"), (3, "03"), (12, "12"), (19, "19"),
    ])
  func golden(level: Int, digest: String) throws {
    let stored = try Self.sample.withUnsafeBytes { try FrameCodec.compress($0, level: level) }
    #expect(SHA256.digest(of: stored).hex == digest, "\(stored.count) bytes")
  }

  @Test("tools/pinned and the program mean the same version")
  func pins() throws {
    let tools = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../tools")
    let pins = try String(contentsOf: tools.appendingPathComponent("pinned.sha256"), encoding: .utf8)
    #expect(pins.contains("/libzstd-dev_\(FrameCodec.pinnedEncoder)+"))
  }
}
