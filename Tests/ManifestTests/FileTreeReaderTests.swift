import Testing

@testable import Manifest

/// A folder without an end: each directory holds one file and the next directory.
private struct EndlessTree: SourceTree {
  func file(at path: String) throws -> SourceFile? { SourceFile(bytes: []) }

  func list(_ directory: String) throws -> [SourceEntry] {
    [SourceEntry(name: "d", kind: .directory), SourceEntry(name: "f", kind: .file)]
  }
}

/// A folder with more files than anybody needs, and one whose names a hostile tree made up.
private struct WideTree: SourceTree {
  let entries: [SourceEntry]

  func file(at path: String) throws -> SourceFile? { SourceFile(bytes: []) }
  func list(_ directory: String) throws -> [SourceEntry] { entries }
}

private func read(_ tree: any SourceTree) -> FileTreeReader {
  var reader = FileTreeReader(root: "images/x/files", origin: Origin(kind: .component, name: "x"), tree: tree)
  reader.read()
  return reader
}

@Suite struct FileTreeReaderTests {
  @Test func depthIsLimited() {
    let reader = read(EndlessTree())
    #expect(reader.problems.map(\.code) == [.tooDeep])
    #expect(reader.files.count == FileTreeReader.maximumDepth + 1)
  }

  @Test func theNumberOfEntriesIsLimited() {
    func tree(_ count: Int) -> WideTree {
      WideTree(entries: (0..<count).map { SourceEntry(name: "f\($0)", kind: .file) })
    }
    #expect(read(tree(FileTreeReader.maximumEntries)).problems.isEmpty)
    let reader = read(tree(FileTreeReader.maximumEntries + 5))
    #expect(reader.problems.map(\.code) == [.tooManyNodes])
    #expect(reader.files.count == FileTreeReader.maximumEntries)
  }

  @Test(arguments: ["..", ".", "", "a/../../../etc", "a/b", "a\nb", "a\u{0}"])
  func namesThatAreNoComponentAreRefused(name: String) {
    let reader = read(WideTree(entries: [SourceEntry(name: name, kind: .file)]))
    #expect(reader.problems.map(\.code) == [.badValue])
    #expect(reader.files.isEmpty)
  }

  @Test(arguments: ["", "a\nb", String(repeating: "a", count: 4096)])
  func targetsThatAreNoPathAreRefused(target: String) {
    let reader = read(WideTree(entries: [SourceEntry(name: "l", kind: .symlink(target: target))]))
    #expect(reader.problems.map(\.code) == [.badValue])
    #expect(reader.links.isEmpty)
  }
}
