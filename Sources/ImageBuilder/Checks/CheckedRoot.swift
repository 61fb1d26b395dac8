internal import Bytes
internal import Manifest
internal import NativeActions

/// A finished root, with everything that rules ask about: each file is read once, on all cores.
struct CheckedRoot: Sendable {
  let tree: RootTree
  /// Every path, in byte order.
  let paths: [String]
  let declarations: Declarations
  let limits: Limits
  /// What the dynamic loader would find.
  let loads: LibraryLoads
  private let scans: [ObjectIdentifier: FileScan]
  /// What tmpfiles.d and units make at run time, without leading slashes.
  private let made: Set<ExactString>

  /// Files go to the cores in heaps of about this many bytes.
  private static let batchSize = 1 << 20

  init(_ tree: RootTree, declarations: Declarations, limits: Limits) async throws {
    self.tree = tree
    self.declarations = declarations
    self.limits = limits
    paths = tree.sortedPaths
    var batches: [[(path: String, content: FileContent)]] = [[]]
    var size = 0
    var seen: Set<ObjectIdentifier> = []
    for path in paths {
      guard case .file(let content)? = tree[path]?.kind, seen.insert(ObjectIdentifier(content)).inserted
      else { continue }
      batches[batches.count - 1].append((path, content))
      size += content.size
      if size >= Self.batchSize {
        batches.append([])
        size = 0
      }
    }
    let scanned = try await concurrentMap(batches) { batch in
      batch.map { (ObjectIdentifier($0.content), FileScan($0.content.bytes, path: "/\($0.path)")) }
    }
    let scans = Dictionary(scanned.flatMap(\.self)) { first, _ in first }
    self.scans = scans
    var objects: [ExactString: ELFFile] = [:]
    for path in paths {
      guard case .file(let content)? = tree[path]?.kind else { continue }
      objects[ExactString(path)] = scans[ObjectIdentifier(content)]?.elf
    }
    made = Self.made(tree, try tree.tmpfilesLines())
    loads = LibraryLoads(objects, directories: try tree.libraryDirectories()) { tree.resolve($0) }
  }

  private static func made(_ tree: RootTree, _ lines: [Tmpfiles.Line]) -> Set<ExactString> {
    let makers: Set<Tmpfiles.Kind> = [
      .file, .truncatedFile, .directory, .emptiedDirectory, .existingDirectory, .subvolume,
      .inheritedQuotaSubvolume,
      .quotaSubvolume, .symlink, .copy, .fifo,
    ]
    var made = Set(lines.filter { makers.contains($0.kind) }.map { ExactString(RootTree.canonical($0.path)) })
    for path in tree.sortedPaths where path.hasSuffix(".service") {
      guard let bytes = tree[path]?.bytes, let unit = try? UnitFile.parse(bytes, file: path) else { continue }
      for (key, base) in [
        ("StateDirectory", "var/lib"), ("CacheDirectory", "var/cache"), ("LogsDirectory", "var/log"),
      ] {
        for name in (try? unit.words("Service", key)) ?? [] { made.insert(ExactString("\(base)/\(name)")) }
      }
    }
    return made
  }

  /// What a regular file holds; `nil` for anything else.
  func scan(_ path: String) -> FileScan? {
    guard case .file(let content)? = tree[path]?.kind else { return nil }
    return scans[ObjectIdentifier(content)]
  }

  /// Every regular file.
  var files: some Sequence<(path: String, node: RootNode, scan: FileScan)> {
    paths.lazy.compactMap { path in
      guard let node = tree[path], let scan = scan(path) else { return nil }
      return (path, node, scan)
    }
  }

  /// The paths directly inside a directory, in byte order.
  func children(of directory: String) -> [String] {
    let prefix = directory + "/"
    var low = 0
    var high = paths.count
    while low < high {
      let middle = (low + high) / 2
      if paths[middle].utf8.lexicographicallyPrecedes(prefix.utf8) { low = middle + 1 } else { high = middle }
    }
    return paths[low...].prefix { $0.utf8.starts(with: prefix.utf8) }
      .filter { !$0.utf8.dropFirst(prefix.utf8.count).contains(UInt8(ascii: "/")) }
  }

  /// Whether somebody can run what has this name: a file with an execute bit, or a link outside of `/usr/share`, where
  /// completions and manuals have programs' names too. What lies in `/etc/init.d` has the name of what it starts.
  func isProgram(_ path: String) -> Bool {
    guard let node = tree[path], !path.hasPrefix("etc/init.d/") else { return false }
    switch node.kind {
    case .directory: return false
    case .file(let content):
      // Examples and helpers in `/usr/share` are scripts, which start nothing without a shell.
      let isScript = path.hasPrefix("usr/share/") && content.bytes.starts(with: "#!".utf8)
      return node.mode & 0o111 != 0 && !isScript
    case .symlink: return !path.hasPrefix("usr/share/")
    }
  }

  /// The programs, by path or link, that have one of these names.
  func programs(named names: Set<String>) -> [String] {
    paths.filter { names.contains(RootTree.name(of: $0)) && isProgram($0) }
  }

  /// Whether a path is filled only while the system runs.
  static func isMutable(_ path: String) -> Bool {
    let first = path.utf8.drop { $0 == UInt8(ascii: "/") }.prefix { $0 != UInt8(ascii: "/") }
    return ["run", "dev", "proc", "sys", "var", "tmp"].contains { $0.utf8.elementsEqual(first) }
  }

  /// Whether something is there once the system runs: what the kernel and systemd mount and fill, and of `/var` what
  /// tmpfiles.d(5) makes, or a directory that it makes holds.
  func isMadeAtRunTime(_ path: String) -> Bool {
    let parts = path.slashSeparated()
    switch parts.first {
    case "run", "dev", "proc", "sys": return true
    case "var":
      // Not even systemd makes more of an empty /var than its top.
      return (2...max(2, parts.count)).contains { count in
        count <= parts.count && made.contains(ExactString(parts.prefix(count).joined(separator: "/")))
          && (count > 2 || count == parts.count)
      }
    default: return false
    }
  }

  /// Where following a path ends if it does not end at something: the path that is missing, or the one that leads in
  /// circles.
  func missing(_ path: String) -> String? {
    switch tree.walk(path).end {
    case .found: nil
    case .missing(let path), .circular(let path): path
    }
  }
}
