extension Rule {
  /// Modules that `modules.dep` names and that are not there.
  static let moduleDependency = Rule(name: "module-dependency") { root in
    root.paths.filter { $0.hasPrefix("usr/lib/modules/") && RootTree.name(of: $0) == "modules.dep" }
      .flatMap { index -> [(path: String, message: String)] in
        let directory = RootTree.parent(of: index)
        let lines = (root.tree[index]?.bytes ?? []).split(separator: UInt8(ascii: "\n"))
        return lines.flatMap { line -> [(path: String, message: String)] in
          let words = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
          guard let module = words.first.map({ $0.hasSuffix(":") ? String($0.dropLast()) : $0 }) else {
            return []
          }
          return ([module] + words.dropFirst()).compactMap { path in
            guard root.tree.node(at: "\(directory)/\(path)")?.bytes == nil else { return nil }
            let need = path == module ? "is in modules.dep" : "is needed by \(RootTree.name(of: module))"
            return ("\(directory)/\(path)", "\(need), but it is not in the image: add it to kernel.modules")
          }
        }
      }
  }
}
