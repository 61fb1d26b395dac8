/// What decoding one manifest needs, and what it finds wrong.
struct DecodingContext: Sendable {
  /// The manifest's path from the repository root.
  let file: String
  let origin: Origin
  /// Where files that the manifest names are read; `nil` reads none.
  let tree: (any SourceTree)?
  /// The key whose value is being decoded, for messages.
  var key = ""
  private(set) var problems: [ManifestError.Problem] = []
  /// How many problems there were, with those beyond the ones kept.
  private(set) var problemCount = 0
  /// What was read, for the digest of the sources.
  var sources = SourceRecord()

  /// Enough to mend a file by; a hostile one may have a problem for every key.
  static let maximumProblems = 100

  init(file: String, origin: Origin, tree: (any SourceTree)?) {
    self.file = file
    self.origin = origin
    self.tree = tree
  }

  mutating func report(
    _ code: ManifestError.Code, at location: SourceLocation, _ message: String, suggestion: String? = nil
  ) {
    problemCount += 1
    guard problems.count < Self.maximumProblems else { return }
    problems.append(.init(code, at: location, message, suggestion: suggestion))
  }

  /// Reports that `node` is not what its key takes.
  mutating func reportType(_ expected: String, _ node: YAMLNode) {
    let suggestion: String? =
      switch node.content {
      case .scalar(let scalar) where scalar.kind == .null: "write a value or remove the key"
      default: nil
      }
    report(
      .wrongType, at: node.location, "\(key.isEmpty ? "this" : key) takes \(expected), not \(node.summary)",
      suggestion: suggestion)
  }

  mutating func reportUnknownKey(_ entry: YAMLEntry, in shape: ObjectShape) {
    // The search for a near name is dear, and would be in vain.
    let known = problems.count < Self.maximumProblems ? shape.keys.map(\.name) : []
    var suggestion = Suggestions.nearest(to: entry.key, among: known).map { "did you mean \($0)?" }
    if let owner = Schema.owner(ofKey: entry.key), ManifestKind(rawValue: shape.name) != nil {
      suggestion = "it belongs to kind: \(owner.rawValue)"
    }
    report(
      .unknownKey, at: entry.keyLocation, "\(shape.name) has no key \(entry.key.prefix(80))",
      suggestion: suggestion ?? "its keys are \(known.joined(separator: ", "))")
  }

  mutating func checkPresence(
    of shape: ObjectShape, in entries: [YAMLEntry], at location: SourceLocation
  ) {
    let present = entries.map(\.key)
    for key in shape.keys where key.isRequired && !present.contains(key.name) {
      report(
        .missingKey, at: location, "\(shape.name) needs the key \(key.name)",
        suggestion: "add \(key.name): \(key.example)")
    }
    let alternatives = shape.exactlyOne.joined(separator: " or ")
    let chosen = entries.filter { shape.exactlyOne.contains($0.key) }
    if !shape.exactlyOne.isEmpty, chosen.isEmpty {
      report(.missingKey, at: location, "\(shape.name) needs \(alternatives)")
    }
    if let extra = chosen.dropFirst().first {
      report(
        .badValue, at: extra.keyLocation, "\(shape.name) takes \(alternatives), not both",
        suggestion: "remove one of the two")
    }
    if !shape.atLeastOne.isEmpty, !shape.atLeastOne.contains(where: present.contains) {
      report(
        .missingKey, at: location,
        "\(shape.name) needs at least one of \(shape.atLeastOne.joined(separator: ", "))")
    }
  }
}
