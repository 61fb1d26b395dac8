package import Bytes

/// A dm-verity hash tree with its superblock, as a hash device (or the rest of a data device) holds it.
package struct VerityTree: Sendable, Equatable {
  /// The superblock's block, then the levels from the root down to the leaves: a multiple of 4096 bytes.
  package let bytes: [UInt8]
  /// What the kernel needs to be told: whoever trusts it can trust every block.
  package let rootHash: SHA256Digest
}

/// dm-verity hash trees: superblock version 1, hash type 1, SHA-256, blocks of 4096 bytes, no salt
/// (kernel documentation, "device-mapper/verity"; the on-disk superblock is cryptsetup's).
///
/// No salt, so that a block's hash depends on nothing but the block: leaf hashes are cached by pack.
package enum DmVerity {
  /// Changes whenever the same blocks and UUID would give other bytes.
  package static let formatVersion = 1
  /// The size of data and hash blocks in bytes.
  package static let blockSize = 4096
  /// The size of a hash in bytes.
  package static let hashSize = SHA256Digest.byteCount

  /// The hashes of consecutive blocks, 32 bytes each.
  /// - Parameter data: Whole blocks: a multiple of 4096 bytes, or the program stops.
  package static func leafHashes(of data: UnsafeRawBufferPointer) -> [UInt8] {
    precondition(data.count.isMultiple(of: blockSize), "a hash tree is made of whole blocks")
    let size = data.count / blockSize * hashSize
    return [UInt8](unsafeUninitializedCapacity: size) { output, count in
      count = size
      guard var target = output.baseAddress else { return }
      for start in stride(from: 0, to: data.count, by: blockSize) {
        SHA256.hash(UnsafeRawBufferPointer(rebasing: data[start..<start + blockSize]), into: target)
        target += hashSize
      }
    }
  }

  /// The tree over blocks whose hashes are known.
  /// - Parameters:
  ///   - leafHashes: 32 bytes for each data block, in order; at least one block.
  ///   - uuid: 16 bytes for the superblock; they do not change the root hash.
  /// - Throws: `invalidEntry` for lengths that do not fit.
  package static func tree(leafHashes: [UInt8], uuid: [UInt8]) throws(ImageFormatError) -> VerityTree {
    guard !leafHashes.isEmpty, leafHashes.count.isMultiple(of: hashSize) else {
      throw ImageFormatError(
        .invalidEntry,
        "\(leafHashes.count) bytes of leaf hashes make no verity tree: give 32 bytes for each data block")
    }
    guard uuid.count == 16 else {
      throw ImageFormatError(.invalidEntry, "the verity UUID has \(uuid.count) bytes: give 16")
    }
    var levels: [[UInt8]] = []
    var hashes = leafHashes
    while hashes.count > hashSize {
      // The unused rest of a level's last block is zero, and hashed with it.
      hashes += [UInt8](repeating: 0, count: aligned(hashes.count, to: blockSize) - hashes.count)
      levels.append(hashes)
      hashes = hashes.withUnsafeBytes { Self.leafHashes(of: $0) }
    }
    guard let rootHash = SHA256Digest(hashes) else {
      throw ImageFormatError(.invalidEntry, "the verity tree has no root hash: give 32 bytes for each block")
    }
    var bytes = superblock(dataBlocks: UInt64(leafHashes.count / hashSize), uuid: uuid)
    bytes.reserveCapacity(levels.reduce(bytes.count) { $0 + $1.count })
    for level in levels.reversed() { bytes += level }
    return VerityTree(bytes: bytes, rootHash: rootHash)
  }

  private static func superblock(dataBlocks: UInt64, uuid: [UInt8]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: blockSize)
    bytes.store("verity".utf8, at: 0)  // padded to 8 with NUL
    bytes.store(UInt32(1), at: 8)  // version
    bytes.store(UInt32(1), at: 12)  // hash type 1: salt first, digests packed
    bytes.store(uuid, at: 16)
    bytes.store("sha256".utf8, at: 32)
    bytes.store(UInt32(blockSize), at: 64)  // data block size
    bytes.store(UInt32(blockSize), at: 68)  // hash block size
    bytes.store(dataBlocks, at: 72)
    return bytes  // salt size 0 at 80, and no salt
  }
}
