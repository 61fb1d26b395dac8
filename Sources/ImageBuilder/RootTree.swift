internal import Bytes

/// The root file system while it is put together: a map from paths to nodes, in memory.
///
/// Paths are relative to the root without a leading slash (`usr/bin/ip`); the root itself is the empty path. The
/// tree is merged-/usr from the start: what a package ships below `/lib` lands below `/usr/lib`.
package struct RootTree: Sendable {
  private var nodes: [ExactString: RootNode] = [:]

  /// The directories that are symbolic links into /usr (Debian's merged-/usr).
  package static let mergedDirectories = ["bin", "lib", "lib32", "lib64", "libx32", "sbin"]

  package init() {
    let generated = PackName(.generated, "root")
    self[""] = RootNode(.directory, mode: 0o755, pack: generated)
    for name in ["bin", "lib", "lib64", "sbin"] {
      self[name] = RootNode(.symlink("usr/\(name)"), mode: 0o777, pack: generated)
    }
  }

  package subscript(path: String) -> RootNode? {
    get { nodes[ExactString(path)] }
    set { nodes[ExactString(path)] = newValue }
  }

  /// All paths in byte order, so that a parent comes before what it holds.
  package var sortedPaths: [String] {
    nodes.keys.sorted().map(\.text)
  }

  /// The paths below a directory, in byte order.
  package func paths(below directory: String) -> [String] {
    let prefix = directory.isEmpty ? "" : directory + "/"
    return nodes.keys.filter { $0.text.utf8.starts(with: prefix.utf8) && !$0.text.isEmpty }.sorted()
      .map(\.text)
  }

  /// A path with or without a leading slash, with merged-/usr applied.
  package static func canonical(_ path: String) -> String {
    let trimmed = path.utf8.first == UInt8(ascii: "/") ? String(Substring(path.utf8.dropFirst())) : path
    let first = trimmed.slashSeparated(omittingEmpty: false).first ?? ""
    return mergedDirectories.contains(first) && first.utf8.count < trimmed.utf8.count
      ? "usr/\(trimmed)" : trimmed
  }

  /// The directory part of a path; empty for the top level.
  package static func parent(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "" }
    return String(path[..<slash])
  }

  /// The last component of a path.
  package static func name(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
    return String(path[path.utf8.index(after: slash)...])
  }

  /// Every path of a file that may have several.
  func names(of content: FileContent) -> [String] {
    nodes.filter { if case .file(let other) = $0.value.kind { other === content } else { false } }.keys
      .sorted()
      .map(\.text)
  }

  /// The node that a path leads to, links followed.
  package func node(at path: String) -> RootNode? {
    resolve(path).flatMap { self[$0] }
  }

  /// Adds a node. A directory joins one that is there; an equal file or link is no conflict; anything else is.
  package mutating func add(_ node: RootNode, at path: String) throws(BuildError) {
    let path = try place(Self.canonical(path), node)
    guard let present = self[path] else {
      self[path] = node
      return
    }
    switch (present.kind, node.kind) {
    case (.directory, .directory):
      // The root of every archive: what is there stays, unless only the builder asked for it so far.
      if present.pack.kind == .generated && node.pack.kind != .generated && !path.isEmpty {
        self[path] = node
      } else if node.pack.kind != .package && !present.hasAccess(of: node) {
        throw BuildError(
          .conflict,
          "/\(path) comes from \(present.pack) and, with another mode or owner, from \(node.pack); change it with permissions:"
        )
      }
    case (.file(let old), .file(let new)) where old.bytes == new.bytes && present.mode == node.mode: break
    case (.symlink(let old), .symlink(let new)) where old.isExactly(new): break
    case (.symlink, .directory) where resolve(path).flatMap({ self[$0]?.isDirectory }) == true: break
    default:
      guard present.isConfigurationFile, node.pack.kind != .package else {
        throw BuildError(
          .conflict,
          "/\(path) comes from \(present.pack) and, with other content, from \(node.pack); drop it from one of them"
        )
      }
      self[path] = node
    }
  }

  /// Adds or replaces a node that the builder itself makes.
  package mutating func put(_ node: RootNode, at path: String) {
    makeParents(of: path, pack: node.pack)
    self[path] = node
  }

  /// Adds or replaces a generated file, owned by root.
  package mutating func putFile(_ path: String, _ bytes: [UInt8], mode: UInt16 = 0o644) {
    put(RootNode(.file(FileContent(bytes)), mode: mode, pack: PackName(.generated, "files")), at: path)
  }

  /// Adds or replaces a generated symbolic link.
  package mutating func putLink(_ path: String, to target: String) {
    put(RootNode(.symlink(target), mode: 0o777, pack: PackName(.generated, "files")), at: path)
  }

  /// Adds a generated directory unless there is one.
  package mutating func putDirectory(_ path: String, mode: UInt16 = 0o755) {
    guard self[path] == nil else { return }
    put(RootNode(.directory, mode: mode, pack: PackName(.generated, "files")), at: path)
  }

  package mutating func remove(_ path: String) {
    self[path] = nil
  }

  /// The place of a canonical path, through links that stand for directories, with its parents made.
  private mutating func place(_ path: String, _ node: RootNode) throws(BuildError) -> String {
    guard !path.isEmpty else { return path }
    // A package that ships /lib itself means the directory behind the link.
    if node.isDirectory, Self.mergedDirectories.contains(path), case .symlink? = self[path]?.kind {
      return try place("usr/\(path)", node)
    }
    let parent = Self.parent(of: path)
    if self[parent]?.isDirectory == true { return path }
    var ancestor = parent
    while self[ancestor] == nil { ancestor = Self.parent(of: ancestor) }
    guard let real = resolve(ancestor), self[real]?.isDirectory == true else {
      throw BuildError(
        .conflict, "/\(path) of \(node.pack) lies below /\(ancestor), which is no directory: drop one of them"
      )
    }
    if !real.isExactly(ancestor) {
      // What is behind the link may be another one.
      let rest = path[path.utf8.index(path.startIndex, offsetBy: ancestor.utf8.count + 1)...]
      return try place(real.isEmpty ? String(rest) : "\(real)/\(rest)", node)
    }
    makeParents(of: path, pack: node.pack)
    return path
  }

  private mutating func makeParents(of path: String, pack: PackName) {
    var parent = Self.parent(of: path)
    while !parent.isEmpty, self[parent] == nil {
      self[parent] = RootNode(.directory, mode: 0o755, pack: PackName(.generated, "parents"))
      parent = Self.parent(of: parent)
    }
  }
}
