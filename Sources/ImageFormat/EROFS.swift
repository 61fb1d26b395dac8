/// The Enhanced Read-Only File System, uncompressed, as Linux 6.1 and later mount it
/// (kernel documentation, "filesystems/erofs"; the structures are those of `fs/erofs/erofs_fs.h`).
///
///     block 0        1 … D        D+1 …                         (end of the file system)
///     ┌────────────┬────────────┬───────────────┬───────────────┐
///     │ superblock │ file data  │ inodes        │ blocks of big │  the verity tree follows,
///     │ at 1024    │ (builder)  │ + inline tails│ directories   │  outside the file system
///     └────────────┴────────────┴───────────────┴───────────────┘
///
/// File data comes first so that its place does not depend on names: a pack keeps its frames when only
/// metadata changes. Everything after it is small.
package enum EROFS {
  /// The version of the bytes that ``encode(_:dataBlocks:timestamp:uuid:label:)`` makes for given input: it
  /// changes whenever they do, and is part of every cache key.
  package static let formatVersion = 1
  /// The size of a block in bytes, and the alignment of file data.
  package static let blockSize = 4096

  /// The superblock's offset in block 0: what comes before belongs to boot loaders.
  static let superblockOffset = 1024
  static let superblockSize = 128
  static let magic: UInt32 = 0xE0F5_E1E2
  /// An inode number ("nid") counts slots of 32 bytes from the start of the metadata area.
  static let slotSize = 32
  static let compactInodeSize = 32
  static let extendedInodeSize = 64
  static let directoryEntrySize = 12
  /// The superblock's `feature_compat`: it has a checksum, and times are modification times.
  static let compatibleFeatures: UInt32 = 0x1 | 0x2

  /// `i_format`, bits 1 to 3: where an inode's data is.
  enum DataLayout: UInt16 {
    /// In consecutive blocks.
    case flatPlain = 0
    /// In consecutive blocks, except for what is left over, which follows the inode.
    case flatInline = 2
  }

  /// `file_type` of a directory entry.
  enum FileType: UInt8 {
    case regular = 1
    case directory = 2
    case symbolicLink = 7
  }

  /// `i_mode`, type bits.
  enum ModeType {
    static let mask: UInt16 = 0o170000
    static let directory: UInt16 = 0o040000
    static let regular: UInt16 = 0o100000
    static let symbolicLink: UInt16 = 0o120000
  }
}

/// The two pieces of an EROFS image around the file data.
package struct EROFSMetadata: Sendable, Equatable {
  /// Block 0: exactly 4096 bytes.
  package let superblock: [UInt8]
  /// The blocks after the file data: a multiple of 4096 bytes.
  package let metadata: [UInt8]
}
