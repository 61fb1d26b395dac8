/// The files that `depmod` (kmod 34) writes to `/lib/modules/VERSION`, byte for byte.
package enum ModuleIndexes {
  /// All index files by name: `modules.dep`, `.alias`, `.softdep`, `.weakdep`, `.symbols`, `.devname` as text, and
  /// `modules.dep.bin`, `.alias.bin`, `.symbols.bin`, `.builtin.bin`, `.builtin.alias.bin` as tries.
  ///
  /// `order`, `builtin` and `builtinModinfo` are the kernel package's `modules.order`, `modules.builtin` and
  /// `modules.builtin.modinfo`. Modules that `order` does not name follow by path. `conflict` for two modules of one
  /// name and for circular needs, `malformed` for names outside ASCII.
  package static func encode(
    modules: [ModuleInfo], order: [UInt8]?, builtin: [UInt8]?, builtinModinfo: [UInt8]?
  ) throws(NativeActionError) -> [String: [UInt8]] {
    let graph = try ModuleGraph(modules, order: order)
    let builtins = try BuiltinModules(list: builtin ?? [], modinfo: builtinModinfo ?? [])
    return [
      "modules.dep": dependencyLines(graph).flatMap { [UInt8]("\($0)\n".utf8) },
      "modules.dep.bin": try dependencyTrie(graph),
      "modules.alias": aliasText(graph),
      "modules.alias.bin": try aliasTrie(graph),
      "modules.softdep": dependencyText("softdep", "Soft", graph) { $0.softDependencies },
      "modules.weakdep": dependencyText("weakdep", "Weak", graph) { $0.weakDependencies },
      "modules.symbols": symbolText(graph),
      "modules.symbols.bin": try symbolTrie(graph),
      "modules.builtin.bin": builtin == nil ? [] : try builtinTrie(builtins),
      "modules.builtin.alias.bin": builtinModinfo == nil ? [] : try builtinAliasTrie(builtins),
      "modules.devname": deviceText(graph),
    ]
  }

  /// `path: path of a dependency …`, nearest dependents first.
  private static func dependencyLines(_ graph: ModuleGraph) -> [String] {
    zip(graph.modules, graph.dependencies).map { module, needed in
      (["\(module.path):"] + needed.map { graph.modules[$0].path }).joined(separator: " ")
    }
  }

  private static func dependencyTrie(_ graph: ModuleGraph) throws(NativeActionError) -> [UInt8] {
    var trie = ModuleIndexTrie()
    let lines = dependencyLines(graph)
    for (index, module) in graph.modules.enumerated() {
      try trie.insert(module.name, lines[index], priority: index)
    }
    return try trie.encode()
  }

  private static func aliasText(_ graph: ModuleGraph) -> [UInt8] {
    var text = "# Aliases extracted from modules themselves.\n"
    for module in graph.modules {
      for alias in module.aliases { text += "alias \(alias) \(module.name)\n" }
    }
    return [UInt8](text.utf8)
  }

  private static func aliasTrie(_ graph: ModuleGraph) throws(NativeActionError) -> [UInt8] {
    var trie = ModuleIndexTrie()
    for (index, module) in graph.modules.enumerated() {
      for alias in module.aliases {
        // Unmatched brackets: depmod warns and goes on, since the text file still has the alias.
        guard let key = ModuleName.normalizeAlias(alias) else { continue }
        try trie.insert(key, module.name, priority: index)
      }
    }
    return try trie.encode()
  }

  private static func dependencyText(
    _ keyword: String, _ title: String, _ graph: ModuleGraph, _ values: (ModuleInfo) -> [String]
  ) -> [UInt8] {
    var text = "# \(title) dependencies extracted from modules themselves.\n"
    for module in graph.modules {
      for value in values(module) { text += "\(keyword) \(module.name) \(value)\n" }
    }
    return [UInt8](text.utf8)
  }

  private static func symbolText(_ graph: ModuleGraph) -> [UInt8] {
    // depmod walks a hash table of 2048 buckets, each sorted by name.
    let ordered = graph.owners.map {
      (bucket: SuperFastHash.hash($0.key) & 2047, name: $0.key, owner: $0.value)
    }
    .sorted { $0.bucket == $1.bucket ? precedesBytewise($0.name, $1.name) : $0.bucket < $1.bucket }
    var text = "# Aliases for symbols, used by symbol_request().\n"
    for (_, name, owner) in ordered { text += "alias symbol:\(name) \(graph.modules[owner].name)\n" }
    return [UInt8](text.utf8)
  }

  private static func symbolTrie(_ graph: ModuleGraph) throws(NativeActionError) -> [UInt8] {
    var trie = ModuleIndexTrie()
    for (name, owner) in graph.owners.sorted(by: { precedesBytewise($0.key, $1.key) }) {
      try trie.insert("symbol:\(name)", graph.modules[owner].name, priority: owner)
    }
    return try trie.encode()
  }

  private static func builtinTrie(_ builtins: BuiltinModules) throws(NativeActionError) -> [UInt8] {
    var trie = ModuleIndexTrie()
    for name in builtins.names { try trie.insert(name, "") }
    return try trie.encode()
  }

  private static func builtinAliasTrie(_ builtins: BuiltinModules) throws(NativeActionError) -> [UInt8] {
    var trie = ModuleIndexTrie()
    for (alias, name) in builtins.aliases {
      guard let key = ModuleName.normalizeAlias(alias) else { continue }
      try trie.insert(key, name)
    }
    return try trie.encode()
  }
}
