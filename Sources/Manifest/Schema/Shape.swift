/// The form of a value, as the JSON Schema and the reference show it.
indirect enum Shape: Sendable {
  case text(TextFormat)
  case enumeration([String])
  case integer(ClosedRange<Int>)
  case boolean
  /// Any scalar but null, kept as it was written.
  case scalar(TextFormat)
  case list(Shape, isEmptyAllowed: Bool)
  case map(key: TextFormat, value: Shape)
  case object(ObjectShape)
  case either(Shape, Shape)
}

/// The form of a mapping with known keys.
struct ObjectShape: Sendable {
  /// The name of its definition, such as `File`.
  let name: String
  /// What it is, as one sentence.
  let summary: String
  let keys: [KeyShape]
  /// Of these keys, one has to be there and no other may.
  let exactlyOne: [String]
  /// Of these keys, at least one has to be there.
  let atLeastOne: [String]
}

/// The form of one key of a mapping.
struct KeyShape: Sendable {
  let name: String
  let shape: Shape
  /// What the key means, as one sentence.
  let summary: String
  /// A value, in YAML's flow style.
  let example: String
  let isRequired: Bool
  /// What stands in when the key is missing, as it would be written.
  let fallback: String?
}
