package import BlobStore
package import Bytes
package import FrameFormat
internal import ImageFormat

/// Compressed frames and their leaf hashes, kept by what they are made of: a build compresses only what is new.
package struct FrameCache: Sendable {
  private static let recordKind = "frame"

  /// A frame, ready for an image.
  package struct Made: Sendable {
    /// The stored bytes.
    package let stored: [UInt8]
    package let frame: RootIndex.Frame
    /// The dm-verity hashes of its blocks.
    package let leaves: [UInt8]
  }

  private let store: BlobStore
  private let usesKept: Bool

  /// - Parameter usesKept: whether frames of earlier builds count; new ones are kept in any case.
  package init(store: BlobStore, usesKept: Bool = true) {
    self.store = store
    self.usesKept = usesKept
  }

  /// The frame named by `key` (a digest that decides the content), from the store or made from `content`.
  package func frame(_ key: SHA256Digest, level: Int, content: () throws -> [UInt8]) throws -> Made {
    let name = "\(FrameCodec.formatVersion)-\(FrameCodec.encoder)-\(level)-\(key.hex)"
    if usesKept, let record = try store.record(kind: Self.recordKind, key: name), let made = try kept(record)
    {
      return made
    }
    let made = try Self.make(try content(), level: level)
    // A store that cannot be written only makes the next build slower.
    if (try? store.insert(made.stored, durable: false)) != nil {
      try? store.setRecord(Self.record(of: made), kind: Self.recordKind, key: name, durable: false)
    }
    return made
  }

  /// Compresses and hashes a frame, whose length may be anything for what is no part of the root image.
  package static func make(_ bytes: [UInt8], level: Int) throws -> Made {
    let stored = try bytes.withUnsafeBytes { try FrameCodec.compress($0, level: level) }
    return Made(
      stored: stored,
      frame: RootIndex.Frame(digest: SHA256.digest(of: stored), storedSize: stored.count, size: bytes.count),
      leaves: bytes.count % EROFS.blockSize == 0 ? bytes.withUnsafeBytes { DmVerity.leafHashes(of: $0) } : [])
  }

  /// `digest 32 | size 4 | leaf hashes`; the stored bytes are a blob of that digest.
  private static func record(of made: Made) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(made.frame.digest.bytes)
    writer.littleEndian(UInt32(made.frame.size))
    writer.append(made.leaves)
    return writer.bytes
  }

  private func kept(_ record: [UInt8]) throws -> Made? {
    var reader = ByteReader(record)
    guard let digest = try? SHA256Digest(reader.read(SHA256Digest.byteCount, "digest")),
      let size = try? Int(reader.littleEndian(UInt32.self, "size")),
      let leaves = try? reader.read(reader.remaining, "leaf hashes"), let stored = try store.read(digest)
    else { return nil }
    let blocks = size % EROFS.blockSize == 0 ? size / EROFS.blockSize : 0
    guard leaves.count == blocks * DmVerity.hashSize else { return nil }
    return Made(
      stored: stored, frame: RootIndex.Frame(digest: digest, storedSize: stored.count, size: size),
      leaves: Array(leaves))
  }
}
