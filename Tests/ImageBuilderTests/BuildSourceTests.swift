import Foundation
import Manifest
import Provenance
import TestSupport
import Testing

@testable import ImageBuilder

/// A repository of manifests, made with the real git.
private struct Sources {
  let root: URL

  static let manifest = """
    apiVersion: netimg/v1
    kind: Image
    name: a
    architecture: amd64
    suite: {name: trixie, keyring: /k.gpg}
    components: []
    kernel:
      package: linux-image-amd64

    """

  init(_ root: URL, below prefix: String = "") throws {
    self.root = root
    try write(Self.manifest, to: "\(prefix)manifests/a.yaml")
    try write("lock", to: "\(prefix)manifests/a.lock.json")
    try write("", to: "\(prefix)images/.keep")
  }

  func write(_ text: String, to path: String) throws {
    let file = root.appendingPathComponent(path)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  @discardableResult
  func git(_ arguments: String...) throws -> String {
    let identity = [
      "-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main",
    ]
    let result = try run(["git", "-C", root.path] + identity + arguments)
    #expect(result.status == 0, "\(arguments): \(result.errorText)")
    return String(result.text.prefix { $0 != "\n" })
  }

  func commit() throws {
    try git("add", "-A")
    try git("commit", "-q", "-m", "state")
  }

  func path(_ path: String) -> String { root.appendingPathComponent(path).path }
}

@Suite("where a build's sources are", .enabled(if: findTool("git") != nil, "git is missing"))
struct BuildSourceTests {
  @Test("outside a repository there is no commit, and the manifest must give the version")
  func noGit() async throws {
    try await withScratchDirectory { scratch in
      let sources = try Sources(scratch)
      let source = try BuildSource(workTreeManifest: sources.path("manifests/a.yaml"))
      #expect(source.revision == nil && !source.isDirty)
      #expect(source.lockPath == "manifests/a.lock.json" && source.lockBytes == Array("lock".utf8))
      #expect(code { try source.version() } == .manifest)
      try sources.write(Sources.manifest + "version: \"7\"\n", to: "manifests/a.yaml")
      #expect(try BuildSource(workTreeManifest: sources.path("manifests/a.yaml")).version() == "7")
    }
  }

  @Test("dirty is what the image is made of, and nothing else")
  func dirty() async throws {
    try await withScratchDirectory { scratch in
      let sources = try Sources(scratch)
      try sources.git("init", "-q")
      try sources.commit()
      try sources.git("tag", "v2.5")
      let manifest = sources.path("manifests/a.yaml")
      func load() throws -> BuildSource { try BuildSource(workTreeManifest: manifest) }
      let clean = try load()
      #expect(!clean.isDirty)
      #expect(
        try clean.version() == sources.git("describe", "--tags").replacingOccurrences(of: "v2.5", with: "2.5")
      )
      let head = try sources.git("rev-parse", "HEAD")
      #expect(clean.revision?.commit == head)
      try sources.write("notes", to: "notes.txt")
      try sources.write(
        Sources.manifest.replacingOccurrences(of: "name: a", with: "name: b"), to: "manifests/b.yaml")
      #expect(try !load().isDirty)
      try sources.write("another lock", to: "manifests/a.lock.json")
      #expect(try load().isDirty)
      #expect(try load().version().hasSuffix("-dirty"))
      try sources.write("lock", to: "manifests/a.lock.json")
      try sources.write(Sources.manifest + "# a comment\n", to: "manifests/a.yaml")
      #expect(try load().isDirty)
      try sources.git("add", "-A")
      #expect(try load().isDirty, "what is only staged is not committed")
    }
  }

  @Test("--git-ref reads the revision, whatever the work tree has become", arguments: ["", "sub/project/"])
  func reference(prefix: String) async throws {
    try await withScratchDirectory { scratch in
      let sources = try Sources(scratch, below: prefix)
      try sources.git("init", "-q")
      try sources.commit()
      try sources.git("tag", "first")
      let expected = try BuildSource(workTreeManifest: sources.path("\(prefix)manifests/a.yaml"))
      #expect(!expected.isDirty)
      try sources.write("broken: [", to: "\(prefix)manifests/a.yaml")
      try sources.write("second", to: "\(prefix)manifests/a.lock.json")
      try sources.commit()
      let source = try BuildSource(gitReference: "first", manifest: sources.path("\(prefix)manifests/a.yaml"))
      #expect(source.image.sourceDigest == expected.image.sourceDigest)
      #expect(source.lockBytes == Array("lock".utf8))
      #expect(source.lockPath == expected.lockPath)
      #expect(source.image.manifestPath == expected.image.manifestPath)
      #expect(source.revision == expected.revision)
      #expect(try source.version() == expected.version())
      #expect(throws: (any Error).self) {
        try BuildSource(gitReference: "HEAD", manifest: sources.path("\(prefix)manifests/a.yaml"))
      }
      #expect(throws: (any Error).self) {
        try BuildSource(gitReference: "none", manifest: sources.path("\(prefix)manifests/a.yaml"))
      }
    }
  }

  @Test(
    "the lock file lies beside its manifest",
    arguments: [
      ("m/x.yaml", "m/x.lock.json"), ("x.yml", "x.lock.json"), ("x", "x.lock.json"),
      ("a.yaml.yaml", "a.yaml.lock.json"),
    ])
  func lockPath(manifest: String, lock: String) {
    #expect(BuildSource.lockPath(of: manifest) == lock)
  }

  @Test("a missing lock file says how to make it, a broken one what is wrong")
  func lock() async throws {
    try await withScratchDirectory { scratch in
      let sources = try Sources(scratch)
      let manifest = sources.path("manifests/a.yaml")
      #expect(throws: (any Error).self) { try BuildSource(workTreeManifest: manifest).lock() }
      unlink(sources.path("manifests/a.lock.json"))
      let error = #expect(throws: BuildError.self) { try BuildSource(workTreeManifest: manifest).lock() }
      #expect(error?.code == .lock)
      #expect(error?.message.contains("netimg lock manifests/a.yaml") == true)
    }
  }
}
