import Bytes
import DebianPackage
import Foundation
import Manifest
import TestSupport

@testable import ImageBuilder

/// A package to be made by the real dpkg-deb.
struct FixturePackage {
  /// What lies at a path.
  enum Item {
    case directory(mode: Int = 0o755)
    case file([UInt8], mode: Int = 0o644)
    case link(String)
    /// Another name of an earlier file of the same package.
    case hardLink(String)

    static func text(_ text: String, mode: Int = 0o644) -> Item { .file(Array(text.utf8), mode: mode) }
  }

  var name: String
  var version = "1.0-1"
  var items: [(path: String, item: Item)] = []
  /// Files of DEBIAN/ beside `control`.
  var control: [String: String] = [:]
  /// More lines of `control`.
  var fields = "Description: a test's package\n"

  func build() async throws -> [UInt8] {
    try await withScratchDirectory { scratch in
      let root = scratch.appendingPathComponent("root").path
      try FileManager.default.createDirectory(atPath: "\(root)/DEBIAN", withIntermediateDirectories: true)
      let paragraph =
        "Package: \(name)\nVersion: \(version)\nArchitecture: amd64\nMaintainer: A Test <a@example.org>\n"
      try Data((paragraph + fields).utf8).write(to: URL(fileURLWithPath: "\(root)/DEBIAN/control"))
      for (file, text) in control {
        let path = "\(root)/DEBIAN/\(file)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        chmod(path, file == "conffiles" || file == "triggers" ? 0o644 : 0o755)
      }
      for (path, item) in items { try Self.place(item, "\(root)/\(path)", root: root) }
      let file = scratch.appendingPathComponent("package.deb").path
      let result = try run(["dpkg-deb", "--root-owner-group", "-Zgzip", "--build", root, file])
      guard result.status == 0 else { throw FixtureError(result.errorText) }
      return [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
    }
  }

  private static func place(_ item: Item, _ path: String, root: String) throws {
    let manager = FileManager.default
    try manager.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    switch item {
    case .directory(let mode):
      try manager.createDirectory(atPath: path, withIntermediateDirectories: true)
      chmod(path, mode_t(mode))
    case .file(let bytes, let mode):
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      chmod(path, mode_t(mode))
    case .link(let target): try manager.createSymbolicLink(atPath: path, withDestinationPath: target)
    case .hardLink(let target): try manager.linkItem(atPath: "\(root)/\(target)", toPath: path)
    }
  }

  /// The package as the builder sees it.
  func unpack(drops: [DropRule] = []) async throws -> UnpackedPackage {
    let deb = try DebFile(bytes: try await build(), name: "\(name).deb")
    return try UnpackedPackage(PackageContents(deb), drops: drops, actions: [])
  }
}

/// Declarations as a manifest would have made them.
enum Declared {
  static let location = SourceLocation(file: "images/part/component.yaml", line: 7, column: 3)

  static func by<Value>(_ value: Value, component: String = "part") -> Located<Value> {
    Located(value, origin: Origin(kind: .component, name: component), location: location)
  }
}

extension RootTree {
  /// The tree's content by path: `d755`, `f644 text`, `l target`.
  func listing(below directory: String) -> [String: String] {
    var result: [String: String] = [:]
    for path in paths(below: directory) {
      guard let node = self[path] else { continue }
      let mode = String(node.mode, radix: 8)
      switch node.kind {
      case .directory: result[path] = "d\(mode)"
      case .file(let content): result[path] = "f\(mode) \(String(decoding: content.bytes, as: UTF8.self))"
      case .symlink(let target): result[path] = "l \(target)"
      }
    }
    return result
  }

  /// Writes the tree below a directory, owners left out, for foreign tools to look at.
  func export(to root: String) throws {
    let manager = FileManager.default
    for path in sortedPaths where !path.isEmpty {
      guard let node = self[path] else { continue }
      let place = "\(root)/\(path)"
      switch node.kind {
      case .directory: try manager.createDirectory(atPath: place, withIntermediateDirectories: true)
      case .file(let content): try Data(content.bytes).write(to: URL(fileURLWithPath: place))
      case .symlink(let target): try manager.createSymbolicLink(atPath: place, withDestinationPath: target)
      }
      if case .symlink = node.kind { continue }
      chmod(place, mode_t(node.mode))
    }
  }

  /// Adds a package's file by hand.
  mutating func addText(_ path: String, _ text: String, mode: UInt16 = 0o644, package: String = "app") throws
  {
    try add(
      RootNode(.file(FileContent(text)), mode: mode, pack: PackName(.package, package)), at: path)
  }
}

/// The code of the BuildError that `body` throws; `nil` if it throws nothing or something else.
func code<Result>(_ body: () throws -> Result) -> BuildError.Code? {
  do {
    _ = try body()
    return nil
  } catch {
    return (error as? BuildError)?.code
  }
}

/// The same for asynchronous work, with the error's words.
func failure<Result>(_ body: () async throws -> Result) async -> BuildError? {
  do {
    _ = try await body()
    return nil
  } catch {
    return error as? BuildError
  }
}

/// A foreign tool that could not make what a test needs.
struct FixtureError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
