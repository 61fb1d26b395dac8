/// Which manifest declared something. It reads `component base` or `image edge-router`.
package struct Origin: Hashable, Sendable, CustomStringConvertible {
  /// What kind of manifest it was.
  package let kind: ManifestKind
  /// The manifest's name.
  package let name: String

  package init(kind: ManifestKind, name: String) {
    self.kind = kind
    self.name = name
  }

  package var description: String { "\(kind.rawValue.lowercased()) \(name)" }
}

/// A value together with who declared it and where. The value's own members can be read directly.
@dynamicMemberLookup
package struct Located<Value: Sendable>: Sendable {
  /// What was declared.
  package let value: Value
  /// The manifest that declared it; of equal declarations, the first in composition order.
  package let origin: Origin
  /// Where it was declared.
  package let location: SourceLocation

  package init(_ value: Value, origin: Origin, location: SourceLocation) {
    self.value = value
    self.origin = origin
    self.location = location
  }

  /// A member of the value.
  package subscript<Member>(dynamicMember path: KeyPath<Value, Member>) -> Member { value[keyPath: path] }

  /// Another value, declared by the same manifest at the same place.
  package func map<Other: Sendable>(_ transform: (Value) throws -> Other) rethrows -> Located<Other> {
    Located<Other>(try transform(value), origin: origin, location: location)
  }
}

extension Located: Equatable where Value: Equatable {}
extension Located: Hashable where Value: Hashable {}
