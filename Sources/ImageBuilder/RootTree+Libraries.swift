internal import Bytes
internal import Manifest
internal import NativeActions

extension RootTree {
  /// Writes `/etc/ld.so.cache`, and the soname links that packages leave to ldconfig.
  mutating func cacheLibraries(machine: ELFFile.Machine) throws {
    var entries: [LibraryCacheEntry] = []
    for directory in try libraryDirectories() {
      guard let real = resolve(directory), self[real]?.isDirectory == true else { continue }
      let (plain, hwcaps) = try select(directory: directory, real: real, machine: machine)
      entries += plain + hwcaps
    }
    putFile("etc/ld.so.cache", try LibraryCache.encode(entries))
  }

  /// The directories of `/etc/ld.so.conf`, then the loader's own; each once, by what it resolves to.
  func libraryDirectories() throws -> [String] {
    // libc-bin ships ld.so.conf with just this line, libc6 the directory: an image without ldconfig has only the latter.
    let configuration = self["etc/ld.so.conf"]?.bytes ?? Array("include /etc/ld.so.conf.d/*.conf\n".utf8)
    var directories: [String] = []
    var includes = 0
    try read(configuration, file: "/etc/ld.so.conf", depth: 0, &includes, into: &directories)
    var seen: Set<ExactString> = []
    return (directories + LibraryCache.systemDirectories).filter { directory in
      resolve(directory).map { seen.insert(ExactString($0)).inserted } ?? false
    }
  }

  private func read(
    _ bytes: [UInt8], file: String, depth: Int, _ includes: inout Int, into directories: inout [String]
  ) throws {
    guard depth < 10 else { throw BuildError(.badInput, "\(file) includes itself") }
    // Files that include several others, level by level, would otherwise be read any number of times.
    guard includes < 1000 else {
      throw BuildError(
        .badInput, "/etc/ld.so.conf leads to more than 1000 files: drop those that nobody needs")
    }
    includes += 1
    for directive in try LdSoConf.parse(bytes, file: file) {
      switch directive {
      case .directory(let directory): directories.append(directory)
      case .include(let pattern):
        guard let glob = PathGlob(pattern) else { continue }
        for path in sortedPaths where glob.matches("/\(path)") {
          guard let content = self[path]?.bytes else { continue }
          try read(content, file: "/\(path)", depth: depth + 1, &includes, into: &directories)
        }
      }
    }
  }

  private mutating func select(
    directory: String, real: String, machine: ELFFile.Machine
  ) throws -> (plain: [LibraryCacheEntry], hwcaps: [LibraryCacheEntry]) {
    var candidates: [String?: [LibraryCache.Candidate]] = [:]
    let hwcapsPrefix = "\(real)/glibc-hwcaps/"
    for path in paths(below: real) {
      var hwcaps: String?
      if path.hasPrefix(hwcapsPrefix) {
        let parts = path.dropFirst(hwcapsPrefix.count).split(separator: "/")
        guard parts.count == 2 else { continue }
        hwcaps = String(parts[0])
      } else if Self.parent(of: path) != real {
        continue
      }
      let name = Self.name(of: path)
      guard LibraryCache.isLibraryName(name), let bytes = node(at: path)?.bytes, ELFFile.isELF(bytes),
        let elf = try? ELFFile(bytes, path: path)
      else { continue }
      let isLink = if case .symlink = self[path]?.kind { true } else { false }
      candidates[hwcaps, default: []].append(LibraryCache.Candidate(name: name, isLink: isLink, elf: elf))
    }
    var plain: [LibraryCacheEntry] = []
    var special: [LibraryCacheEntry] = []
    for (hwcaps, files) in candidates.sorted(by: { ($0.key ?? "") < ($1.key ?? "") }) {
      let place = hwcaps.map { "\(directory)/glibc-hwcaps/\($0)" } ?? directory
      let selection = try LibraryCache.select(
        directory: place, hwcaps: hwcaps, machine: machine, candidates: files)
      for link in selection.links where self["\(real)/\(link.name)"] == nil {
        putLink("\(real)/\(link.name)", to: link.target)
      }
      if hwcaps == nil { plain += selection.entries } else { special += selection.entries }
    }
    return (plain, special)
  }
}
