/// One line of `ldconfig -p`: where the loader finds a soname.
package struct LibraryCacheEntry: Equatable, Sendable {
  /// The name that programs ask for, such as `libc.so.6`.
  package let soname: String
  /// The absolute path to open.
  package let path: String
  /// `FLAG_*` of glibc: kind of library and ABI, see `LibraryCache.flags(for:)`.
  package let flags: UInt32
  /// The `glibc-hwcaps` subdirectory that it lies in, such as `x86-64-v3`; `nil` for an ordinary directory.
  package let hwcaps: String?
  /// The highest x86-64 level that it demands (0 is the baseline); counts only below `glibc-hwcaps`.
  package let isaLevel: UInt16

  /// Without `hwcaps`, an entry of an ordinary directory.
  package init(soname: String, path: String, flags: UInt32, hwcaps: String? = nil, isaLevel: UInt16 = 0) {
    self.soname = soname
    self.path = path
    self.flags = flags
    self.hwcaps = hwcaps
    self.isaLevel = isaLevel
  }
}

/// `/etc/ld.so.cache` as glibc reads it (format 1.1 alone, which `ldconfig` writes since 2.32; glibc's
/// `sysdeps/generic/dl-cache.h`).
package enum LibraryCache {
  /// Directories that `ldconfig` searches after those of its configuration; Debian lists its multi-arch directories
  /// in `/etc/ld.so.conf.d`.
  package static let systemDirectories = ["/lib", "/usr/lib"]

  /// The flags of a library of that machine: a glibc library (3) of the 64-bit ABI. `unsupported` for a machine that
  /// no image is built for.
  package static func flags(for machine: ELFFile.Machine) throws(NativeActionError) -> UInt32 {
    switch machine {
    case .amd64: return 0x0303
    case .arm64: return 0x0A03
    default:
      throw NativeActionError(
        .unsupported, at: "ld.so.cache", "no library flags are known for the ELF machine \(machine.rawValue)")
    }
  }

  /// The cache file's bytes.
  ///
  /// Entries are sorted as the loader's binary search demands; among equals the order given stays, so list libraries
  /// in the order of their directories. `generator` goes into the extension section that says who wrote the file.
  /// `malformed` for a NUL in a name, `limitExceeded` if the file would pass 2 GiB.
  ///
  ///     0             17    20       24           28      29  32                36       48
  ///     | magic       | 1.1 | nlibs | len_strings | flags | 0 | extension_offset | unused | entries…
  ///     entry: | flags 4 | key 4 | value 4 | osversion 4 | hwcap 8 |
  ///     after the entries: strings, padding to 4, extension directory, hwcaps array, generator
  package static func encode(
    _ entries: [LibraryCacheEntry], generator: String = "netimg"
  ) throws(NativeActionError) -> [UInt8] {
    for entry in entries {
      for text in [entry.soname, entry.path, entry.hwcaps ?? ""] where text.utf8.contains(0) {
        throw NativeActionError(
          .malformed, at: entry.path, "a library's name holds a NUL byte; rename the file")
      }
      guard entry.isaLevel < 1 << 10 else {
        throw NativeActionError(
          .malformed, at: entry.path, "the ISA level \(entry.isaLevel) does not fit into ld.so.cache")
      }
    }
    return try LibraryCacheWriter(entries, generator: generator).bytes()
  }
}
