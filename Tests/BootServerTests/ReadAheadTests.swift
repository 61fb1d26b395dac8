import Foundation
import TFTP
import TestSupport
import Testing

@testable import BootServer

@Suite struct ReadAheadTests {
  private static let content = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }

  private func with<Result>(_ body: (ArtifactFile, URL) throws -> Result) async throws -> Result {
    try await withScratchDirectory { scratch async throws in
      let place = scratch.appendingPathComponent("file")
      try Data(Self.content).write(to: place)
      return try body(ArtifactFile(path: place.path, size: Self.content.count, expected: nil), place)
    }
  }

  private func block(_ file: some VirtualFile, _ range: Range<Int>) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: range.count)
    try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: range.lowerBound) }
    return bytes
  }

  @Test func blocksAreTheFileInWhateverOrder() async throws {
    try await with { file, _ throws in
      let view = ReadAhead(file)
      #expect(view.size == Self.content.count)
      for size in [8, 512, 1468, 8192, 20_000] {
        let starts = Array(stride(from: 0, to: Self.content.count, by: size))
        for start in size == 8 ? Array(starts.prefix(5000)) : starts + starts.reversed() {
          let range = start..<min(start + size, Self.content.count)
          guard try block(view, range) == Array(Self.content[range]) else {
            Issue.record("bytes \(range) are others")
            return
          }
        }
      }
    }
  }

  @Test func theEndOfAFileThatWasWrittenToIsNeverGiven() async throws {
    try await with { file, place throws in
      let view = ReadAhead(file)
      #expect(try block(view, 0..<1468) == Array(Self.content[0..<1468]))
      let handle = try FileHandle(forUpdating: place)
      try handle.seek(toOffset: 50_000)
      try handle.write(contentsOf: Data([1, 2, 3]))
      try handle.close()
      let last = Self.content.count - Self.content.count % 1468
      #expect(throws: BootServerError.self) { try block(view, last..<Self.content.count) }
    }
  }
}
