import Bytes
import TestSupport
import Testing

@Suite("SHA-1 beside SHA-256")
struct FileDigestsTests {
  @Test(
    "both agree with coreutils, across the sizes of pieces",
    arguments: [0, 1, 63, 64, 262_143, 262_144, 600_001])
  func foreign(size: Int) throws {
    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    let digests = FileDigests(of: bytes)
    #expect(try digests.sha1.hex == run(["sha1sum"], input: bytes).text.prefix(40))
    #expect(try digests.sha256.hex == run(["sha256sum"], input: bytes).text.prefix(64))
  }
}
