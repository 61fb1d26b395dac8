extension Shape {
  /// The mapping with known keys within this form, if it has one.
  var object: ObjectShape? {
    switch self {
    case .object(let object): object
    case .list(let item, _): item.object
    case .map(_, let value): value.object
    case .either(let first, let second): first.object ?? second.object
    case .text, .scalar, .enumeration, .integer, .boolean: nil
    }
  }
}

extension KeyShape {
  /// The example as a node; `nil` if it were no YAML.
  var parsedExample: YAMLNode? {
    try? YAMLDocument.parse(Array(example.utf8), file: name)
  }
}

extension Schema {
  /// Every mapping with known keys, each once: the kinds, and after each what it is made of.
  static func definitions() -> [ObjectShape] {
    var result: [ObjectShape] = []
    var seen: Set<String> = []
    func visit(_ object: ObjectShape) {
      guard seen.insert(object.name).inserted else { return }
      result.append(object)
      for key in object.keys { key.shape.object.map(visit) }
    }
    for kind in ManifestKind.allCases { shape(of: kind).map(visit) }
    return result
  }
}
