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
    while bytes.count < 1 << 20 {
      bytes += words[Int(next() % 500)] + [UInt8(truncatingIfNeeded: next() % 7)]
    }
    return bytes
  }()

  static let notPinned: Comment = """
    this build has zstd \(FrameCodec.encoder), not the pinned \(FrameCodec.pinnedEncoder): tools/test links that
    """

  @Test(
    "the pinned zstd gives these bytes",
    .enabled(if: FrameCodec.isPinned, notPinned),
    arguments: [
      (1, "6f04199055d1a56ce8cd51b9d98b8fb71d5fb29b979e6fb988ec7352ecac4660"),
      (3, "eb5d6d5465e82fc844712fd9ca313ff65d5a81430353f708e3f38ab0702f4313"),
      (12, "6b9db6a3290666f0a3746cf9571d7c8b7b04d56e23b0a437c9bd5ae2688ad2f3"),
      (19, "0b8b55b29f846fea9fcb494e2ac3741476349ca8a24e1b53f5d2e7611d733c98"),
    ])
  func golden(level: Int, digest: String) throws {
    let stored = try Self.sample.withUnsafeBytes { try FrameCodec.compress($0, level: level) }
    #expect(SHA256.digest(of: stored).hex == digest, "\(stored.count) bytes")
  }

  @Test("tools/pinned and the program mean the same version")
  func pins() throws {
    let tools = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
      "../../tools")
    let pins = try String(contentsOf: tools.appendingPathComponent("pinned.sha256"), encoding: .utf8)
    #expect(pins.contains("/libzstd-dev_\(FrameCodec.pinnedEncoder)+"))
  }
}
