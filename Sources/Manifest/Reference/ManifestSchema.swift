/// The JSON Schema of manifests (draft 2020-12), for editors and for CI.
///
/// It checks each manifest by itself. What it cannot know, such as whether a component exists, is left to the
/// decoder, which uses the same table of keys.
package enum ManifestSchema {
  /// The schema's text, with a line feed at the end; always the same bytes.
  package static func json() -> String {
    let kinds = ManifestKind.allCases.compactMap { Schema.shape(of: $0) }
    let document = JSONText.object([
      ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
      ("title", .string("netimg manifest")),
      ("oneOf", .array(kinds.map(reference))),
      ("$defs", .object(Schema.definitions().map { ($0.name, definition(of: $0)) })),
    ])
    return document.rendered() + "\n"
  }

  private static func reference(to object: ObjectShape) -> JSONText {
    .object([("$ref", .string("#/$defs/\(object.name)"))])
  }

  private static func definition(of object: ObjectShape) -> JSONText {
    var members: [(name: String, value: JSONText)] = [
      ("description", .string(object.summary)),
      ("type", .string("object")),
      ("properties", .object(object.keys.map { ($0.name, property($0)) })),
      ("required", names(object.keys.filter(\.isRequired).map(\.name))),
      ("additionalProperties", .boolean(false)),
    ]
    if !object.exactlyOne.isEmpty { members.append(("oneOf", requirements(object.exactlyOne))) }
    if !object.atLeastOne.isEmpty { members.append(("anyOf", requirements(object.atLeastOne))) }
    return .object(members)
  }

  private static func property(_ key: KeyShape) -> JSONText {
    var members: [(name: String, value: JSONText)] = [("description", .string(key.summary))]
    members += constraints(of: key.shape)
    if let fallback = key.fallback { members.append(("default", .string(fallback))) }
    if let example = key.parsedExample { members.append(("examples", .array([JSONText(example)]))) }
    return .object(members)
  }

  private static func constraints(of shape: Shape) -> [(name: String, value: JSONText)] {
    switch shape {
    case .text(let format): return [("type", .string("string"))] + pattern(of: format)
    // A pattern constrains strings only.
    case .scalar(let format): return [("type", names(["string", "number", "boolean"]))] + pattern(of: format)
    case .enumeration(let values): return [("enum", names(values))]
    case .boolean: return [("type", .string("boolean"))]
    case .integer(let range):
      let maximum: [(name: String, value: JSONText)] =
        range.upperBound == .max ? [] : [("maximum", .integer(range.upperBound))]
      return [("type", .string("integer")), ("minimum", .integer(range.lowerBound))] + maximum
    case .list(let item, let isEmptyAllowed):
      let minimum: [(name: String, value: JSONText)] = isEmptyAllowed ? [] : [("minItems", .integer(1))]
      return [("type", .string("array")), ("items", .object(constraints(of: item)))] + minimum
    case .map(let key, let value):
      return [
        ("type", .string("object")), ("propertyNames", .object(pattern(of: key))),
        ("additionalProperties", .object(constraints(of: value))),
      ]
    case .object(let object): return [("$ref", .string("#/$defs/\(object.name)"))]
    case .either(let first, let second):
      return [("anyOf", .array([.object(constraints(of: first)), .object(constraints(of: second))]))]
    }
  }

  private static func pattern(of format: TextFormat) -> [(name: String, value: JSONText)] {
    format.pattern.isEmpty ? [] : [("pattern", .string(format.pattern))]
  }

  private static func requirements(_ keys: [String]) -> JSONText {
    .array(keys.map { .object([("required", names([$0]))]) })
  }

  private static func names(_ values: [String]) -> JSONText { .array(values.map { .string($0) }) }
}
