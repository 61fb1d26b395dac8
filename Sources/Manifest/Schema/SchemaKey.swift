/// A key of a mapping: the one description that the decoder, the JSON Schema and the reference all use.
protocol SchemaKey: Sendable {
  var shape: KeyShape { get }
  /// Decodes the key's value; `nil` if it was reported as wrong.
  func decodeValue(_ node: YAMLNode, _ context: inout DecodingContext) -> (any Sendable)?
}

/// A key whose value decodes to a `Value`.
struct Key<Value: Sendable>: SchemaKey {
  let shape: KeyShape
  let type: ValueType<Value>
  /// What stands in when the key is missing.
  let fallback: Value?

  init(
    _ name: String, _ type: ValueType<Value>, _ summary: String, example: String, required: Bool = false,
    fallback: String? = nil
  ) {
    self.type = type
    shape = KeyShape(
      name: name, shape: type.shape, summary: summary, example: example, isRequired: required,
      fallback: fallback)
    // Decoded by the same rules as what people write, so that the reference cannot promise another default.
    self.fallback = fallback.flatMap { text in
      var context = DecodingContext(file: "", origin: Origin(kind: .image, name: ""), tree: nil)
      let scalar = YAMLScalar(text: text, kind: .string)
      return type.decode(YAMLNode(.scalar(scalar), at: SourceLocation(file: "")), &context)
    }
  }

  func decodeValue(_ node: YAMLNode, _ context: inout DecodingContext) -> (any Sendable)? {
    type.decode(node, &context)
  }
}

/// A type of value: its form, and how to decode it.
struct ValueType<Value: Sendable>: Sendable {
  let shape: Shape
  /// `nil` if the node was reported as wrong.
  let decode: @Sendable (YAMLNode, inout DecodingContext) -> Value?

  init(_ shape: Shape, decode: @escaping @Sendable (YAMLNode, inout DecodingContext) -> Value?) {
    self.shape = shape
    self.decode = decode
  }

  /// The same form, with its value made into another; `nil` from `transform` means that it was reported.
  func map<Other: Sendable>(
    _ transform: @escaping @Sendable (Value, SourceLocation, inout DecodingContext) -> Other?
  ) -> ValueType<Other> {
    ValueType<Other>(shape) { [decode] node, context in
      decode(node, &context).flatMap { transform($0, node.location, &context) }
    }
  }
}

/// The decoded values of a mapping.
struct Fields: Sendable {
  let location: SourceLocation
  let origin: Origin
  fileprivate var values: [String: any Sendable] = [:]
  fileprivate var locations: [String: SourceLocation] = [:]

  /// A key's value or what stands in for it; `nil` if it has neither.
  subscript<Value>(_ key: Key<Value>) -> Value? {
    values[key.shape.name] as? Value ?? key.fallback
  }

  /// The same with its place, which is that of the mapping if the key is missing.
  func located<Value>(_ key: Key<Value>) -> Located<Value>? {
    self[key].map { Located($0, origin: origin, location: locations[key.shape.name] ?? location) }
  }
}

extension ValueType {
  /// A mapping with known keys. `build` runs once all of them were decoded and none was wrong.
  static func object(
    _ name: String, _ summary: String, keys: [any SchemaKey], exactlyOne: [String] = [],
    atLeastOne: [String] = [],
    build: @escaping @Sendable (Fields, inout DecodingContext) -> Value?
  ) -> ValueType {
    let shape = ObjectShape(
      name: name, summary: summary, keys: keys.map(\.shape), exactlyOne: exactlyOne, atLeastOne: atLeastOne)
    let decoders = Dictionary(keys.map { ($0.shape.name, $0) }, uniquingKeysWith: { first, _ in first })
    return ValueType(.object(shape)) { node, context in
      guard case .mapping(let entries) = node.content else {
        context.reportType("a mapping with the keys of \(name)", node)
        return nil
      }
      let problemsBefore = context.problemCount
      let outerKey = context.key
      defer { context.key = outerKey }
      var fields = Fields(location: node.location, origin: context.origin)
      for entry in entries {
        guard let decoder = decoders[entry.key] else {
          context.reportUnknownKey(entry, in: shape)
          continue
        }
        context.key = entry.key
        fields.values[entry.key] = decoder.decodeValue(entry.value, &context)
        fields.locations[entry.key] = entry.value.location
      }
      context.key = outerKey
      context.checkPresence(of: shape, in: entries, at: node.location)
      guard context.problemCount == problemsBefore else { return nil }
      return build(fields, &context)
    }
  }
}
