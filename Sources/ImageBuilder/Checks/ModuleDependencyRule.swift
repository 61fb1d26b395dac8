internal import DebianPackage
internal import NativeActions

extension Rule {
  /// Modules that `modules.dep` or another module names and that are not there.
  static let moduleDependency = Rule(name: "module-dependency") { root in
    var findings: [(path: String, message: String)] = []
    let paths = root.paths.filter { $0.hasPrefix("usr/lib/modules/") }
    for index in paths where RootTree.name(of: index) == "modules.dep" {
      findings += missingFiles(index, root)
    }
    var present: [String: Set<String>] = [:]
    for path in paths {
      guard let release = release(of: path) else { continue }
      if isModule(path) { present[release, default: []].insert(ModuleName.ofPath(plain(path))) }
      // What is built in satisfies others too.
      guard path == "usr/lib/modules/\(release)/modules.builtin" else { continue }
      for line in (root.tree[path]?.bytes ?? []).split(separator: UInt8(ascii: "\n")) {
        present[release, default: []].insert(ModuleName.ofPath(String(decoding: line, as: UTF8.self)))
      }
    }
    for path in paths where isModule(path) {
      guard let release = release(of: path), let bytes = root.tree[path]?.bytes else { continue }
      do {
        for name in try dependencies(bytes, path) where present[release]?.contains(name) != true {
          findings.append(
            (
              path,
              "needs the module \(name), which is not in the image: add it to kernel.modules, or drop this"
            ))
        }
      } catch {
        findings.append((path, "cannot be loaded: \(error)"))
      }
    }
    return findings
  }

  private static func missingFiles(_ index: String, _ root: CheckedRoot) -> [(path: String, message: String)]
  {
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

  /// The part of a path that `uname -r` would say.
  private static func release(of path: String) -> String? {
    let parts = path.split(separator: "/", maxSplits: 4)
    return parts.count > 4 ? String(parts[3]) : nil
  }

  private static func isModule(_ path: String) -> Bool {
    plain(path).hasSuffix(".ko")
  }

  /// Without the ending of a compression.
  private static func plain(_ path: String) -> String {
    String(path.dropLast(Compression(fileName: path).fileExtension.count))
  }

  private static func dependencies(_ bytes: [UInt8], _ path: String) throws -> [String] {
    let compression = Compression(fileName: path)
    let plainBytes =
      compression == .none
      ? bytes : try Decompressor.decompress(bytes, as: compression, limit: 64 << 20, name: "/\(path)")
    return try ModuleInfo.parse(ko: plainBytes, path: "/\(path)").depends
  }
}
