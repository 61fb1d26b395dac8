internal import Bytes
package import FrameFormat
internal import ImageFormat

/// A finished root image: its index, and the stored bytes of every frame.
package struct RootImage: Sendable {
  package let index: RootIndex
  /// The stored bytes of `index.frames`, in that order.
  package let frames: [[UInt8]]
}

/// How a root image is written.
package struct RootImageOptions: Sendable {
  /// zstd's level for the frames, 1 to 19.
  package var compressionLevel: Int
  /// Every time stamp of the file system, in seconds since the epoch.
  package var timestamp: UInt64
  /// The name in the superblock; at most 15 bytes are kept.
  package var label: String

  package init(compressionLevel: Int, timestamp: UInt64, label: String) {
    self.compressionLevel = compressionLevel
    self.timestamp = timestamp
    self.label = label
  }
}

extension RootImage {
  /// Lays the tree out, hashes and compresses it on all cores.
  ///
  /// The image is [superblock block][pack data…][metadata][verity superblock and tree]; only the first and the last
  /// two parts depend on the whole, so a changed file costs its own frame and these.
  package static func write(
    _ tree: RootTree, accounts: AccountNumbers, options: RootImageOptions, cache: FrameCache
  ) async throws -> RootImage {
    var plan = FramePlan()
    var packs: [PackName: [FileContent]] = [:]
    for path in tree.sortedPaths {
      guard let node = tree[path], case .file(let content) = node.kind else { continue }
      packs[node.pack, default: []].append(content)
    }
    for (_, files) in packs.sorted(by: { $0.key < $1.key }) { plan.append(pack: files) }

    let identity = Array(SHA256.digest(of: Array("netimg root \(options.label)".utf8)).bytes.prefix(16))
    let metadata = try EROFS.encode(
      try entries(of: tree, plan: plan, accounts: accounts), dataBlocks: UInt32(plan.nextBlock - 1),
      timestamp: options.timestamp, uuid: identity, label: String(options.label.prefix(15)))

    var sources: [FrameSource] = [.bytes(metadata.superblock)]
    sources += plan.slices.map { .slice($0) }
    sources += cut(metadata.metadata).map { .bytes($0) }
    let level = options.compressionLevel
    let made = try await concurrentMap(sources) { source in
      switch source {
      case .slice(let slice):
        try cache.frame(slice.key, level: level) { try slice.materialize() }
      case .bytes(let bytes):
        try cache.frame(SHA256.digest(of: bytes), level: level) { bytes }
      }
    }

    var leaves: [UInt8] = []
    leaves.reserveCapacity(made.reduce(0) { $0 + $1.leaves.count })
    for frame in made { leaves += frame.leaves }
    let verity = try DmVerity.tree(leafHashes: leaves, uuid: identity)
    // The tree is hashes, which do not compress: the fastest level does no worse.
    let tail = try await concurrentMap(cut(verity.bytes)) { try FrameCache.make($0, level: 1) }

    let all = made + tail
    let index = RootIndex(
      dataSize: UInt64(leaves.count / SHA256Digest.byteCount * EROFS.blockSize), rootHash: verity.rootHash,
      frames: all.map(\.frame))
    return RootImage(index: index, frames: all.map(\.stored))
  }

  private enum FrameSource: Sendable {
    case bytes([UInt8])
    case slice(FramePlan.Slice)
  }

  /// Cuts block-aligned bytes at every full frame.
  private static func cut(_ bytes: [UInt8]) -> [[UInt8]] {
    let size = FramePlan.blocksPerFrame * EROFS.blockSize
    return stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
  }

  private static func entries(
    of tree: RootTree, plan: FramePlan, accounts: AccountNumbers
  ) throws(BuildError) -> [EROFSEntry] {
    var entries: [EROFSEntry] = []
    var firstPaths: [ObjectIdentifier: String] = [:]
    for path in tree.sortedPaths {
      guard let node = tree[path] else { continue }
      let kind: EROFSEntry.Kind
      switch node.kind {
      case .directory: kind = .directory
      case .symlink(let target): kind = .symlink(target: target)
      case .file(let content):
        let identity = ObjectIdentifier(content)
        if let first = firstPaths[identity] {
          kind = .hardLink(to: first)
        } else {
          firstPaths[identity] = path
          kind = .file(size: UInt64(content.size), firstBlock: plan.firstBlocks[identity] ?? 0)
        }
      }
      entries.append(
        EROFSEntry(
          path: path, kind: kind, permissions: node.mode, owner: try accounts.user(node.owner, of: path),
          group: try accounts.group(node.group, of: path),
          extendedAttributes: node.extendedAttributes.sorted { $0.key < $1.key }
            .map { ExtendedAttribute(name: $0.key, value: $0.value) }))
    }
    return entries
  }
}
