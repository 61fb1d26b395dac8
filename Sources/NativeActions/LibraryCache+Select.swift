extension LibraryCache {
  /// A file of a library directory that `ldconfig` would look at.
  package struct Candidate: Sendable {
    /// The name in the directory.
    package let name: String
    /// Whether it is a symbolic link; `elf` is then what it leads to.
    package let isLink: Bool
    /// What the file, or the link's target, says of itself.
    package let elf: ELFFile

    /// A directory entry and the ELF file behind it.
    package init(name: String, isLink: Bool, elf: ELFFile) {
      self.name = name
      self.isLink = isLink
      self.elf = elf
    }
  }

  /// What one directory adds.
  package struct Selection: Sendable {
    /// Cache entries, by soname.
    package let entries: [LibraryCacheEntry]
    /// Links that must be in the directory, in the order of their sonames; packages ship most of them already.
    package let links: [Link]
  }

  /// A symbolic link within the directory.
  package struct Link: Equatable, Sendable {
    /// The link's name, a soname.
    package let name: String
    /// The file name that it points to, in the same directory.
    package let target: String
  }

  /// Whether `ldconfig` would look at a file of that name: `lib*.so*`, `ld-*.so*`, `ld.so.*` and `ld64.so.*`, but no
  /// file that a package manager is just writing.
  package static func isLibraryName(_ name: String) -> Bool {
    let looksRight =
      ((name.hasPrefix("lib") || name.hasPrefix("ld-")) && name.firstRange(of: ".so") != nil)
      || name.hasPrefix("ld.so.") || name.hasPrefix("ld64.so.")
    return looksRight && !name.hasSuffix(".dpkg-new") && !name.hasSuffix(".dpkg-tmp")
      && !name.utf8.contains(UInt8(ascii: ";"))
  }

  /// Chooses one file for each soname in one directory as `ldconfig` does: a file before a link, then the later
  /// version. `hwcaps` is the subdirectory's name where `directory` ends in `glibc-hwcaps/NAME`. Candidates of another
  /// machine than the image's, and programs, are left out.
  package static func select(
    directory: String, hwcaps: String? = nil, machine: ELFFile.Machine, candidates: [Candidate]
  ) throws(NativeActionError) -> Selection {
    let flags = try flags(for: machine)
    var chosen: [String: (candidate: Candidate, isLink: Bool)] = [:]
    let usable = candidates.filter {
      isLibraryName($0.name) && $0.elf.machine == machine && $0.elf.kind == .shared
    }
    for candidate in usable.sorted(by: { precedesBytewise($0.name, $1.name) }) {
      var soname = candidate.elf.soname ?? candidate.name
      // A link of another name than the soname counts as a file, except the developer's libx.so → libx.so.1.
      let isDeveloperLink = candidate.name.hasSuffix(".so") && soname.hasPrefix(candidate.name)
      let isLink = candidate.isLink && (candidate.name == soname || isDeveloperLink)
      if isLink { soname = candidate.name }
      if let other = chosen[soname] {
        let isBetter =
          (!isLink && other.isLink)
          || (isLink == other.isLink && LibraryNameOrder.compare(other.candidate.name, candidate.name) < 0)
        guard isBetter else { continue }
      }
      chosen[soname] = (candidate, isLink)
    }
    var entries: [LibraryCacheEntry] = []
    var links: [Link] = []
    for (soname, choice) in chosen.sorted(by: { precedesBytewise($0.key, $1.key) }) {
      let level = choice.candidate.elf.isaNeeded
      entries.append(
        LibraryCacheEntry(
          soname: soname, path: "\(directory)/\(hwcaps == nil ? soname : choice.candidate.name)",
          flags: flags,
          hwcaps: hwcaps, isaLevel: level == 0 ? 0 : UInt16(31 - level.leadingZeroBitCount)))
      if hwcaps == nil, !choice.isLink, choice.candidate.name != soname {
        links.append(Link(name: soname, target: choice.candidate.name))
      }
    }
    return Selection(entries: entries, links: links)
  }
}
