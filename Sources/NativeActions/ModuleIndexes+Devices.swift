extension ModuleIndexes {
  /// `modules.devname`: device nodes that udev makes before the module is there, `MODULE NAME cMAJOR:MINOR`.
  static func deviceText(_ graph: ModuleGraph) -> [UInt8] {
    var text = ""
    for module in graph.modules {
      var name: Substring?
      var numbers: (type: String, major: UInt32, minor: UInt32)?
      for alias in module.aliases {
        if alias.hasPrefix("devname:") {
          name = alias.dropFirst("devname:".count)
        } else if let found = deviceNumbers(alias, "char-major-") {
          numbers = ("c", found.major, found.minor)
        } else if let found = deviceNumbers(alias, "block-major-") {
          numbers = ("b", found.major, found.minor)
        }
        if name != nil, numbers != nil { break }
      }
      guard let name, let numbers else { continue }
      if text.isEmpty { text = "# Device nodes to trigger on-demand module loading.\n" }
      text += "\(module.name) \(name) \(numbers.type)\(numbers.major):\(numbers.minor)\n"
    }
    return [UInt8](text.utf8)
  }

  /// The numbers in `PREFIXmajor-minor`; an alias for every minor (`…-10-*`) has none.
  private static func deviceNumbers(_ alias: String, _ prefix: String) -> (major: UInt32, minor: UInt32)? {
    guard alias.hasPrefix(prefix) else { return nil }
    let parts = alias.dropFirst(prefix.count).split(
      separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let major = UInt32(parts[0]),
      let minor = UInt32(parts[1].prefix { $0.isASCII && $0.isNumber })
    else { return nil }
    return (major, minor)
  }
}

/// Paul Hsieh's SuperFastHash over ASCII, in which kmod orders its table of symbols.
enum SuperFastHash {
  static func hash(_ text: String) -> UInt32 {
    let bytes = text.utf8.map(UInt32.init)
    func pair(_ index: Int) -> UInt32 { bytes[index] | bytes[index + 1] << 8 }
    var hash = UInt32(truncatingIfNeeded: bytes.count)
    var index = 0
    while bytes.count - index >= 4 {
      hash &+= pair(index)
      hash = hash << 16 ^ (pair(index + 2) << 11 ^ hash)
      hash &+= hash >> 11
      index += 4
    }
    switch bytes.count - index {
    case 3:
      hash &+= pair(index)
      hash ^= hash << 16
      hash ^= bytes[index + 2] << 18
      hash &+= hash >> 11
    case 2:
      hash &+= pair(index)
      hash ^= hash << 11
      hash &+= hash >> 17
    case 1:
      hash &+= bytes[index]
      hash ^= hash << 10
      hash &+= hash >> 1
    default: break
    }
    for (left, right) in [(3, 5), (4, 17), (25, 6)] as [(UInt32, UInt32)] {
      hash ^= hash << left
      hash &+= hash >> right
    }
    return hash
  }
}
