import Bytes
import Foundation
import Testing
import TestSupport

@testable import ImageBuilder

@Suite("a release's directory is there in full or not at all")
struct ReleaseDirectoryTests {
  private func names(in directory: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
  }

  private func write(_ text: String, to path: String, replacing: Bool) throws {
    let directory = try ReleaseDirectory(path)
    try directory.makeDirectory("frames")
    try directory.write(ByteRope(Array(text.utf8)), to: "frames/a")
    try directory.commit(replacing: replacing)
  }

  @Test("nothing is under the name before commit; parents are made; modes do not depend on the umask")
  func commit() async throws {
    try await withScratchDirectory { scratch in
      let path = scratch.appendingPathComponent("deep/er/release").path
      let directory = try ReleaseDirectory(path)
      try directory.write(ByteRope([1, 2, 3]), to: "a")
      #expect(!FileManager.default.fileExists(atPath: path))
      #expect(directory.temporary.hasPrefix(scratch.appendingPathComponent("deep/er/.release").path))
      try directory.commit(replacing: false)
      #expect(try Data(contentsOf: URL(fileURLWithPath: "\(path)/a")) == Data([1, 2, 3]))
      let modes = try run(["stat", "-c", "%a", path, "\(path)/a"])
      #expect(modes.text == "755\n644\n")
      #expect(try names(in: scratch.appendingPathComponent("deep/er")) == ["release"])
    }
  }

  @Test("given up, it leaves nothing")
  func abandoned() async throws {
    try await withScratchDirectory { scratch in
      do {
        let directory = try ReleaseDirectory(scratch.appendingPathComponent("r").path)
        try directory.write(ByteRope([1]), to: "a")
      }
      #expect(try names(in: scratch).isEmpty)
    }
  }

  @Test("what is there stays unless it is to be replaced, and is replaced in whole")
  func replacing() async throws {
    try await withScratchDirectory { scratch in
      let path = scratch.appendingPathComponent("r").path
      try write("one", to: path, replacing: false)
      let error = #expect(throws: BuildError.self) { try write("two", to: path, replacing: false) }
      #expect(error?.code == .inputOutput)
      #expect(try String(contentsOf: URL(fileURLWithPath: "\(path)/frames/a"), encoding: .utf8) == "one")
      #expect(try names(in: scratch) == ["r"])
      try Data("old".utf8).write(to: URL(fileURLWithPath: "\(path)/only in the old one"))
      try write("two", to: path, replacing: true)
      #expect(try names(in: URL(fileURLWithPath: path)) == ["frames"])
      #expect(try String(contentsOf: URL(fileURLWithPath: "\(path)/frames/a"), encoding: .utf8) == "two")
      #expect(try names(in: scratch) == ["r"])
    }
  }

  @Test("a name twice, and a place that cannot be, are refused in a sentence that names it")
  func refused() async throws {
    try await withScratchDirectory { scratch in
      let directory = try ReleaseDirectory(scratch.appendingPathComponent("r").path)
      try directory.write(ByteRope([1]), to: "a")
      #expect(throws: BuildError.self) { try directory.write(ByteRope([2]), to: "a") }
      try Data().write(to: scratch.appendingPathComponent("file"))
      #expect(throws: (any Error).self) {
        _ = try ReleaseDirectory(scratch.appendingPathComponent("file/r").path)
      }
    }
  }
}
