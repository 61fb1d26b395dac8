/// What one kernel module says of itself (`modinfo`), and the symbols that tie it to others.
package struct ModuleInfo: Sendable {
  /// The path below `/lib/modules/VERSION`, such as `kernel/fs/ext4/ext4.ko`.
  package let path: String
  /// The name with underscores, from the path.
  package let name: String
  /// `depends`: names of the modules that must be loaded first, with underscores.
  package let depends: [String]
  /// `alias`, in file order: patterns for devices, file systems, protocols.
  package let aliases: [String]
  /// `softdep`, in file order, such as `pre: crypto-md5`.
  package let softDependencies: [String]
  /// `weakdep`, in file order: what it may ask for at run time.
  package let weakDependencies: [String]
  /// `firmware`, in file order: files below `/lib/firmware` that it may load.
  package let firmware: [String]
  /// `vermagic`: the kernel release and options that it was built for.
  package let versionMagic: String?
  /// Names of symbols that it exports, in file order.
  package let exportedSymbols: [String]
  /// Names of symbols that it takes from the kernel or other modules, in file order.
  package let requiredSymbols: [String]

  /// Reads an uncompressed module. `path` as above; errors name it.
  package static func parse(ko bytes: [UInt8], path: String) throws(NativeActionError) -> ModuleInfo {
    let elf = try ELFFile(bytes, path: path)
    guard elf.kind == .relocatable, let information = elf.data(ofSection: ".modinfo") else {
      throw NativeActionError(
        .unsupported, at: path,
        "an ELF file without .modinfo is no kernel module; take it out of the modules directory")
    }
    let symbols = try ModuleSymbols(elf, path: path)
    let fields = try ModuleInfoFields(information, origin: path)
    return ModuleInfo(
      path: path,
      name: ModuleName.ofPath(path),
      depends: fields["depends"].flatMap { $0.split(separator: ",").map(ModuleName.normalize) },
      aliases: fields["alias"],
      softDependencies: fields["softdep"],
      weakDependencies: fields["weakdep"],
      firmware: fields["firmware"],
      versionMagic: fields["vermagic"].first,
      exportedSymbols: symbols.exported,
      requiredSymbols: symbols.required)
  }
}

/// The NUL-terminated `key=value` strings of `.modinfo`.
struct ModuleInfoFields {
  /// Modules with the most device aliases have some thousands.
  private static let mostFields = 1 << 16
  /// kmod's own limit (`PATH_MAX`); it also bounds the depth of the index tries.
  private static let longestField = 4096

  private var values: [String: [String]] = [:]

  init(_ section: ArraySlice<UInt8>, origin: String) throws(NativeActionError) {
    let strings = section.split(separator: 0)
    guard strings.count <= Self.mostFields, strings.allSatisfy({ $0.count < Self.longestField }) else {
      throw NativeActionError(
        .limitExceeded, at: origin,
        "more than \(Self.mostFields) .modinfo fields, or one of \(Self.longestField) bytes or more")
    }
    for string in strings {
      // Names and aliases end up as words and lines of text files.
      guard string.allSatisfy({ (0x20...0x7E).contains($0) || $0 == 0x09 || $0 == 0x0A || $0 >= 0x80 }) else {
        throw NativeActionError(.malformed, at: origin, "a control character in .modinfo; replace the module")
      }
      guard let equals = string.firstIndex(of: UInt8(ascii: "=")) else { continue }
      values[string[..<equals].text, default: []].append(string[(equals + 1)...].text)
    }
    for key in ["alias", "softdep", "weakdep", "depends"] {
      let isClean = (values[key] ?? []).allSatisfy { $0.utf8.allSatisfy { (0x20...0x7E).contains($0) } }
      guard isClean else {
        throw NativeActionError(
          .malformed, at: origin, "\(key) in .modinfo is not a line of ASCII; replace the module")
      }
    }
  }

  /// All values of a key, in file order.
  subscript(key: String) -> [String] { values[key] ?? [] }
}
