import Bytes
import Foundation
import Glibc
import Manifest
import Testing
import TestSupport

@Suite struct WorkTreeTests {
  @Test func readsFilesAndListsInOrder() async throws {
    try await withRepository(["d/b": "B", "d/a": "A", "d/Z": "", "d/sub/x": "", "d/l": "-> ../elsewhere"]) {
      tree throws in
      #expect(try tree.file(at: "d/b") == SourceFile(bytes: [0x42]))
      #expect(
        try tree.list("d") == [
          SourceEntry(name: "Z", kind: .file), SourceEntry(name: "a", kind: .file),
          SourceEntry(name: "b", kind: .file), SourceEntry(name: "l", kind: .symlink(target: "../elsewhere")),
          SourceEntry(name: "sub", kind: .directory),
        ])
      #expect(try tree.list("").map(\.name) == ["d", "images"])
      #expect(chmod(tree.root + "/d/b", 0o744) == 0)
      #expect(try tree.file(at: "d/b")?.isExecutable == true)
    }
  }

  @Test func whatIsNotThereIsNil() async throws {
    try await withRepository(["d/a": ""]) { tree throws in
      #expect(try tree.file(at: "d/x") == nil)
      #expect(try tree.file(at: "x/y/z") == nil)
      #expect(try tree.list("x") == [])
    }
  }

  @Test(arguments: ["link", "dirlink/a", "out/passwd", "outfile", "loop", "d", "fifo", "d/a/x"])
  func whatIsNoRegularFileIsRefused(path: String) async throws {
    let files = [
      "d/a": "", "link": "-> d/a", "dirlink": "-> d", "out": "-> /etc", "outfile": "-> /etc/passwd",
      "loop": "-> loop",
    ]
    try await withRepository(files) { tree throws in
      #expect(mkfifo(tree.root + "/fifo", 0o600) == 0)
      let error = #expect(throws: ManifestError.self) { try tree.file(at: path) }
      #expect(error?.codes == [.unreadable])
      #expect(error?.problems.first?.location.file == path)
    }
  }

  @Test(arguments: ["../x", "/etc/passwd", "d/../../x", "d//a", "./d/a", "d/./a", ""])
  func pathsThatLeaveTheRootAreRefused(path: String) async throws {
    try await withRepository(["d/a": ""]) { tree throws in
      _ = #expect(throws: ManifestError.self) { try tree.file(at: path) }
    }
  }

  @Test func aLinkAsADirectoryIsNotListed() async throws {
    try await withRepository(["out": "-> /etc", "d/a": ""]) { tree throws in
      #expect(throws: ManifestError.self) { try tree.list("out") }
      #expect(throws: ManifestError.self) { try tree.list("d/a") }
      #expect(throws: ManifestError.self) { try tree.list("../") }
    }
  }

  @Test func aFIFOInAFolderIsRefused() async throws {
    try await withRepository([:]) { tree throws in
      #expect(mkfifo(tree.root + "/fifo", 0o600) == 0)
      #expect(codes { try tree.list("") } == [.unreadable])
    }
  }

  @Test func aNameThatIsNoUTF8IsRefused() async throws {
    try await withRepository([:]) { tree throws in
      let path = (Array(tree.root.utf8) + [0x2F, 0xFF, 0]).map { CChar(bitPattern: $0) }
      let descriptor = open(path, O_CREAT | O_WRONLY, 0o600)
      try #require(descriptor >= 0)
      close(descriptor)
      #expect(codes { try tree.list("") } == [.unreadable])
    }
  }

  @Test func aFileAboveTheLimitIsRefused() async throws {
    try await withRepository(["big": ""]) { tree throws in
      // Sparse: it takes no space.
      #expect(truncate(tree.root + "/big", off_t(WorkTree.maximumFileSize) + 1) == 0)
      #expect(codes { try tree.file(at: "big") } == [.unreadable])
    }
  }

  @Test func theRepositoryIsTheNearestFolderWithImages() async throws {
    try await withRepository(["a/b/m.yaml": "", "a/images/x/component.yaml": ""]) { tree throws in
      let root = try #require(realpath(tree.root, nil))
      defer { free(root) }
      let found = try WorkTree.enclosing(manifest: tree.root + "/a/b/../b/m.yaml")
      #expect(found.tree.root == String(cString: root) + "/a")
      #expect(found.manifestPath == "b/m.yaml")
      let outer = try WorkTree.enclosing(manifest: tree.root + "/m.yaml")
      #expect(outer.tree.root == String(cString: root))
      #expect(outer.manifestPath == "m.yaml")
    }
  }

  @Test func aManifestOutsideOfARepositoryIsRefused() async throws {
    try await withScratchDirectory { directory in
      let path = directory.appending(path: "m.yaml").path
      let error = #expect(throws: ManifestError.self) { try WorkTree.enclosing(manifest: path) }
      #expect(
        error?.description == "\(path):1:1: no directory above the manifest has a folder images; make "
          + "one in the root of the repository for the components")
      #expect(throws: ManifestError.self) { try WorkTree.enclosing(manifest: path + "/no/such.yaml") }
      #expect(throws: ManifestError.self) { try WorkTree.enclosing(manifest: "") }
    }
  }

  @Test func aManifestIsLoadedByItsPathOnDisk() async throws {
    try await withRepository(["manifests/a.yaml": image()]) { tree throws in
      let image = try ManifestLoader.load(file: tree.root + "/manifests/a.yaml")
      #expect(image.manifestPath == "manifests/a.yaml")
    }
  }

  @Test func theDigestFollowsContentAndKindButNotPlace() async throws {
    let files = [
      "manifests/a.yaml": image(components: "[x]"), "images/x/component.yaml": component("x"),
      "images/x/files/f": "1", "images/unused/component.yaml": component("unused"),
    ]
    func digest(_ change: (WorkTree) throws -> Void = { _ in }) async throws -> String {
      try await withRepository(files) { tree throws in
        try change(tree)
        return try ManifestLoader(tree: tree).load(manifestPath: "manifests/a.yaml").sourceDigest.hex
      }
    }
    let plain = try await digest()
    #expect(try await digest() == plain)
    #expect(
      try await digest { try Data("x".utf8).write(to: URL(filePath: $0.root + "/images/unused/y")) } == plain)
    #expect(
      try await digest { try Data("2".utf8).write(to: URL(filePath: $0.root + "/images/x/files/f")) } != plain
    )
    #expect(try await digest { _ = chmod($0.root + "/images/x/files/f", 0o755) } != plain)
    #expect(
      try await digest {
        try FileManager.default.moveItem(
          atPath: $0.root + "/images/x/files/f", toPath: $0.root + "/images/x/files/g")
      } != plain)
  }
}
