internal import DebianPackage
internal import Manifest
internal import NativeActions

/// A kernel package's modules: which an image needs, and which stage 0 loads.
///
/// Modules are compressed in the package, and most of them are never needed: only those on the way are
/// decompressed, all of them only if a soft dependency names an alias that nothing seen so far has.
struct KernelModules: Sendable {
  private let kernel: UnpackedPackage.KernelFiles
  /// Paths by canonical module name.
  private let paths: [String: String]
  private var parsed: [String: (info: ModuleInfo, bytes: [UInt8])] = [:]

  /// The largest module, uncompressed, in bytes.
  private static let maximumSize = 64 << 20

  init(_ kernel: UnpackedPackage.KernelFiles) {
    self.kernel = kernel
    var paths: [String: String] = [:]
    for path in kernel.modules.keys.sorted(by: >) {
      let name = RootTree.name(of: path)
      guard let end = name.firstRange(of: ".ko")?.lowerBound else { continue }
      paths[ModuleName.normalize(String(name[..<end]))] = path
    }
    self.paths = paths
  }

  var isEmpty: Bool { paths.isEmpty }

  /// The modules named and all they need, uncompressed, by path below `usr/lib/modules/RELEASE`, with depmod's indexes.
  mutating func files(_ names: [Located<String>], stage0: [String]) async throws -> [String: [UInt8]] {
    for name in names {
      do {
        try load([name.value])
      } catch {
        throw BuildError(.manifest, "\(name.location): \(error)")
      }
    }
    try load(stage0)
    let builtin = kernel.lists["modules.builtin"]?.bytes ?? []
    let builtinInfo = kernel.lists["modules.builtin.modinfo"]?.bytes ?? []
    let wanted = names.map(\.value) + stage0
    func resolve() throws -> ModuleClosure {
      try ModuleClosure.resolve(
        wanted, modules: parsed.values.map(\.info), builtin: builtin, builtinModinfo: builtinInfo)
    }
    var closure = try resolve()
    if !closure.unresolvedSoftDependencies.isEmpty {
      try await loadAll()
      closure = try resolve()
    }
    var files: [String: [UInt8]] = [:]
    for module in closure.modules { files[module.path] = parsed[module.name]?.bytes }
    let indexes = try ModuleIndexes.encode(
      modules: closure.modules, order: kernel.lists["modules.order"]?.bytes, builtin: builtin,
      builtinModinfo: builtinInfo)
    files.merge(indexes) { _, new in new }
    for (name, content) in kernel.lists where name.hasPrefix("modules.") { files[name] = content.bytes }
    return files
  }

  /// The modules named and what they need, dependencies first: the order in which stage 0 loads them.
  func loadOrder(required: [String], optional: [String]) -> [Initrd.Module] {
    var order: [Initrd.Module] = []
    var seen: Set<String> = []
    func visit(_ name: String, isOptional: Bool) {
      guard seen.insert(name).inserted, let module = parsed[name] else { return }
      for needed in module.info.depends { visit(needed, isOptional: isOptional) }
      order.append(Initrd.Module(name: name, bytes: module.bytes, isOptional: isOptional))
    }
    for name in required { visit(name, isOptional: false) }
    for name in optional { visit(name, isOptional: true) }
    return order
  }

  /// Which of the names are modules of this kernel.
  func existing(_ names: [String]) -> [String] { names.filter { paths[$0] != nil } }

  private mutating func load(_ names: [String]) throws {
    var pending = names.map(ModuleName.normalize)
    while let name = pending.popLast() {
      guard parsed[name] == nil, let path = paths[name] else { continue }
      let module = try Self.read(path, kernel.modules[path]?.bytes ?? [])
      parsed[name] = module
      pending += module.info.depends
      for words in module.info.softDependencies + module.info.weakDependencies {
        pending += words.split(separator: " ").map { ModuleName.normalize(String($0)) }
      }
    }
  }

  private mutating func loadAll() async throws {
    let rest = paths.filter { parsed[$0.key] == nil }.sorted { $0.key < $1.key }
      .map { (name: $0.key, path: $0.value, content: kernel.modules[$0.value]) }
    let modules = try await concurrentMap(rest) { item in
      let module = try Self.read(item.path, item.content?.bytes ?? [])
      return (item.name, module.info, module.bytes)
    }
    for (name, info, bytes) in modules { parsed[name] = (info, bytes) }
  }

  private static func read(_ path: String, _ stored: [UInt8]) throws -> (info: ModuleInfo, bytes: [UInt8]) {
    let end = path.firstRange(of: ".ko")?.upperBound ?? path.endIndex
    let plainPath = String(path[..<end])
    let bytes =
      plainPath == path
      ? stored
      : try Decompressor.decompress(
        stored, as: Compression(fileName: path), limit: maximumSize, name: path)
    return (try ModuleInfo.parse(ko: bytes, path: plainPath), bytes)
  }
}
