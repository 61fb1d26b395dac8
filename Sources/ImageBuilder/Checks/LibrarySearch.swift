internal import NativeActions

/// Finds libraries as the dynamic loader does (ld.so(8)), for each file by itself: a `DT_RPATH` of whoever loads it is
/// not looked at, which no Debian package relies on.
struct LibrarySearch {
  private let root: CheckedRoot
  private let directories: [String]

  init(_ root: CheckedRoot) {
    self.root = root
    // What ld.so.cache was made of; a broken ld.so.conf has stopped the build before.
    directories = (try? root.tree.libraryDirectories()) ?? []
  }

  /// The path of the library; `nil` if there is none for this machine.
  func find(_ name: String, for elf: ELFFile, at path: String) -> String? {
    if name.utf8.contains(UInt8(ascii: "/")) { return library(name, machine: elf.machine) }
    let own = (elf.runpath.isEmpty ? elf.rpath : elf.runpath).compactMap { expand($0, at: path) }
    for directory in own + directories {
      if let found = library("\(directory)/\(name)", machine: elf.machine) { return found }
    }
    return nil
  }

  private func library(_ path: String, machine: ELFFile.Machine) -> String? {
    guard let real = root.tree.resolve(path), let elf = root.scan(real)?.elf, elf.machine == machine,
      elf.kind == .shared
    else { return nil }
    return real
  }

  /// A directory of a run path with `$ORIGIN` filled in; `nil` for relative ones and those that ask about the processor.
  private func expand(_ directory: String, at path: String) -> String? {
    let origin = "/" + RootTree.parent(of: path)
    let result = directory.replacing("${ORIGIN}", with: origin).replacing("$ORIGIN", with: origin)
    return result.utf8.first == UInt8(ascii: "/") && !result.utf8.contains(UInt8(ascii: "$")) ? result : nil
  }
}
