/// One run of the loader: what it has read so far, and what was wrong.
struct LoadingSession: Sendable {
  let tree: any SourceTree
  var problems: [ManifestError.Problem] = []
  var sources = SourceRecord()
  /// The components read, dependencies first.
  var components: [ComponentManifest] = []
  /// Components that were read or found wanting, and need no second look.
  var visited: Set<String> = []
  /// The names that led to each component, itself the last.
  var chains: [String: [String]] = [:]
  /// The requirements that lead to the component being read.
  var chain: [Located<String>] = []

  init(tree: any SourceTree) {
    self.tree = tree
  }

  /// The image manifest at `path`, after its components; `nil` if something was reported.
  mutating func image(at path: String) -> ImageManifest? {
    guard let node = parse(path, absent: nil), check(node, is: .image) else { return nil }
    let name = node.entry("name")?.value.text ?? path
    let origin = Origin(kind: .image, name: name)
    let image = decode(node, file: path, as: ImageKeys.image, origin: origin)
    var requirements = image?.components
    if image == nil {
      // What is wrong with the image should not hide what is wrong with its components.
      var quiet = DecodingContext(file: path, origin: origin, tree: nil)
      requirements = node.entry("components").flatMap { ImageKeys.components.type.decode($0.value, &quiet) }
    }
    for requirement in requirements ?? [] { resolve(requirement) }
    return image
  }

  /// Parses the file at `path`. `absent` is what to report if there is none.
  mutating func parse(_ path: String, absent: ManifestError.Problem?) -> YAMLNode? {
    let location = SourceLocation(file: path)
    do {
      guard let file = try tree.file(at: path) else {
        problems.append(
          absent
            ?? .init(
              .notFound, at: location, "there is no such file", suggestion: "check the path of the manifest"))
        return nil
      }
      sources.add(file, at: path)
      return try YAMLDocument.parse(file.bytes, file: path)
    } catch let error as ManifestError {
      problems.append(contentsOf: error.problems)
    } catch {
      problems.append(.init(.unreadable, at: location, "\(error)"))
    }
    return nil
  }

  /// Whether a manifest is of a kind, as far as it says: decoding reports what is no kind at all.
  mutating func check(_ node: YAMLNode, is expected: ManifestKind) -> Bool {
    guard let value = node.entry("kind")?.value, let kind = value.text.flatMap(ManifestKind.init(rawValue:)),
      kind != expected
    else { return true }
    problems.append(
      .init(
        .badValue, at: value.location,
        "this is a manifest of kind \(kind.rawValue), where one of kind \(expected.rawValue) belongs",
        suggestion: "name one of kind \(expected.rawValue)"))
    return false
  }

  mutating func decode<Value>(
    _ node: YAMLNode, file: String, as type: ValueType<Value>, origin: Origin
  ) -> Value? {
    var context = DecodingContext(file: file, origin: origin, tree: tree)
    let value = type.decode(node, &context)
    sources.merge(context.sources)
    problems.append(contentsOf: context.problems)
    return context.problems.isEmpty ? value : nil
  }
}
