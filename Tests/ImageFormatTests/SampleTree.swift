import ImageFormat

/// A small tree with everything that the format treats in a way of its own, and the file data for it.
struct SampleTree {
  var entries: [EROFSEntry] = [EROFSEntry(path: "", kind: .directory, permissions: 0o755)]
  /// Blocks 1 to D.
  private(set) var data: [UInt8] = []
  /// What every file holds, by the bytes of its path (strings are equal up to normalisation).
  private(set) var contents: [[UInt8]: [UInt8]] = [:]

  var dataBlocks: UInt32 { UInt32(data.count / EROFS.blockSize) }

  mutating func directory(_ path: String, permissions: UInt16 = 0o755) {
    entries.append(EROFSEntry(path: path, kind: .directory, permissions: permissions))
  }

  mutating func file(
    _ path: String, _ bytes: [UInt8], permissions: UInt16 = 0o644, owner: UInt32 = 0, group: UInt32 = 0,
    attributes: [ExtendedAttribute] = []
  ) {
    entries.append(
      EROFSEntry(
        path: path, kind: .file(size: UInt64(bytes.count), firstBlock: dataBlocks + 1),
        permissions: permissions, owner: owner, group: group, extendedAttributes: attributes))
    data += bytes
    data += [UInt8](
      repeating: 0, count: (EROFS.blockSize - bytes.count % EROFS.blockSize) % EROFS.blockSize)
    contents[[UInt8](path.utf8)] = bytes
  }

  mutating func symlink(_ path: String, _ target: String) {
    entries.append(EROFSEntry(path: path, kind: .symlink(target: target), permissions: 0o777))
  }

  mutating func hardLink(_ path: String, to target: String) {
    entries.append(EROFSEntry(path: path, kind: .hardLink(to: target), permissions: 0o644))
    contents[[UInt8](path.utf8)] = contents[[UInt8](target.utf8)]
  }

  func encode() throws -> EROFSMetadata {
    try EROFS.encode(
      entries, dataBlocks: dataBlocks, timestamp: 1_750_000_000, uuid: SampleTree.uuid, label: "sample")
  }

  /// The whole image.
  func image() throws -> [UInt8] {
    let metadata = try encode()
    return metadata.superblock + data + metadata.metadata
  }

  static let uuid: [UInt8] = [
    0x6e, 0x65, 0x74, 0x69, 0x6d, 0x67, 0x40, 0x00, 0x80, 0x00, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05,
  ]

  /// Two files and a link: small enough to check by hand.
  static var small: SampleTree {
    var tree = SampleTree()
    tree.directory("etc")
    tree.file("etc/hostname", [UInt8]("router\n".utf8))
    tree.file("etc/motd", [])
    tree.symlink("bin", "usr/bin")
    return tree
  }

  /// Everything at once: long links, directories of many blocks, attributes, odd names, large owners.
  static var rich: SampleTree {
    var tree = SampleTree.small
    tree.directory("usr", permissions: 0o1777)
    tree.directory("usr/bin")
    tree.directory("usr/empty", permissions: 0o700)
    let program = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 8) }
    tree.file(
      "usr/bin/ping", program, permissions: 0o4755,
      attributes: [
        ExtendedAttribute(name: "user.note", value: [UInt8]("second by number".utf8)),
        ExtendedAttribute(
          name: "security.capability",
          value: [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ExtendedAttribute(name: "trusted.overlay.opaque", value: [0x79]),
        ExtendedAttribute(name: "user.empty", value: []),
      ])
    tree.hardLink("usr/bin/ping4", to: "usr/bin/ping")
    tree.hardLink("usr/ping6", to: "usr/bin/ping")
    tree.file("usr/exact", [UInt8](repeating: 0x5a, count: 8192))
    tree.file("usr/foreign", [1, 2, 3], owner: 70_000, group: 100_000)
    tree.file(
      "usr/acl", [4],
      attributes: [
        // Version 2, then user::rw-, user:1000:r--, group::r--, mask::r--, other::r--.
        ExtendedAttribute(
          name: "system.posix_acl_access",
          value: [
            2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 0xe8, 3, 0, 0, 4, 0, 4, 0, 255, 255, 255,
            255, 16, 0, 4, 0, 255, 255, 255, 255, 32, 0, 4, 0, 255, 255, 255, 255,
          ])
      ])
    tree.file(
      "usr/heavy", [5],
      attributes: [ExtendedAttribute(name: "user.big", value: .init(repeating: 7, count: 9000))])
    // Names around "." and "..", in the byte order that a search must follow; and two that look alike.
    for name in ["!first", "+a", "-dash", ".hidden", "..data", ".-", "...", "é", "e\u{301}", "~last", "a b"] {
      tree.file("usr/bin/\(name)", [UInt8](name.utf8))
    }
    // Target lengths around what fits next to an inode in a block, and the longest.
    for length in [1, 59, 4063, 4064, 4065, 4095] {
      tree.symlink("usr/link-\(length)", String(repeating: "x", count: length))
    }
    tree.directory("srv")
    for index in 0..<900 {
      tree.symlink("srv/name-that-is-long-enough-to-fill-blocks-\(index)", "../target-\(index % 7)")
    }
    // Directories whose last block is nearly full, so that it cannot be inline.
    for fill in 15...20 {
      tree.directory("srv/tail-\(fill)")
      for index in 0..<fill {
        tree.symlink("srv/tail-\(fill)/" + String(repeating: "n", count: 190) + "\(100 + index)", "t")
      }
    }
    var deep = "deep"
    for _ in 0..<40 {
      tree.directory(deep)
      deep += "/" + String(repeating: "d", count: 50)
    }
    tree.file("deep/end", [UInt8](repeating: 0xee, count: 4097))
    return tree
  }
}
