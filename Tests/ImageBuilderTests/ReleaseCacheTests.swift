import BlobStore
import Bytes
import Foundation
import Signing
import TestSupport
import Testing

@testable import ImageBuilder

@Suite(
  "releases kept in the store",
  .enabled(if: TinyImage.isPossible, "missing: \(TinyImage.missingTools.joined(separator: ", "))"))
struct ReleaseCacheTests {
  /// A built release that is kept under its key, and the store.
  private func withKept(_ body: (BuiltRelease, SHA256Digest, BlobStore, String) async throws -> Void)
    async throws
  {
    let tiny = try await TinyImage()
    try await withScratchDirectory { scratch in
      let store = try BlobStore(root: scratch.appendingPathComponent("store").path)
      for bytes in tiny.packages.values { try store.insert(bytes, durable: false) }
      let inputs = tiny.inputs()
      let built = try await ImageBuild.run(inputs, store: store)
      let key = inputs.key(program: SHA256.digest(of: [7]))
      ReleaseCache(store: store).keep(built, as: key)
      try await body(built, key, store, scratch.path)
    }
  }

  private func overwrite(_ path: String, _ change: (inout [UInt8]) -> Void) throws {
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    change(&bytes)
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  @Test("what comes out is what went in, to the byte")
  func roundTrip() async throws {
    try await withKept { built, key, store, _ in
      let cache = ReleaseCache(store: store)
      let kept = try #require(try cache.kept(key))
      #expect(kept.digest == built.digest && kept.release == built.release)
      let restored = try #require(try await cache.restore(kept))
      #expect(restored.manifest == built.manifest && restored.release == built.release)
      #expect(restored.files.map(\.name) == built.files.map(\.name))
      for (one, other) in zip(restored.files, built.files) {
        #expect(one.content.flattened() == other.content.flattened(), "\(one.name)")
      }
      #expect(try cache.kept(SHA256.digest(of: [8])) == nil)
    }
  }

  @Test("a damaged or missing blob gives no release, and a damaged record none either")
  func damage() async throws {
    try await withKept { _, key, store, _ in
      let cache = ReleaseCache(store: store)
      let kept = try #require(try cache.kept(key))
      var blobs: Set<SHA256Digest> = []
      for case .blob(let digest, _) in kept.files.flatMap(\.segments) { blobs.insert(digest) }
      #expect(blobs.count >= 3)
      for digest in blobs.sorted() {
        let original = try #require(try store.read(digest))
        try overwrite(store.path(of: digest)) { $0[$0.count / 2] ^= 1 }
        #expect(try await cache.restore(kept) == nil)
        // It is gone now: missing is no better than damaged.
        #expect(try await cache.restore(kept) == nil)
        try store.insert(original, durable: false)
      }
      #expect(try await cache.restore(kept) != nil)
      try overwrite("\(store.root)/records/release/\(key.hex)") { $0[$0.count - 1] ^= 1 }
      #expect(try cache.kept(key) == nil)
    }
  }

  @Test("a record that is cut short anywhere is refused, and so is one with something behind it")
  func truncated() async throws {
    try await withKept { _, key, store, _ in
      let record = try #require(try store.record(kind: "release", key: key.hex))
      #expect(try KeptRelease(decoding: record).encode() == record)
      for count in stride(from: 0, to: record.count, by: 97) {
        #expect(throws: (any Error).self) { try KeptRelease(decoding: Array(record[..<count])) }
      }
      #expect(throws: (any Error).self) { try KeptRelease(decoding: record + [0]) }
    }
  }

  @Test("each input has its share in the key")
  func keys() async throws {
    let inputs = try await TinyImage().inputs()
    let program = SHA256.digest(of: [1])
    var keys = [inputs.key(program: program), inputs.key(program: SHA256.digest(of: [2]))]
    func with(_ change: (inout BuildInputs) -> Void) {
      var other = inputs
      change(&other)
      keys.append(other.key(program: program))
    }
    with { $0.lockDigest = SHA256.digest(of: [3]) }
    with { $0.stage0.append(0) }
    with { $0.version = "1.3" }
    with { $0.timestamp += 1 }
    with { $0.commit = "abc" }
    with { $0.isDirty = true }
    with { $0.compressionLevel = 4 }
    #expect(Set(keys).count == keys.count)
    #expect(inputs.key(program: program) == keys[0])
  }

  @Test("a directory is intact only if it has exactly the release's files")
  func intact() async throws {
    try await withKept { built, key, store, scratch in
      let kept = try #require(try ReleaseCache(store: store).kept(key))
      let directory = "\(scratch)/release"
      try await built.write(to: directory, signer: nil, replacing: false)
      #expect(await kept.isIntact(at: directory, signedBy: nil))
      #expect(await !kept.isIntact(at: "\(scratch)/nowhere", signedBy: nil))
      for name in built.files.map(\.name) + ["release.json"] {
        let path = "\(directory)/\(name)"
        let original = try Data(contentsOf: URL(fileURLWithPath: path))
        try overwrite(path) { $0[$0.count - 1] ^= 0x80 }
        #expect(await !kept.isIntact(at: directory, signedBy: nil), "\(name) changed")
        try overwrite(path) { $0.removeLast() }
        #expect(await !kept.isIntact(at: directory, signedBy: nil), "\(name) is short")
        try FileManager.default.removeItem(atPath: path)
        #expect(await !kept.isIntact(at: directory, signedBy: nil), "\(name) is missing")
        try original.write(to: URL(fileURLWithPath: path))
      }
      #expect(await kept.isIntact(at: directory, signedBy: nil))
      for extra in ["notes", "frames/notes", "release.dsse.json"] {
        try Data("x".utf8).write(to: URL(fileURLWithPath: "\(directory)/\(extra)"))
        #expect(await !kept.isIntact(at: directory, signedBy: nil), "\(extra) is one too many")
        try FileManager.default.removeItem(atPath: "\(directory)/\(extra)")
      }
    }
  }

  @Test("signatures count: by the key that is asked for, over these very documents")
  func signatures() async throws {
    try await withKept { built, key, store, scratch in
      let kept = try #require(try ReleaseCache(store: store).kept(key))
      let pair = try KeyPair.generate(name: "build")
      let directory = "\(scratch)/signed"
      try await built.write(to: directory, signer: FileSigner(pair), replacing: false)
      #expect(await kept.isIntact(at: directory, signedBy: pair.publicKey))
      #expect(try await !kept.isIntact(at: directory, signedBy: KeyPair.generate(name: "other").publicKey))
      #expect(await !kept.isIntact(at: directory, signedBy: nil))
      for name in ["release.dsse.json", "sbom.dsse.json", "provenance.dsse.json"] {
        let original = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)"))
        try Data("{}".utf8).write(to: URL(fileURLWithPath: "\(directory)/\(name)"))
        #expect(await !kept.isIntact(at: directory, signedBy: pair.publicKey), "\(name)")
        try original.write(to: URL(fileURLWithPath: "\(directory)/\(name)"))
      }
    }
  }

  @Test("a build that uses nothing kept takes no notice of what is, and gives the same")
  func anew() async throws {
    let tiny = try await TinyImage()
    try await withKept { built, _, store, _ in
      // Every frame that the records name goes: only a build that asks for none of them is right without.
      for key in try store.recordKeys(kind: "frame") {
        let record = try #require(try store.record(kind: "frame", key: key))
        var lie = record
        lie[lie.count - 1] ^= 1  // a leaf hash
        try store.setRecord(lie, kind: "frame", key: key)
      }
      let anew = try await ImageBuild.run(tiny.inputs(), store: store, usesKept: false)
      #expect(anew.manifest == built.manifest)
      // And what it made has taken the place of the lies.
      #expect(try await ImageBuild.run(tiny.inputs(), store: store).manifest == built.manifest)
    }
  }
}
