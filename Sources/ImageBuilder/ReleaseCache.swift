package import BlobStore
package import Bytes

/// Finished releases, kept by what they were made of (`BuildInputs.key`): where nothing changed, nothing is built.
///
/// A record says how each file is put together from blobs, most of which are frames that the store has anyway; the
/// kernel and the documents are added. A release comes out only if every blob still has its digest.
package struct ReleaseCache: Sendable {
  /// Changes whenever records are written or read in another way.
  static let formatVersion = 1
  private static let recordKind = "release"
  /// Shorter chunks are kept in the record itself.
  private static let smallestBlob = 4096

  private let store: BlobStore

  package init(store: BlobStore) {
    self.store = store
  }

  /// Keeps a release that has just been built. A store that cannot be written only makes the next build slower.
  package func keep(_ built: BuiltRelease, as key: SHA256Digest) {
    guard let record = try? record(of: built) else { return }
    try? store.setRecord(record.encode(), kind: Self.recordKind, key: key.hex, durable: false)
  }

  /// What is known of the release with this key; its bytes are not looked at yet.
  package func kept(_ key: SHA256Digest) throws -> KeptRelease? {
    guard let bytes = try store.record(kind: Self.recordKind, key: key.hex) else { return nil }
    return try? KeptRelease(decoding: bytes)
  }

  /// The release with all its bytes, read and checked on all cores; `nil` if the store no longer has them.
  package func restore(_ kept: KeptRelease) async throws -> BuiltRelease? {
    var wanted: [SHA256Digest] = []
    var seen: Set<SHA256Digest> = []
    for case .blob(let digest, _) in kept.files.flatMap(\.segments) where seen.insert(digest).inserted {
      wanted.append(digest)
    }
    let store = store
    let blobs = try await concurrentMap(wanted) { digest in try store.read(digest).map { (digest, $0) } }
    let byDigest = Dictionary(blobs.compactMap(\.self)) { first, _ in first }
    var files: [(name: String, content: ByteRope)] = []
    for file in kept.files {
      var content = ByteRope()
      for segment in file.segments {
        switch segment {
        case .literal(let bytes): content.append(bytes)
        case .blob(let digest, let size):
          guard let bytes = byDigest[digest], bytes.count == size else { return nil }
          content.append(bytes)
        }
      }
      guard content.count == file.size else { return nil }
      files.append((file.name, content))
    }
    return BuiltRelease(release: kept.release, files: files, manifest: kept.manifest)
  }

  private func record(of built: BuiltRelease) throws -> KeptRelease {
    // Initrd and UKI share the frames' arrays: each is hashed and stored once.
    var known: [Chunk: SHA256Digest] = [:]
    for file in built.files where file.content.chunks.count == 1 {
      known[Chunk(file.content.chunks[0])] = built.frameDigest(file.name)
    }
    var stored: Set<SHA256Digest> = []
    let files = try built.files.map { file in
      let segments = try file.content.chunks.map { chunk -> KeptRelease.Segment in
        guard chunk.count >= Self.smallestBlob else { return .literal(chunk) }
        let digest = known[Chunk(chunk)] ?? SHA256.digest(of: chunk)
        known[Chunk(chunk)] = digest
        if stored.insert(digest).inserted, !store.contains(digest, size: chunk.count) {
          try store.insert(chunk, durable: false)
        }
        return .blob(digest, size: chunk.count)
      }
      guard let digest = built.frameDigest(file.name) ?? built.artifactDigest(file.name) else {
        throw BuildError(.badInput, "\(file.name) is in no list of the release")
      }
      return KeptRelease.File(name: file.name, size: file.content.count, digest: digest, segments: segments)
    }
    return KeptRelease(release: built.release, manifest: built.manifest, files: files)
  }

  /// Arrays that are the same memory. Only for arrays that stay alive meanwhile.
  private struct Chunk: Hashable {
    let address: UInt
    let count: Int

    init(_ bytes: [UInt8]) {
      address = bytes.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
      count = bytes.count
    }
  }
}

extension BuiltRelease {
  fileprivate func frameDigest(_ name: String) -> SHA256Digest? {
    let prefix = "\(ReleaseFile.frames)/"
    return name.hasPrefix(prefix) ? SHA256Digest(hex: name.dropFirst(prefix.count)) : nil
  }

  fileprivate func artifactDigest(_ name: String) -> SHA256Digest? {
    release.artifacts.first { $0.name == name }.flatMap { SHA256Digest(hex: $0.sha256) }
  }
}
