/// A JSON value (RFC 8259) that keeps what signatures care about: the order of members and the exact digits
/// of numbers.
package enum JSONValue: Hashable, Sendable {
  case null
  case bool(Bool)
  /// An integer that fits 64 bits.
  case integer(Int)
  /// Any other number, as it was written.
  case number(String)
  case string(String)
  case array([JSONValue])
  /// Members in the order of the text; their names differ.
  case object([JSONMember])
}

/// A name and a value in a JSON object.
package struct JSONMember: Hashable, Sendable {
  package let name: String
  package let value: JSONValue

  package init(_ name: String, _ value: JSONValue) {
    self.name = name
    self.value = value
  }
}

extension JSONValue {
  /// The member of that name; `nil` if there is none, or this is no object.
  package subscript(_ name: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  /// The text of a string; `nil` for any other kind of value.
  package var text: String? {
    if case .string(let text) = self { text } else { nil }
  }

  /// The value of an integer; `nil` for any other kind of value.
  package var integer: Int? {
    if case .integer(let value) = self { value } else { nil }
  }

  /// The elements of an array; `nil` for any other kind of value.
  package var elements: [JSONValue]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  /// The members of an object; `nil` for any other kind of value.
  package var members: [JSONMember]? {
    if case .object(let members) = self { members } else { nil }
  }
}
