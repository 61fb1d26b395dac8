/// The names of a directory, cut into blocks as the kernel's binary search needs them.
///
///     ┌──────────┬──────────┬─────┬────────┬────────┬─────┐  nid      8 bytes
///     │ entry 0  │ entry 1  │  …  │ name 0 │ name 1 │  …  │  nameoff  2, from the block's start
///     └──────────┴──────────┴─────┴────────┴────────┴─────┘  file type 1, reserved 1
///
/// Names rise in byte order through all blocks, "." and ".." among them; a block's first offset tells how many
/// entries it has.
struct EROFSDirectory {
  /// A name and the node whose inode it stands for.
  struct Item {
    let name: ArraySlice<UInt8>
    let node: Int
  }

  /// All names in byte order.
  let items: [Item]
  /// The blocks, as ranges of `items`.
  let blocks: [Range<Int>]
  /// The directory's size in bytes: whole blocks, and what the last one uses.
  let size: Int

  init(_ directory: Int, _ tree: EROFSTree) {
    let node = tree.nodes[directory]
    var items: [Item] = []
    items.reserveCapacity(node.children.count + 2)
    var dots = [Item(name: [0x2E, 0x2E], node: node.parent), Item(name: [0x2E], node: directory)]
    for child in node.children {
      let name = tree.name(of: child)
      while let dot = dots.last, dot.name.lexicographicallyPrecedes(name) {
        items.append(dot)
        dots.removeLast()
      }
      items.append(Item(name: name, node: tree.nodes[child].inode))
    }
    items.append(contentsOf: dots.reversed())

    var blocks: [Range<Int>] = []
    var start = 0
    var used = 0
    for (index, item) in items.enumerated() {
      let cost = EROFS.directoryEntrySize + item.name.count
      if used + cost > EROFS.blockSize {
        blocks.append(start..<index)
        start = index
        used = 0
      }
      used += cost
    }
    self.items = items
    self.blocks = blocks + [start..<items.count]
    size = blocks.count * EROFS.blockSize + used
  }
}
