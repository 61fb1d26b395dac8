internal import Bytes
internal import ImageBuilder
internal import ImageFormat

/// Paths that only one image has, or that differ.
package struct FileChanges: Encodable, Sendable, Equatable {
  /// A path that both have.
  package struct Change: Encodable, Sendable, Equatable {
    package let path: String
    /// What differs: `type`, `content`, `target`, `mode`, `owner`, `group`, `attributes`.
    package let what: [String]
    /// The growth in bytes.
    package let growth: Int64
  }

  package let added: [String]
  package let removed: [String]
  package let changed: [Change]

  package var isEmpty: Bool { added.isEmpty && removed.isEmpty && changed.isEmpty }

  /// Contents are read only where names, sizes and everything else agree.
  init(from: ReleaseImage, to: ReleaseImage) async throws {
    var pairs: [(EROFSReader.Node, EROFSReader.Node)] = []
    var added: [String] = []
    for node in to.nodes {
      if let old = from.node(node.path) { pairs.append((old, node)) } else { added.append("/\(node.path)") }
    }
    self.added = Self.sorted(added)
    removed = Self.sorted(from.nodes.filter { to.node($0.path) == nil }.map { "/\($0.path)" })
    // A task a file would cost more than most files do.
    let batchSize = 16
    let batches = stride(from: 0, to: pairs.count, by: batchSize)
      .map { Array(pairs[$0..<min($0 + batchSize, pairs.count)]) }
    let changes = try await concurrentMap(batches) { batch in
      try batch.compactMap { try Self.change($0.0, $0.1, from, to) }
    }
    changed = changes.joined().sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
  }

  private static func change(
    _ old: EROFSReader.Node, _ new: EROFSReader.Node, _ from: ReleaseImage, _ to: ReleaseImage
  ) throws -> Change? {
    var what: [String] = []
    if old.kind != new.kind {
      what.append("type")
    } else if old.kind == .file {
      let isSame =
        try old.size == new.size
        && from.files.contents(of: old).digest == to.files.contents(of: new).digest
      if !isSame { what.append("content") }
    } else if old.kind == .symlink, try from.files.target(of: old) != to.files.target(of: new) {
      what.append("target")
    }
    if old.permissions != new.permissions { what.append("mode") }
    if old.owner != new.owner { what.append("owner") }
    if old.group != new.group { what.append("group") }
    if try from.files.attributes(of: old) != to.files.attributes(of: new) { what.append("attributes") }
    guard !what.isEmpty else { return nil }
    let isFile = old.kind == .file && new.kind == .file
    return Change(
      path: "/\(new.path)", what: what,
      growth: isFile ? Int64(clamping: new.size) - Int64(clamping: old.size) : 0)
  }

  private static func sorted(_ paths: [String]) -> [String] {
    paths.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}
