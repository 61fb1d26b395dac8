/// A node of a YAML document (YAML 1.2.2, section 3.2.1) and where it begins.
package struct YAMLNode: Sendable {
  /// What a node holds.
  package indirect enum Content: Sendable {
    case scalar(YAMLScalar)
    case sequence([YAMLNode])
    /// The entries in their order; no key is there twice.
    case mapping([YAMLEntry])
  }

  package let content: Content
  package let location: SourceLocation

  package init(_ content: Content, at location: SourceLocation) {
    self.content = content
    self.location = location
  }

  /// The entry of a mapping with this key; `nil` if there is none, or if this is no mapping.
  package func entry(_ key: String) -> YAMLEntry? {
    guard case .mapping(let entries) = content else { return nil }
    return entries.first { $0.key == key }
  }

  /// The text of a scalar, whatever its type.
  package var text: String? {
    guard case .scalar(let scalar) = content else { return nil }
    return scalar.text
  }

  /// What this is, for messages: `a sequence`, `the integer 644`.
  package var summary: String {
    switch content {
    case .sequence: "a sequence"
    case .mapping: "a mapping"
    case .scalar(let scalar): scalar.summary
    }
  }
}

/// An entry of a mapping.
package struct YAMLEntry: Sendable {
  /// The key's text.
  package let key: String
  package let keyLocation: SourceLocation
  package let value: YAMLNode

  package init(key: String, keyLocation: SourceLocation, value: YAMLNode) {
    self.key = key
    self.keyLocation = keyLocation
    self.value = value
  }
}

/// A scalar: its text as it was written, without quotes and escapes, and its type.
package struct YAMLScalar: Sendable, Hashable {
  /// The types of the core schema (YAML 1.2.2, section 10.3).
  package enum Kind: Sendable, Hashable {
    case string, integer, float, boolean, null
  }

  package let text: String
  package let kind: Kind

  package init(text: String, kind: Kind) {
    self.text = text
    self.kind = kind
  }

  /// A scalar without quotes or a tag, whose text decides its type.
  package init(plain text: String) {
    self.init(text: text, kind: Self.kind(ofPlain: Array(text.utf8)))
  }

  var summary: String {
    switch kind {
    case .string: "\"\(text.prefix(60))\""
    case .integer: "the integer \(text.prefix(60))"
    case .float: "the number \(text.prefix(60))"
    case .boolean: "the boolean \(text)"
    case .null: "nothing"
    }
  }
}
