/// Modules in their order, and who needs whom: the work of `depmod` before it writes.
struct ModuleGraph {
  /// `depmod` counts in 16 bits.
  private static let mostModules = 65534

  /// In the order of `modules.order`; the position is the priority in the indexes.
  let modules: [ModuleInfo]
  /// For each symbol the module that exports it, as an index.
  let owners: [String: Int]
  /// For each module all that it needs, directly or not, as indexes in the order that `depmod` lists them.
  let dependencies: [[Int]]

  init(_ unordered: [ModuleInfo], order: [UInt8]?) throws(NativeActionError) {
    guard unordered.count <= Self.mostModules else {
      throw NativeActionError(
        .limitExceeded, at: "modules",
        "\(unordered.count) kernel modules, but at most \(Self.mostModules) are indexed")
    }
    modules = try Self.sort(try Self.withoutOverridden(unordered), by: order)
    var owners: [String: Int] = [:]
    for (index, module) in modules.enumerated() {
      // The last one wins, as in depmod.
      for symbol in module.exportedSymbols { owners[symbol] = index }
    }
    self.owners = owners
    var direct: [[Int]] = []
    for module in modules {
      var seen = Set<Int>()
      direct.append(
        module.requiredSymbols.compactMap { name in
          // PowerPC spells functions with a dot in front.
          owners[name.hasPrefix(".") ? String(name.dropFirst()) : name]
        }.filter { seen.insert($0).inserted })
    }
    let ranks = try Self.ranks(direct, modules)
    dependencies = direct.indices.map { Self.closure(of: $0, direct).sorted { ranks[$0] < ranks[$1] } }
  }

  /// Of two modules with one name, the one below `updates/` counts (depmod.d(5), the default search order).
  private static func withoutOverridden(_ modules: [ModuleInfo]) throws(NativeActionError) -> [ModuleInfo] {
    var chosen: [String: ModuleInfo] = [:]
    for module in modules {
      guard let other = chosen[module.name] else {
        chosen[module.name] = module
        continue
      }
      switch (module.path.hasPrefix("updates/"), other.path.hasPrefix("updates/")) {
      case (true, false): chosen[module.name] = module
      case (false, true): continue
      default:
        throw NativeActionError(
          .conflict, at: module.path,
          "the module \(module.name) is in \(other.path) too; keep one, or put it below updates/")
      }
    }
    return Array(chosen.values)
  }

  /// Modules named in `modules.order` first, in its order; then the others by path.
  private static func sort(_ modules: [ModuleInfo], by order: [UInt8]?) throws(NativeActionError)
    -> [ModuleInfo]
  {
    var positions: [ArraySlice<UInt8>: Int] = [:]
    for line in try TextLines(order ?? [], file: "modules.order").lines where positions[line.bytes] == nil {
      positions[line.bytes] = positions.count
    }
    let ranked = modules.map { module in
      (position: positions[uncompressedPath(module.path)] ?? .max, module: module)
    }
    return ranked.sorted { left, right in
      left.position == right.position
        ? precedesBytewise(left.module.path, right.module.path) : left.position < right.position
    }.map(\.module)
  }

  /// `a/b.ko.xz` is `a/b.ko` in `modules.order`.
  private static func uncompressedPath(_ path: String) -> ArraySlice<UInt8> {
    let bytes = [UInt8](path.utf8)
    let nameStart = bytes.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
    guard let dot = bytes[nameStart...].firstIndex(of: UInt8(ascii: ".")) else { return bytes[...] }
    return bytes[..<dot] + [UInt8](".ko".utf8)
  }

  /// A topological rank for each module, users before what they use: Kahn's algorithm with a stack, because the rank
  /// decides the order of names in `modules.dep`.
  private static func ranks(_ direct: [[Int]], _ modules: [ModuleInfo]) throws(NativeActionError) -> [Int] {
    var users = [Int](repeating: 0, count: direct.count)
    for needed in direct {
      for index in needed { users[index] += 1 }
    }
    var stack = users.indices.filter { users[$0] == 0 }
    var ranks = [Int](repeating: 0, count: direct.count)
    var ranked = 0
    while let index = stack.popLast() {
      ranks[index] = ranked
      ranked += 1
      for needed in direct[index] {
        users[needed] -= 1
        if users[needed] == 0 { stack.append(needed) }
      }
    }
    guard ranked == direct.count else {
      let circle = cycle(direct, users).map { modules[$0].name }
      throw NativeActionError(
        .conflict, at: circle.first ?? "modules",
        "kernel modules need each other in a circle: \(circle.joined(separator: " → ")); drop one of them")
    }
    return ranks
  }

  /// Some circle among the modules that were never free of users.
  private static func cycle(_ direct: [[Int]], _ users: [Int]) -> [Int] {
    guard var current = users.firstIndex(where: { $0 > 0 }) else { return [] }
    // Only what still has users can lie on a circle or behind one; walking backwards from there must come round.
    var usersOf: [Int: Int] = [:]
    for (user, needed) in direct.enumerated() where users[user] > 0 {
      for index in needed where usersOf[index] == nil { usersOf[index] = user }
    }
    var path: [Int] = []
    while !path.contains(current) {
      path.append(current)
      guard let user = usersOf[current] else { return path.reversed() }
      current = user
    }
    path.append(current)
    return Array(path.drop { $0 != current }.reversed())
  }

  private static func closure(of start: Int, _ direct: [[Int]]) -> Set<Int> {
    var found = Set<Int>()
    var stack = direct[start]
    while let index = stack.popLast() {
      if found.insert(index).inserted { stack += direct[index] }
    }
    return found
  }
}
