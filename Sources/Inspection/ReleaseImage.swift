package import Bytes
package import DebianArchive
package import FrameFormat
package import ImageBuilder
package import ImageFormat

/// A release and the tree of its root image. Nothing in it is trusted: every frame is checked when it is read.
package struct ReleaseImage: Sendable {
  package let reader: ReleaseReader
  package let index: RootIndex
  package let files: EROFSReader
  /// Every name: a directory comes before what is in it.
  package let nodes: [EROFSReader.Node]
  /// Which input each path comes from.
  package let packs: PackList
  /// The lock file that the release was built from.
  package let lock: LockFile
  private let numbers: [ExactString: Int]

  package var release: Release { reader.release }

  package init(_ directory: String) throws {
    reader = try ReleaseReader(directory)
    index = try reader.index()
    let frames = FrameReader(reader, index)
    files = try EROFSReader(byteCount: index.dataSize) { try frames.read($0) }
    nodes = try files.tree()
    numbers = Dictionary(nodes.enumerated().map { (ExactString($1.path), $0) }) { first, _ in first }
    packs = try PackList.decode(
      try reader.read(ReleaseFile.packs), file: "\(directory)/\(ReleaseFile.packs)")
    lock = try LockFile(decoding: try reader.read(ReleaseFile.lock), file: "\(directory)/\(ReleaseFile.lock)")
  }

  /// The node of exactly this path, without a leading slash; `nil` if there is none.
  package func node(_ path: String) -> EROFSReader.Node? { numbers[ExactString(path)].map { nodes[$0] } }

  /// A file's bytes.
  package func bytes(of node: EROFSReader.Node) throws -> [UInt8] {
    try files.contents(of: node).flattened()
  }

  /// The pack of each path.
  package var packOfPath: [ExactString: PackList.Pack] {
    var result: [ExactString: PackList.Pack] = [:]
    for pack in packs.packs {
      for path in pack.paths { result[ExactString(path)] = pack }
    }
    return result
  }
}

extension ReleaseImage {
  /// Where a path leads.
  package struct Resolution: Sendable {
    /// What the path ends at, without a leading slash.
    package let path: String
    /// The links that were followed, as `/from → target`.
    package let links: [String]
  }

  /// Follows every link on the way, inside the image, as the running system would; the last one too if asked to.
  ///
  /// - Throws: `notFound` with the part that is missing.
  package func resolve(_ path: String, followLast: Bool) throws -> Resolution {
    let walk = try LinkWalk(path, followLast: followLast) { here in
      guard let node = node(here) else { return nil }
      return switch node.kind {
      case .directory: .directory
      case .symlink: .link(to: String(decoding: try files.target(of: node), as: UTF8.self))
      case .file, .special: .other
      }
    }
    let links = walk.links.map { "/\($0.path) → \($0.target)" }
    switch walk.end {
    case .found(let path): return Resolution(path: path, links: links)
    case .missing(let whole):
      // The first part that is not there says more than the whole.
      let parts = whole.slashSeparated()
      let missing =
        parts.indices.map { parts[...$0].joined(separator: "/") }.first { node($0) == nil } ?? whole
      throw InspectionError(
        .notFound,
        "/\(missing) is not in \(reader.directory)\(links.isEmpty ? "" : " (\(links.joined(separator: ", ")))")"
      )
    case .circular: throw InspectionError(.notFound, "/\(path) leads in circles")
    }
  }
}
