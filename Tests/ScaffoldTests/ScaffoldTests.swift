import Foundation
import Manifest
import TestSupport
import Testing

@testable import Scaffold

@Suite("a repository to begin with") struct ScaffoldTests {
  /// The work tree that these tests belong to.
  static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()
    .deletingLastPathComponent().resolvingSymlinksInPath().path

  /// Every file below a directory, by relative path: its bytes, and whether it can be executed.
  private func files(below directory: String) throws -> [String: (bytes: [UInt8], isExecutable: Bool)] {
    var files: [String: (bytes: [UInt8], isExecutable: Bool)] = [:]
    for path in try FileManager.default.subpathsOfDirectory(atPath: directory) {
      let full = "\(directory)/\(path)"
      var isDirectory: ObjCBool = false
      guard FileManager.default.fileExists(atPath: full, isDirectory: &isDirectory), !isDirectory.boolValue
      else { continue }
      files[path] = ([UInt8](try Data(contentsOf: URL(fileURLWithPath: full))), access(full, X_OK) == 0)
    }
    return files
  }

  private func text(_ file: Scaffold.File) -> String { String(decoding: file.bytes, as: UTF8.self) }

  @Test("the component base is the project's own, file for file and byte for byte")
  func base() throws {
    let original = try files(below: "\(Self.repository)/images/base").mapValues(\.bytes)
    let scaffold = try Scaffold(name: "router")
    let copy = Dictionary(
      uniqueKeysWithValues: scaffold.files.filter { $0.path.hasPrefix("images/base/") }
        .map { (String($0.path.dropFirst("images/base/".count)), $0.bytes) })
    #expect(copy == original)
  }

  @Test("the manifest composes without a problem, and is the image's")
  func composes() async throws {
    try await withScratchDirectory { scratch in
      let root = scratch.appendingPathComponent("router").path
      let scaffold = try Scaffold(name: "router")
      #expect(try scaffold.write(to: root).written == scaffold.files.map(\.path))
      let image = try ManifestLoader(tree: WorkTree(root: root)).load(manifestPath: "manifests/router.yaml")
      #expect(image.name == "router")
      #expect(image.components == ["base", "page"])
      #expect(image.version?.value == "0.1.0")
      let paths = Set(image.declarations.files.map { "\($0.path)" })
      #expect(paths.contains("/usr/share/page/index.html"), "\(paths)")
    }
  }

  @Test("no place for the name is left, and the name is in the page and the README")
  func substitution() throws {
    let scaffold = try Scaffold(name: "lab-7")
    for file in scaffold.files { #expect(!text(file).contains("@NAME@"), "\(file.path)") }
    #expect(scaffold.files.contains { $0.path == "manifests/lab-7.yaml" && text($0).contains("name: lab-7") })
    #expect(
      scaffold.files.contains { $0.path.hasSuffix("index.html") && text($0).contains("<h1>lab-7</h1>") })
    #expect(scaffold.files.contains { $0.path == "README.md" && text($0).contains("out/lab-7-0.1.0") })
  }

  @Test("editors get the schema that netimg prints")
  func schema() throws {
    let file = try #require(try Scaffold(name: "a").files.first { $0.path == "netimg.schema.json" })
    #expect(text(file) == ManifestSchema.json())
  }

  @Test("the script is executable and bash accepts it")
  func script() async throws {
    try await withScratchDirectory { scratch in
      let root = scratch.appendingPathComponent("a").path
      _ = try Scaffold(name: "a").write(to: root)
      #expect(try files(below: root).filter(\.value.isExecutable).map(\.key) == ["boot"])
      let result = try run(["bash", "-n", "\(root)/boot"])
      #expect(result.status == 0, "\(result.errorText)")
      // Without a release it says how it is used, and starts nothing.
      let usage = try run(["bash", "\(root)/boot"])
      #expect(usage.status != 0 && usage.errorText.contains("usage: ./boot RELEASE"))
    }
  }

  @Test(
    "names are those that manifests accept",
    arguments: ["a", "edge-router", "7", "a-", String(repeating: "x", count: 63)])
  func goodNames(_ name: String) throws {
    try expectSame(name, isGood: true)
  }

  @Test(
    "names that no image may have are refused, as manifests refuse them",
    arguments: ["", "-a", "A", "a b", "a/b", "..", "a.b", "ü", "a\n", String(repeating: "x", count: 64)])
  func badNames(_ name: String) throws {
    try expectSame(name, isGood: false)
  }

  /// Asks both this target and the manifest's decoder.
  private func expectSame(_ name: String, isGood: Bool) throws {
    if isGood {
      #expect(try Scaffold(name: name).name == name)
    } else {
      #expect { try Scaffold(name: name) } throws: { ($0 as? ScaffoldError)?.code == .badName }
    }
    let template = try Scaffold(name: "name-to-replace")
    let quoted = "\"\(name.replacing("\n", with: "\\n"))\""
    let files = template.files.map { file in
      file.path == "manifests/name-to-replace.yaml"
        ? text(file).replacing("name: name-to-replace", with: "name: \(quoted)") : text(file)
    }
    let tree = MemoryTree(files: Dictionary(uniqueKeysWithValues: zip(template.files.map(\.path), files)))
    let loaded = try? ManifestLoader(tree: tree).load(manifestPath: "manifests/name-to-replace.yaml")
    #expect((loaded != nil) == isGood)
  }
}

/// A source tree of texts.
private struct MemoryTree: SourceTree {
  let files: [String: String]

  func file(at path: String) -> SourceFile? { files[path].map { SourceFile(bytes: Array($0.utf8)) } }

  func list(_ directory: String) -> [SourceEntry] {
    let prefix = directory.isEmpty ? "" : directory + "/"
    let entries = files.keys.filter { $0.hasPrefix(prefix) }.map { path -> SourceEntry in
      let parts = path.dropFirst(prefix.count).split(separator: "/", maxSplits: 1)
      return SourceEntry(name: String(parts[0]), kind: parts.count == 1 ? .file : .directory)
    }
    return Set(entries).sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }
}
