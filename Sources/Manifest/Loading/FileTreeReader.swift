/// Reads a component's `files` folder: each file and link goes to its path below the image's root.
struct FileTreeReader: Sendable {
  /// The most entries, directories included.
  static let maximumEntries = 20_000
  /// The deepest nesting of directories.
  static let maximumDepth = 64

  private let root: String
  private let origin: Origin
  private let tree: any SourceTree
  private var entryCount = 0
  private(set) var files: [Located<FileEntry>] = []
  private(set) var links: [Located<LinkEntry>] = []
  private(set) var problems: [ManifestError.Problem] = []
  private(set) var sources = SourceRecord()

  init(root: String, origin: Origin, tree: any SourceTree) {
    self.root = root
    self.origin = origin
    self.tree = tree
  }

  mutating func read() {
    read(directory: "", depth: 0)
  }

  /// Reads one directory; `path` is that in the image, and empty for its root.
  private mutating func read(directory path: String, depth: Int) {
    let location = SourceLocation(file: root + path)
    guard depth <= Self.maximumDepth else {
      problems.append(
        .init(.tooDeep, at: location, "this is nested more than \(Self.maximumDepth) directories deep"))
      return
    }
    do {
      for entry in try tree.list(root + path) {
        entryCount += 1
        guard entryCount <= Self.maximumEntries else {
          if entryCount == Self.maximumEntries + 1 {
            problems.append(
              .init(.tooManyNodes, at: location, "the folder has more than \(Self.maximumEntries) entries"))
          }
          return
        }
        try read(entry, at: "\(path)/\(entry.name)", depth: depth)
      }
    } catch let error as ManifestError {
      problems.append(contentsOf: error.problems)
    } catch {
      problems.append(.init(.unreadable, at: location, "\(error)"))
    }
  }

  private mutating func read(_ entry: SourceEntry, at path: String, depth: Int) throws {
    let location = SourceLocation(file: root + path)
    guard TextFormat.path.accepts(path), !entry.name.utf8.contains(UInt8(ascii: "/")) else {
      problems.append(
        .init(
          .badValue, at: location, "the name of this file cannot be a path in the image",
          suggestion: "use \(TextFormat.path.rule)"))
      return
    }
    switch entry.kind {
    case .directory: read(directory: path, depth: depth + 1)
    case .symlink(let target):
      guard TextFormat.linkTarget.accepts(target) else {
        problems.append(
          .init(
            .badValue, at: location, "the link holds no usable path",
            suggestion: "use \(TextFormat.linkTarget.rule)"))
        return
      }
      sources.add(linkTo: target, at: root + path)
      links.append(Located(LinkEntry(path: path, target: target), origin: origin, location: location))
    case .file:
      guard let file = try tree.file(at: root + path) else {
        problems.append(.init(.notFound, at: location, "the file went away while it was read"))
        return
      }
      sources.add(file, at: root + path)
      let mode: UInt16 = file.isExecutable ? 0o755 : 0o644
      files.append(
        Located(FileEntry(path: path, bytes: file.bytes, mode: mode), origin: origin, location: location))
    }
  }
}
