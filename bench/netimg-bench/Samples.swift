internal import ImageFormat

/// Inputs that are the same in every run.
enum Samples {
  /// Bytes with the statistics of programs: repeated words, short runs, and some noise.
  static func mixed(_ count: Int) -> [UInt8] {
    var random = SplitMix64(state: 42)
    let words: [[UInt8]] = (0..<4096).map { _ in
      (0..<4 + Int(random.next() % 28)).map { _ in UInt8(truncatingIfNeeded: random.next() >> 11) }
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 64)
    while bytes.count < count {
      let choice = random.next()
      switch choice % 8 {
      case 0: bytes += [UInt8](repeating: 0, count: 1 + Int(choice >> 8 % 32))
      case 1: withUnsafeBytes(of: choice) { bytes.append(contentsOf: $0) }
      default:
        // Squaring prefers some words, as language and code do.
        let index = Double(choice >> 16 & 0xFFFF) / 65536
        bytes += words[Int(index * index * 4096)]
      }
    }
    return Array(bytes.prefix(count))
  }

  /// A file tree, and where its files' data goes.
  struct Tree {
    let entries: [EROFSEntry]
    /// The files' sizes in bytes, in the order of the image.
    let sizes: [Int]
    /// Blocks of file data.
    let blocks: Int
  }

  /// As in an image of programs and libraries: 30 KiB on average.
  static let programSizes = [1200, 4000, 9000, 300, 22_000, 2500, 61_000, 700, 14_000, 190_000]
  /// One block each.
  static let smallSizes = [4000]

  /// A tree with a hundred files a directory, every tenth with an attribute.
  static func tree(files: Int, sizes: [Int]) -> Tree {
    var entries = [EROFSEntry(path: "", kind: .directory, permissions: 0o755)]
    var used: [Int] = []
    var block = 1
    for index in 0..<files {
      let directory = "d\(index / 100)"
      if index % 100 == 0 {
        entries.append(EROFSEntry(path: directory, kind: .directory, permissions: 0o755))
      }
      let size = sizes[index % sizes.count]
      let attributes = index % 10 == 0 ? [ExtendedAttribute(name: "user.note", value: [1, 2, 3])] : []
      entries.append(
        EROFSEntry(
          path: "\(directory)/file-with-a-usual-name-\(index)",
          kind: .file(size: UInt64(size), firstBlock: UInt32(block)), permissions: 0o644,
          extendedAttributes: attributes))
      used.append(size)
      block += (size + EROFS.blockSize - 1) / EROFS.blockSize
    }
    return Tree(entries: entries, sizes: used, blocks: block - 1)
  }
}

/// Sebastiano Vigna's SplitMix64: a sequence that is the same everywhere.
private struct SplitMix64 {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}
