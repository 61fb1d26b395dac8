import Bytes

extension EROFSReader {
  /// A directory entry as it is on disk.
  private struct Name {
    let bytes: ArraySlice<UInt8>
    let inode: UInt64
    let fileType: UInt8
  }

  /// Every name of the image: the root, then each directory followed by what is in it, in byte order.
  /// - Throws: `corrupt` for names that are bad, unsorted or twice there, for directories that have two names or
  ///   contain themselves, and for anything outside the image; `tooLarge` beyond `limits`; `unsupported`.
  package func tree(limits: Limits = Limits()) throws -> [Node] {
    var nodes: [Node] = []
    var pathBytes = 0
    let root = try node(rootNode, path: [])
    guard root.kind == .directory else {
      throw ImageFormatError(.corrupt, "the EROFS image's root is no directory")
    }
    // A directory has one name only: seeing one twice is a cycle or a forbidden hard link.
    var directories: Set<UInt64> = [rootNode]
    // Files of a plain image share no bytes: a small image with much in it would be a trap for whoever reads it all.
    var files: Set<UInt64> = []
    var fileBytes: UInt64 = 0
    // Nodes still to be listed, the next one last.
    var pending: [(node: Node, parent: UInt64)] = [(root, rootNode)]
    while let (node, parent) = pending.popLast() {
      nodes.append(node)
      guard node.kind == .directory else { continue }
      var children: [(node: Node, parent: UInt64)] = []
      for name in try names(in: node, parent: parent) {
        guard nodes.count + pending.count + children.count < limits.names else {
          throw ImageFormatError(.tooLarge, "the EROFS image has more than \(limits.names) names")
        }
        let path = node.pathBytes.isEmpty ? Array(name.bytes) : node.pathBytes + [0x2F] + name.bytes
        pathBytes += path.count
        guard path.count <= ImagePath.maximumLength, pathBytes <= limits.pathBytes else {
          throw ImageFormatError(.tooLarge, "the EROFS image's paths are too long below /\(node.path)")
        }
        let child = try self.node(name.inode, path: path)
        if child.kind == .directory {
          guard directories.insert(name.inode).inserted else {
            throw ImageFormatError(.corrupt, "the directory /\(child.path) is in the EROFS image twice")
          }
        }
        if child.kind == .file, files.insert(name.inode).inserted {
          guard child.size <= byteCount, fileBytes + child.size <= byteCount else {
            throw ImageFormatError(
              .corrupt, "the files of the EROFS image are larger than itself from /\(child.path) on")
          }
          fileBytes += child.size
        }
        guard name.fileType == Self.fileType(child.kind) else {
          throw ImageFormatError(
            .corrupt, "/\(child.path) has another type in its directory than its inode has")
        }
        children.append((child, node.inode))
      }
      pending.append(contentsOf: children.reversed())
    }
    return nodes
  }

  /// `file_type` of a kind; numbers beyond a symbolic link's are in the order of the mode's.
  private static func fileType(_ kind: Node.Kind) -> UInt8 {
    switch kind {
    case .file: 1
    case .directory: 2
    case .special(0o020000): 3
    case .special(0o060000): 4
    case .special(0o010000): 5
    case .special(0o140000): 6
    case .symlink: 7
    case .special: 0
    }
  }

  /// The names in a directory without "." and "..", which must lead to itself and to `parent`.
  private func names(in directory: Node, parent: UInt64) throws -> [Name] {
    var names: [Name] = []
    var previous: ArraySlice<UInt8>?
    var dots = 0
    var offset: UInt64 = 0
    while offset < directory.size {
      let count = min(UInt64(EROFS.blockSize), directory.size - offset)
      let block = try data(of: directory, from: offset, atMost: count)
      guard block.count == Int(count) else {
        throw ImageFormatError(.corrupt, "the directory /\(directory.path) has a block in two parts")
      }
      for name in try Self.names(in: block, of: directory) {
        if let previous {
          guard previous.lexicographicallyPrecedes(name.bytes) else {
            throw ImageFormatError(.corrupt, "the names in /\(directory.path) are not in order")
          }
        }
        previous = name.bytes
        let isSelf = name.bytes.elementsEqual([0x2E])
        if isSelf || name.bytes.elementsEqual([0x2E, 0x2E]) {
          guard name.inode == (isSelf ? directory.inode : parent) else {
            throw ImageFormatError(.corrupt, "\"..\" or \".\" in /\(directory.path) leads elsewhere")
          }
          dots += 1
        } else {
          names.append(name)
        }
      }
      offset += count
    }
    guard dots == 2 else {
      throw ImageFormatError(.corrupt, "the directory /\(directory.path) lacks \".\" or \"..\"")
    }
    return names
  }

  private static func names(in block: [UInt8], of directory: Node) throws -> [Name] {
    func corrupt(_ what: String) -> ImageFormatError {
      ImageFormatError(.corrupt, "the directory /\(directory.path) has \(what)")
    }
    var reader = ByteReader(block)
    var entries: [(inode: UInt64, start: Int, fileType: UInt8)] = []
    var count = 1
    while entries.count < count {
      guard reader.remaining >= EROFS.directoryEntrySize else { throw corrupt("a block cut short") }
      let inode = try reader.littleEndian(UInt64.self, "nid")
      let start = Int(try reader.littleEndian(UInt16.self, "nameoff"))
      let fileType = try reader.littleEndian(UInt8.self, "file_type")
      _ = try reader.read(1, "reserved")
      if entries.isEmpty {
        count = start / EROFS.directoryEntrySize
        guard count > 0, start.isMultiple(of: EROFS.directoryEntrySize) else {
          throw corrupt("a first name at \(start)")
        }
      }
      guard start >= entries.last?.start ?? 0, start < block.count else {
        throw corrupt("a name at \(start) of \(block.count) bytes")
      }
      entries.append((inode, start, fileType))
    }
    return try entries.indices.map { index in
      let entry = entries[index]
      let isLast = index == entries.count - 1
      var name = block[entry.start..<(isLast ? block.count : entries[index + 1].start)]
      if isLast { name = name.prefix { $0 != 0 } }
      guard !name.isEmpty, name.count <= ImagePath.maximumNameLength, !name.contains(0), !name.contains(0x2F)
      else { throw corrupt("a name that no file can have") }
      return Name(bytes: name, inode: entry.inode, fileType: entry.fileType)
    }
  }
}
