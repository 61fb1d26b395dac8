import FoundationEssentials
import Manifest
import Provenance
import TestSupport
import Testing

/// A repository made with the real git, so that libgit2 is compared with it.
private struct Repository {
  let directory: URL

  init(in directory: URL) throws {
    self.directory = directory
    try git("init", "-q", "-b", "main")
  }

  @discardableResult
  func git(_ arguments: String...) throws -> String {
    let identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "tag.gpgSign=false"]
    let result = try run(["git", "-C", directory.path] + identity + arguments)
    #expect(result.status == 0, "\(arguments): \(result.errorText)")
    return String(result.text.prefix { $0 != "\n" })
  }

  func write(_ text: String, to path: String) throws {
    let file = directory.appendingPathComponent(path)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  func commit(_ message: String) throws {
    try git("add", "-A")
    try git("commit", "-q", "--allow-empty", "-m", message)
  }
}

@Suite("git repositories")
struct GitRepositoryTests {
  private func withRepository(_ body: (Repository) async throws -> Void) async throws {
    try await withScratchDirectory { directory in try await body(try Repository(in: directory)) }
  }

  @Test("commit, time and tree agree with git's own answers, from a subdirectory too")
  func revision() async throws {
    try await withRepository { source in
      try source.write("one", to: "a/b/file.txt")
      try source.commit("first")
      let repository = try GitRepository(
        containing: source.directory.appendingPathComponent("a/b").path)
      let head = try repository.revision("HEAD")
      #expect(try head.commit == source.git("rev-parse", "HEAD"))
      #expect(try String(head.time) == source.git("log", "-1", "--format=%ct"))
      #expect(try repository.revision(String(head.commit.prefix(8))) == head)
      let workTree = try #require(repository.workTree)
      #expect(try workTree == source.git("rev-parse", "--show-toplevel"))
      #expect(throws: GitError.self) { try repository.revision("no-such-branch") }
    }
  }

  @Test("versions: a tag without its v, the last of several, else the count and the hash")
  func versions() async throws {
    try await withRepository { source in
      try source.commit("first")
      try source.commit("second")
      let repository = try GitRepository(containing: source.directory.path)
      let head = try repository.revision("HEAD")
      #expect(try repository.version(of: head) == "0.0.0-2-g\(head.commit.prefix(12))")
      try source.git("tag", "v1.2.3")
      #expect(try repository.version(of: head) == "1.2.3")
      try source.git("tag", "-a", "-m", "annotated", "v1.2.4")
      #expect(try repository.version(of: head) == "1.2.4")
      try source.commit("third")
      let next = try repository.revision("HEAD")
      #expect(try repository.version(of: next) == "0.0.0-3-g\(next.commit.prefix(12))")
      #expect(try repository.version(of: repository.revision("v1.2.3")) == "1.2.4")
    }
  }

  @Test("a shallow clone cannot count its commits, and says what to do")
  func shallow() async throws {
    try await withRepository { source in
      try source.commit("first")
      try source.commit("second")
      try await withScratchDirectory { directory in
        let clone = directory.appendingPathComponent("clone").path
        #expect(
          try run(["git", "clone", "-q", "--depth", "1", "file://\(source.directory.path)", clone]).status
            == 0)
        let repository = try GitRepository(containing: clone)
        let head = try repository.revision("HEAD")
        #expect {
          try repository.version(of: head)
        } throws: {
          ($0 as? GitError)?.code == .shallow && "\($0)".contains("fetch the whole history")
        }
      }
    }
  }

  @Test("outside a repository")
  func outside() async throws {
    try await withScratchDirectory { directory in
      #expect {
        try GitRepository(containing: directory.path)
      } throws: {
        ($0 as? GitError)?.code == .notFound
      }
    }
  }

  @Test("a commit's files answer as the work tree does, whatever the work tree has become")
  func tree() async throws {
    try await withRepository { source in
      try source.write("one", to: "images/base/files/etc/one")
      try source.write("#!/bin/sh\n", to: "images/base/run")
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o755],
        ofItemAtPath: source.directory.appendingPathComponent("images/base/run").path)
      try FileManager.default.createSymbolicLink(
        atPath: source.directory.appendingPathComponent("images/link").path, withDestinationPath: "base/run")
      try source.commit("first")
      let repository = try GitRepository(containing: source.directory.path)
      let tree = repository.tree(of: try repository.revision("HEAD"))
      let work = WorkTree(root: source.directory.path)
      for path in ["images/base/files/etc/one", "images/base/run", "images/none", "none/at/all"] {
        #expect(try tree.file(at: path) == work.file(at: path))
      }
      for directory in ["images", "images/base", "images/base/files", "none"] {
        #expect(try tree.list(directory) == work.list(directory))
      }
      try source.write("changed", to: "images/base/files/etc/one")
      #expect(try tree.file(at: "images/base/files/etc/one")?.bytes == Array("one".utf8))
      #expect(throws: GitError.self) { try tree.file(at: "images/base") }
      #expect(throws: GitError.self) { try tree.file(at: "images/link") }
      #expect(throws: GitError.self) { try tree.list("images/base/run") }
    }
  }
}
