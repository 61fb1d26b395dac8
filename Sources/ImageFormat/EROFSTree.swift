/// The entries as a checked tree: every name is good, has a directory, and is there once.
struct EROFSTree {
  struct Node {
    /// The index of the node's entry.
    let entry: Int
    /// The node of its directory; the root's is the root.
    let parent: Int
    /// Where the last component begins in the node's key.
    let nameStart: Int
    /// The nodes in a directory, in byte order of their names.
    var children: [Int] = []
    /// The node whose inode this name stands for: another one only for hard links.
    var inode: Int
    /// How many names the inode has; for a directory, 2 and its subdirectories (stat(2), st_nlink).
    var links: UInt32 = 1
  }

  let entries: [EROFSEntry]
  /// Sorted; see ``ImagePath/key(of:)``.
  private let keys: [[UInt8]]
  /// In the order of their keys; the root is the first.
  private(set) var nodes: [Node] = []

  init(_ entries: [EROFSEntry]) throws(ImageFormatError) {
    self.entries = entries
    var order: [(key: [UInt8], entry: Int)] = []
    order.reserveCapacity(entries.count)
    for (index, entry) in entries.enumerated() {
      order.append((try ImagePath.key(of: entry.path), index))
    }
    order.sort { $0.key.lexicographicallyPrecedes($1.key) }
    keys = order.map(\.key)
    nodes.reserveCapacity(order.count)

    guard let root = order.first, root.key.isEmpty else {
      throw ImageFormatError(
        .missingParent, "the tree has no root directory: add an entry with an empty path")
    }
    // The directories on the path to the node at hand.
    var directories: [Int] = []
    for (index, item) in order.enumerated() {
      try append(item.key, item.entry, at: index, &directories)
    }
    try resolveHardLinks()
  }

  private mutating func append(
    _ key: [UInt8], _ entryIndex: Int, at index: Int, _ directories: inout [Int]
  ) throws(ImageFormatError) {
    let entry = entries[entryIndex]
    guard entry.permissions <= 0o7777 else {
      throw ImageFormatError(
        .invalidEntry,
        "\(shown(entry)) has mode \(String(entry.permissions, radix: 8)): only permission bits up to 7777 fit"
      )
    }
    if index == 0 {
      guard entry.kind == .directory else {
        throw ImageFormatError(.invalidEntry, "the root must be a directory")
      }
      nodes.append(Node(entry: entryIndex, parent: 0, nameStart: 0, inode: 0, links: 2))
      directories.append(0)
      return
    }
    guard keys[index - 1] != key else {
      throw ImageFormatError(.duplicate, "\(shown(entry)) is there twice: keep one of the two entries")
    }
    let nameStart = (key.lastIndex(of: 0) ?? -1) + 1
    while let last = directories.last, !Self.contains(keys[last], key) { directories.removeLast() }
    guard let parent = directories.last, keys[parent].count == max(0, nameStart - 1) else {
      throw ImageFormatError(
        .missingParent, "\(shown(entry)) has no directory: add an entry for the one that holds it")
    }
    var node = Node(entry: entryIndex, parent: parent, nameStart: nameStart, inode: index)
    if entry.kind == .directory {
      directories.append(index)
      node.links = 2
      nodes[parent].links += 1
    }
    nodes.append(node)
    nodes[parent].children.append(index)
  }

  private mutating func resolveHardLinks() throws(ImageFormatError) {
    for index in nodes.indices {
      let entry = entries[nodes[index].entry]
      guard case .hardLink(let path) = entry.kind else { continue }
      guard let target = find(try ImagePath.key(of: path)) else {
        throw ImageFormatError(
          .badHardLink, "\(shown(entry)) is a hard link to \(path), which is not in the tree: add it")
      }
      switch entries[nodes[target].entry].kind {
      case .file, .symlink: break
      case .directory, .hardLink:
        throw ImageFormatError(
          .badHardLink,
          "\(shown(entry)) is a hard link to \(path), which is no file: link to a file or a symbolic link")
      }
      nodes[index].inode = target
      nodes[target].links += 1
    }
  }

  private func find(_ key: [UInt8]) -> Int? {
    var low = 0
    var high = keys.count
    while low < high {
      let middle = (low + high) / 2
      if keys[middle].lexicographicallyPrecedes(key) { low = middle + 1 } else { high = middle }
    }
    return low < keys.count && keys[low] == key ? low : nil
  }

  /// The last component of a node's path.
  func name(of node: Int) -> ArraySlice<UInt8> {
    keys[node][nodes[node].nameStart...]
  }

  /// The entry of a node.
  func entry(of node: Int) -> EROFSEntry {
    entries[nodes[node].entry]
  }

  private static func contains(_ directory: [UInt8], _ key: [UInt8]) -> Bool {
    if directory.isEmpty { return true }
    return key.count > directory.count && key[directory.count] == 0 && key.starts(with: directory)
  }
}

/// An entry as an error names it.
private func shown(_ entry: EROFSEntry) -> String {
  "the entry \(entry.path.isEmpty ? "/" : entry.path)"
}
