extension LoadingSession {
  /// The folder of the components, from the repository root.
  static let componentsFolder = "images"

  /// Reads a component and, before it, what it requires.
  mutating func resolve(_ requirement: Located<String>) {
    let name = requirement.value
    if let start = chain.firstIndex(where: { $0.value == name }) {
      reportCycle(Array(chain[start...]) + [requirement])
      return
    }
    guard visited.insert(name).inserted else { return }
    let directory = SourcePath.join(Self.componentsFolder, name)
    let path = SourcePath.join(directory, "component.yaml")
    let absent = ManifestError.Problem(
      .notFound, at: requirement.location, "there is no component \(name): \(path) is missing",
      suggestion: nearestComponent(to: name).map { "did you mean \($0)?" })
    guard let node = parse(path, absent: absent), check(node, is: .component) else { return }
    let origin = Origin(kind: .component, name: name)
    guard var component = decode(node, file: path, as: ComponentKeys.component, origin: origin) else {
      return
    }
    if component.name.value != name {
      problems.append(
        .init(
          .badValue, at: component.name.location,
          "the component is named \(component.name.value), but its folder \(name)",
          suggestion: "give both the same name"))
    }
    chain.append(requirement)
    chains[name] = chain.map(\.value)
    for next in component.requires { resolve(next) }
    chain.removeLast()
    var files = FileTreeReader(root: SourcePath.join(directory, "files"), origin: origin, tree: tree)
    files.read()
    component.declarations.add(files)
    problems.append(contentsOf: files.problems)
    sources.merge(files.sources)
    components.append(component)
  }

  private mutating func reportCycle(_ links: [Located<String>]) {
    guard let last = links.last else { return }
    let steps = links.map { "\($0.value) (\($0.location))" }.joined(separator: " requires ")
    problems.append(
      .init(
        .cycle, at: last.location, "components require each other: \(steps)",
        suggestion: "remove one of the requirements"))
  }

  private func nearestComponent(to name: String) -> String? {
    guard let entries = try? tree.list(Self.componentsFolder) else { return nil }
    return Suggestions.nearest(to: name, among: entries.filter { $0.kind == .directory }.map(\.name))
  }
}

extension Declarations {
  /// Adds what lies under a component's `files` folder.
  ///
  /// An entry of the component's manifest with the same path and content stands for the file: it says what
  /// the file's owner and mode are, which git does not know.
  mutating func add(_ tree: FileTreeReader) {
    let stated = Dictionary(
      files.map { (Array($0.path.utf8), $0.value.bytes) }, uniquingKeysWith: { first, _ in first })
    files += tree.files.filter { file in stated[Array(file.path.utf8)] != file.value.bytes }
    links += tree.links
  }
}
