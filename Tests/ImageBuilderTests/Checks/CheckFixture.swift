import Bytes
import Foundation
import Manifest
import TestSupport

@testable import ImageBuilder

/// A root put together by hand for the rules.
struct CheckFixture {
  enum Item {
    case text(String, mode: UInt16 = 0o644)
    case program([UInt8], mode: UInt16 = 0o755)
    case directory(mode: UInt16)
    case link(String)
  }

  var tree = RootTree()
  var declarations = Declarations()
  var limits = Limits()

  init(_ items: [(path: String, item: Item)] = []) {
    for (path, item) in items { add(path, item) }
  }

  mutating func add(_ path: String, _ item: Item) {
    let pack = PackName(.package, "app")
    let node =
      switch item {
      case .text(let text, let mode): RootNode(.file(FileContent(text)), mode: mode, pack: pack)
      case .program(let bytes, let mode): RootNode(.file(FileContent(bytes)), mode: mode, pack: pack)
      case .directory(let mode): RootNode(.directory, mode: mode, pack: pack)
      case .link(let target): RootNode(.symlink(target), mode: 0o777, pack: pack)
      }
    tree.put(node, at: path)
  }

  func checked() async throws -> CheckedRoot {
    try await CheckedRoot(tree, declarations: declarations, limits: limits)
  }

  /// What one rule finds, as `path: message`.
  func findings(_ rule: Rule) async throws -> [String] {
    try await checked().findings(rule)
  }

  /// The paths of what one rule finds.
  func paths(_ rule: Rule) async throws -> [String] {
    rule.findings(in: try await checked()).sorted().map(\.path)
  }

  /// An exception of the manifest.
  static func exception(_ rule: String, _ path: String) -> Located<RuleException> {
    Declared.by(RuleException(rule: rule, path: path, reason: "the test wants it"))
  }
}

extension CheckedRoot {
  func findings(_ rule: Rule) -> [String] {
    rule.findings(in: self).sorted().map { "\($0.path): \($0.message)" }
  }
}

/// Makes ELF files with the GNU assembler and linker.
enum Linker {
  static let isPossible = findTool("as") != nil && findTool("ld") != nil

  /// Links assembly into a program or library. `files` are other libraries and version scripts, by name in the linker's
  /// directory.
  static func make(
    text: String = ".globl f\nf: ret\n", _ options: [String], files: [String: [UInt8]] = [:]
  ) async throws -> [UInt8] {
    try await withScratchDirectory { scratch in
      for (name, bytes) in files { try Data(bytes).write(to: scratch.appendingPathComponent(name)) }
      var result = try run(
        ["as", "--64", "-o", "o.o", "-"], input: Array((text + ".section .note.GNU-stack\n").utf8),
        directory: scratch.path)
      if result.status == 0 {
        result = try run(["ld", "-o", "out", "o.o"] + options, directory: scratch.path)
      }
      guard result.status == 0 else { throw FixtureError(result.errorText) }
      return [UInt8](try Data(contentsOf: scratch.appendingPathComponent("out")))
    }
  }

  static func library(_ soname: String, _ options: [String] = [], files: [String: [UInt8]] = [:]) async throws
    -> [UInt8]
  {
    try await make(["-shared", "-soname", soname] + options, files: files)
  }

  /// A program that loads libraries, which are linked as they are.
  static func program(_ options: [String], files: [String: [UInt8]]) async throws -> [UInt8] {
    try await make(
      text: ".globl _start\n_start: call f@PLT\n",
      ["-pie", "--no-as-needed", "-dynamic-linker", "/lib64/ld-linux-x86-64.so.2"] + options, files: files)
  }
}

/// Whether programs of this host can be read.
func hostHas(_ names: [String]) -> Bool { names.allSatisfy { findTool($0) != nil } }

/// A program of this host.
func hostProgram(_ name: String) throws -> [UInt8] {
  guard let path = findTool(name) else { throw FixtureError("\(name) is not installed") }
  return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
}
