/// What the kernel image has built in, from its package's `modules.builtin` and `modules.builtin.modinfo`.
struct BuiltinModules {
  /// Names in file order.
  private(set) var names: [String] = []
  /// (alias, module) in file order.
  private(set) var aliases: [(alias: String, name: String)] = []

  init(list: [UInt8], modinfo: [UInt8]) throws(NativeActionError) {
    for line in try TextLines(list, file: "modules.builtin").lines {
      guard let first = line.bytes.first else { continue }
      guard (0x41...0x5A).contains(first) || (0x61...0x7A).contains(first) else {
        throw NativeActionError(
          .malformed, at: "modules.builtin:\(line.number)",
          "the line is not the path of a module; replace the file")
      }
      names.append(ModuleName.ofPath(line.bytes.text))
    }
    guard modinfo.count <= TextLines.largestFile else {
      throw NativeActionError(
        .limitExceeded, at: "modules.builtin.modinfo", "more than \(TextLines.largestFile) bytes")
    }
    // NAME.key=value, each with a NUL at its end; one without is cut short and does not count.
    let end = modinfo.lastIndex(of: 0) ?? 0
    for string in modinfo[..<end].split(separator: 0) {
      guard let dot = string.firstIndex(of: UInt8(ascii: ".")), dot > string.startIndex,
        string[(dot + 1)...].starts(with: "alias=".utf8), string.count < 4096
      else { continue }
      let value = string[(dot + 1 + 6)...]
      guard !value.isEmpty else { continue }
      aliases.append((value.text, string[..<dot].text))
    }
  }
}
