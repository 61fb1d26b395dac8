/// Which modules an image needs, from the few that its manifest names.
package struct ModuleClosure: Sendable {
  /// The modules to ship, in the order of their paths.
  package let modules: [ModuleInfo]
  /// Names asked for, or needed, that the kernel has built in; sorted.
  package let builtin: [String]
  /// Soft and weak dependencies that nothing provides, as `MODULE: NAME`; sorted. Not an error: many kernels lack
  /// them by choice.
  package let unresolvedSoftDependencies: [String]

  /// Follows `depends`, `softdep` and `weakdep` from the names given. A soft dependency may be an alias, such as
  /// `crypto-md5`; every module that has it comes along. `missing` for a name that is neither a module nor built in,
  /// with the chain that led there.
  package static func resolve(
    _ names: [String], modules: [ModuleInfo], builtin: [UInt8], builtinModinfo: [UInt8]
  ) throws(NativeActionError) -> ModuleClosure {
    var resolver = ModuleResolver(
      modules: modules, builtins: try BuiltinModules(list: builtin, modinfo: builtinModinfo))
    for name in names { try resolver.require(ModuleName.normalize(name), chain: []) }
    return try resolver.finish()
  }
}

private struct ModuleResolver {
  private let modules: [String: ModuleInfo]
  private let providers: [String: [String]]
  private let builtinNames: Set<String>
  private let builtinAliases: Set<String>
  private var chosen: [String: ModuleInfo] = [:]
  private var builtin: Set<String> = []
  private var unresolved: Set<String> = []
  /// Work left: a module's name, and how we came to it.
  private var pending: [(name: String, chain: [String])] = []

  init(modules: [ModuleInfo], builtins: BuiltinModules) {
    var byName: [String: ModuleInfo] = [:]
    var providers: [String: [String]] = [:]
    for module in modules.sorted(by: { precedesBytewise($0.path, $1.path) }) {
      if byName[module.name] == nil || module.path.hasPrefix("updates/") { byName[module.name] = module }
      for alias in module.aliases {
        if let key = ModuleName.normalizeAlias(alias) { providers[key, default: []].append(module.name) }
      }
    }
    self.modules = byName
    self.providers = providers
    builtinNames = Set(builtins.names)
    builtinAliases = Set(builtins.aliases.compactMap { ModuleName.normalizeAlias($0.alias) })
  }

  mutating func require(_ name: String, chain: [String]) throws(NativeActionError) {
    if let module = modules[name] {
      guard chosen[name] == nil else { return }
      chosen[name] = module
      pending.append((name, chain + [name]))
    } else if builtinNames.contains(name) {
      builtin.insert(name)
    } else {
      let message =
        chain.isEmpty
        ? "the kernel has no module of that name, nor has it built in; check the spelling against modules.dep"
        : "a kernel module that is not there, but needed: \((chain + [name]).joined(separator: " → ")); "
          + "add the package that has it, or drop \(chain[0])"
      throw NativeActionError(.missing, at: name, message)
    }
  }

  mutating func finish() throws(NativeActionError) -> ModuleClosure {
    while let (name, chain) = pending.popLast() {
      guard let module = modules[name] else { continue }
      for needed in module.depends { try require(needed, chain: chain) }
      for words in module.softDependencies + module.weakDependencies {
        for word in words.split(separator: " ") where word != "pre:" && word != "post:" {
          try want(String(word), by: name, chain: chain)
        }
      }
    }
    return ModuleClosure(
      modules: chosen.values.sorted { precedesBytewise($0.path, $1.path) },
      builtin: builtin.sortedBytewise(),
      unresolvedSoftDependencies: unresolved.sortedBytewise())
  }

  /// A soft dependency: a module, something built in, or an alias of either.
  private mutating func want(_ word: String, by user: String, chain: [String]) throws(NativeActionError) {
    let name = ModuleName.normalize(word)
    let alias = ModuleName.normalizeAlias(word) ?? word
    if modules[name] != nil || builtinNames.contains(name) {
      try require(name, chain: chain)
    } else if let names = providers[alias] {
      for provider in names { try require(provider, chain: chain) }
    } else if !builtinAliases.contains(alias) {
      unresolved.insert("\(user): \(word)")
    }
  }
}
