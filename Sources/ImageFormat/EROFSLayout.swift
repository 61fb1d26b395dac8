/// Where every inode goes: decided from sizes alone, before a byte is written.
struct EROFSLayout {
  struct Inode {
    let node: Int
    /// 32 (compact) or 64 bytes (extended).
    let size: Int
    let attributes: [UInt8]
    /// The length of the inode's data: a file's, a directory's, a symbolic link's.
    let dataSize: UInt64
    /// How many bytes of data follow the inode; 0 when all are in blocks.
    let inlineSize: Int
    /// How many blocks of data go after the inodes; a file's are elsewhere.
    let blocks: Int
    /// The offset in the metadata area.
    var offset: Int
    /// The first of `blocks`, counted from the end of the inodes.
    var firstBlock: Int

    var length: Int { size + attributes.count + inlineSize }
  }

  /// In the order of their allocation: the root, then directory by directory, so that what is listed together
  /// is read together.
  private(set) var inodes: [Inode] = []
  /// The index in ``inodes`` for each node; -1 for hard links.
  private(set) var inodeOfNode: [Int]
  /// The bytes that the inodes span, not yet rounded to blocks. The first slot stays empty: inode number 0
  /// means "deleted" to readers of directories.
  private(set) var inodeBytes = EROFS.slotSize
  /// The blocks of directories and long symbolic links after the inodes.
  private(set) var dataBlocks = 0
  /// Free slots that an inode with inline data left before a block's end.
  private var gap = 0..<0

  init(_ tree: EROFSTree) throws(ImageFormatError) {
    inodeOfNode = [Int](repeating: -1, count: tree.nodes.count)
    inodes.reserveCapacity(tree.nodes.count)
    try append(0, tree)
    var next = 0
    // Breadth first: the inodes appended here are this queue's later members.
    while next < inodes.count {
      for child in tree.nodes[inodes[next].node].children where tree.nodes[child].inode == child {
        try append(child, tree)
      }
      next += 1
    }
  }

  private mutating func append(_ node: Int, _ tree: EROFSTree) throws(ImageFormatError) {
    var inode = try Self.measure(node, tree)
    inode.offset = place(inode.length)
    inode.firstBlock = dataBlocks
    dataBlocks += inode.blocks
    inodeOfNode[node] = inodes.count
    inodes.append(inode)
  }

  /// Finds room. What fits into a block does not cross its end: the kernel refuses inline data that does.
  private mutating func place(_ length: Int) -> Int {
    let room = aligned(length, to: EROFS.slotSize)
    if room <= gap.count {
      let offset = gap.lowerBound
      gap = offset + room..<gap.upperBound
      return offset
    }
    let blockEnd = aligned(inodeBytes + 1, to: EROFS.blockSize)
    if inodeBytes + length > blockEnd {
      if blockEnd - inodeBytes > gap.count { gap = inodeBytes..<blockEnd }
      inodeBytes = blockEnd
    }
    let offset = inodeBytes
    inodeBytes += room
    return offset
  }

  private static func measure(_ node: Int, _ tree: EROFSTree) throws(ImageFormatError) -> Inode {
    let entry = tree.entry(of: node)
    let attributes = try EROFSAttributes.encode(entry.extendedAttributes, path: entry.path)
    let dataSize: UInt64
    switch entry.kind {
    case .directory: dataSize = UInt64(EROFSDirectory(node, tree).size)
    case .file(let size, _): dataSize = size
    case .symlink(let target):
      let bytes = target.utf8
      guard !bytes.isEmpty, bytes.count <= ImagePath.maximumLength, !bytes.contains(0) else {
        throw ImageFormatError(
          .invalidEntry, "the symbolic link \(entry.path) needs a target of 1 to 4095 bytes without NUL")
      }
      dataSize = UInt64(bytes.count)
    case .hardLink: dataSize = 0
    }
    let small =
      entry.owner <= UInt16.max && entry.group <= UInt16.max && dataSize <= UInt32.max
      && tree.nodes[node].links <= UInt16.max
    let size = small ? EROFS.compactInodeSize : EROFS.extendedInodeSize
    var inlineSize = 0
    var blocks = 0
    switch entry.kind {
    case .file, .hardLink: break
    case .directory, .symlink:
      let tail = Int(dataSize % UInt64(EROFS.blockSize))
      if tail > 0, size + attributes.count + tail <= EROFS.blockSize { inlineSize = tail }
      blocks = (Int(dataSize) - inlineSize + EROFS.blockSize - 1) / EROFS.blockSize
    }
    return Inode(
      node: node, size: size, attributes: attributes, dataSize: dataSize, inlineSize: inlineSize,
      blocks: blocks, offset: 0, firstBlock: 0)
  }
}
