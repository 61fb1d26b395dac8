internal import Bytes
internal import DebianArchive
internal import ImageBuilder
internal import ImageFormat

/// What takes how much room in a root image.
package struct ReleaseUsage: Encodable, Sendable {
  /// A pack.
  package struct Pack: Encodable, Sendable {
    package let kind: String
    package let name: String
    /// The package's version; `nil` for what has none.
    package let version: String?
    package let files: Int
    /// Bytes of its files.
    package let bytes: UInt64
    /// Its share of the compressed frames, in bytes.
    package let storedBytes: UInt64
  }

  /// A directory with all that is below it.
  package struct Directory: Encodable, Sendable {
    package let path: String
    package let files: Int
    package let bytes: UInt64
  }

  package let name: String
  package let version: String
  package let files: Int
  package let bytes: UInt64
  /// Bytes of all frames: file data, metadata and hash tree.
  package let storedBytes: UInt64
  /// The largest first.
  package let packs: [Pack]
  package let directories: [Directory]

  /// - Parameter depth: how deep directories are listed; 1 is `/usr`.
  package init(_ image: ReleaseImage, depth: Int) {
    let packOfPath = image.packOfPath
    let shares = FrameShares(image.index)
    var packs: [String: (pack: PackList.Pack, files: Int, bytes: UInt64, stored: Double)] = [:]
    var directories: [String: (files: Int, bytes: UInt64)] = [:]
    var files = 0
    var bytes: UInt64 = 0
    for node in image.distinctFiles {
      let path = node.path
      files += 1
      bytes += node.size
      if let pack = packOfPath[ExactString(path)] {
        let key = "\(pack.kind) \(pack.name)"
        var entry = packs[key] ?? (pack, 0, 0, 0)
        entry.files += 1
        entry.bytes += node.size
        entry.stored += shares.stored(of: node)
        packs[key] = entry
      }
      let components = path.slashSeparated().dropLast()
      for length in 0...min(depth, components.count) {
        let directory = "/" + components.prefix(length).joined(separator: "/")
        directories[directory, default: (0, 0)].files += 1
        directories[directory, default: (0, 0)].bytes += node.size
      }
    }
    name = image.release.name
    version = image.release.version
    self.files = files
    self.bytes = bytes
    storedBytes = image.release.root.framesSize
    self.packs = packs.values.map { entry in
      Pack(
        kind: entry.pack.kind, name: entry.pack.name,
        version: entry.pack.kind == "package" ? image.lock.package(named: entry.pack.name)?.version : nil,
        files: entry.files, bytes: entry.bytes, storedBytes: UInt64(entry.stored.rounded()))
    }.sorted { ($1.bytes, $0.name) < ($0.bytes, $1.name) }
    self.directories = directories.map {
      Directory(path: $0.key, files: $0.value.files, bytes: $0.value.bytes)
    }
    .sorted { ($1.bytes, $0.path) < ($0.bytes, $1.path) }
  }
}

extension ReleaseImage {
  /// Every file once, under its first name.
  var distinctFiles: [EROFSReader.Node] {
    var seen: Set<UInt64> = []
    return nodes.filter { $0.kind == .file && seen.insert($0.inode).inserted }
  }
}
