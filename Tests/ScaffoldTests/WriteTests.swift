import Foundation
import TestSupport
import Testing

@testable import Scaffold

@Suite("laying out a repository") struct WriteTests {
  private let scaffold: Scaffold

  init() throws { scaffold = try Scaffold(name: "router") }

  private func entries(_ directory: String) throws -> Set<String> {
    Set(try FileManager.default.subpathsOfDirectory(atPath: directory))
  }

  private func write(_ text: String, to path: String) throws {
    try FileManager.default.createDirectory(
      at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  @Test("a directory that is not there is made, and nothing else is left beside it")
  func fresh() async throws {
    try await withScratchDirectory { scratch in
      _ = try scaffold.write(to: scratch.appendingPathComponent("new/").path + "/")
      #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["new"])
      let found = try entries(scratch.appendingPathComponent("new").path)
      #expect(found.isSuperset(of: scaffold.files.map(\.path)))
      #expect(!found.contains { $0.contains("netimg-init-") })
    }
  }

  @Test("in a directory that is there, everything else stays; once more, nothing is left to do")
  func existing() async throws {
    try await withScratchDirectory { scratch in
      try write("mine", to: "\(scratch.path)/.git/config")
      try write("mine too", to: "\(scratch.path)/images/other/component.yaml")
      #expect(try scaffold.write(to: scratch.path).written == scaffold.files.map(\.path))
      let second = try scaffold.write(to: scratch.path)
      #expect(second == Scaffold.Outcome(written: [], present: scaffold.files.map(\.path)))
      #expect(try String(contentsOfFile: "\(scratch.path)/.git/config", encoding: .utf8) == "mine")
    }
  }

  @Test("what a crash left half is completed")
  func completed() async throws {
    try await withScratchDirectory { scratch in
      _ = try scaffold.write(to: scratch.path)
      try FileManager.default.removeItem(atPath: "\(scratch.path)/images/base")
      let outcome = try scaffold.write(to: scratch.path)
      #expect(outcome.written == scaffold.files.map(\.path).filter { $0.hasPrefix("images/base/") })
    }
  }

  @Test("files in the way are all named, and then nothing is written")
  func inTheWay() async throws {
    try await withScratchDirectory { scratch in
      try write("mine", to: "\(scratch.path)/README.md")
      try write("a file where a directory belongs", to: "\(scratch.path)/images/page")
      try FileManager.default.createSymbolicLink(
        atPath: "\(scratch.path)/manifests", withDestinationPath: "/tmp")
      let before = try entries(scratch.path)
      #expect {
        try scaffold.write(to: scratch.path)
      } throws: { error in
        guard let error = error as? ScaffoldError, error.code == .inTheWay else { return false }
        return ["README.md", "images/page", "manifests"].allSatisfy {
          error.description.contains("\(scratch.path)/\($0)")
        }
          && error.description.contains("nothing was written")
      }
      #expect(try entries(scratch.path) == before)
    }
  }

  @Test("a link in the place of a file is in the way, whatever it leads to")
  func link() async throws {
    try await withScratchDirectory { scratch in
      let target = scratch.appendingPathComponent("target").path
      try Data(scaffold.files[0].bytes).write(to: URL(fileURLWithPath: target))
      let root = scratch.appendingPathComponent("root").path
      try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(
        atPath: "\(root)/\(scaffold.files[0].path)", withDestinationPath: target)
      #expect { try scaffold.write(to: root) } throws: { ($0 as? ScaffoldError)?.code == .inTheWay }
      // A link to a directory as the repository itself is the caller's own choice.
      let linked = scratch.appendingPathComponent("linked").path
      let place = scratch.appendingPathComponent("place").path
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(atPath: linked, withDestinationPath: place)
      _ = try scaffold.write(to: linked)
      #expect(try entries(place).contains("README.md"))
    }
  }

  @Test("a failure in the middle takes back what was written before it")
  func rollback() async throws {
    try await withScratchDirectory { scratch in
      // The last file cannot be made: its temporary name is taken by a directory.
      let last = try #require(scaffold.files.last).path
      let blocked = "\(scratch.path)/\(last).netimg-init-\(getpid())"
      try FileManager.default.createDirectory(atPath: blocked, withIntermediateDirectories: true)
      #expect { try scaffold.write(to: scratch.path) } throws: {
        ($0 as? ScaffoldError)?.code == .inputOutput
      }
      #expect(try entries(scratch.path) == ["\(last).netimg-init-\(getpid())"])
    }
  }

  @Test("somebody else who makes the directory at the same time wins, and nothing is left of ours")
  func race() async throws {
    try await withScratchDirectory { scratch in
      let path = scratch.appendingPathComponent("new").path
      #expect {
        // Between looking and writing.
        try scaffold.write(to: path) { _ in _ = mkdir(path, 0o755) }
      } throws: {
        ($0 as? ScaffoldError)?.code == .inTheWay && "\($0)".contains(path)
      }
      let left = try FileManager.default.contentsOfDirectory(atPath: scratch.path)
      #expect(left == ["new"])
      let inside = try FileManager.default.contentsOfDirectory(atPath: path)
      #expect(inside.isEmpty)
    }
  }

  @Test("a parent that is not there is an error that names it, and nothing is made")
  func noParent() async throws {
    try await withScratchDirectory { scratch in
      let path = scratch.appendingPathComponent("no/such/place").path
      #expect {
        try scaffold.write(to: path)
      } throws: {
        ($0 as? ScaffoldError)?.code == .inputOutput && "\($0)".contains("no/such/place")
      }
      let left = try FileManager.default.contentsOfDirectory(atPath: scratch.path)
      #expect(left.isEmpty)
    }
  }
}
