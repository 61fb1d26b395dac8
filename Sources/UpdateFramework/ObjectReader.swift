internal import Bytes
internal import Signing

/// Reads the members of one JSON object; its errors say which member of which object is wrong.
struct ObjectReader {
  private let members: [JSONMember]
  /// Where the object is, such as `roles.snapshot`.
  let place: String
  private var known: [String] = []

  init(_ value: JSONValue, at place: String) throws(UpdateError) {
    guard case .object(let members) = value else {
      throw UpdateError(.malformed, "\(place) must be an object")
    }
    self.members = members
    self.place = place
  }

  private func path(_ name: String) -> String { place.isEmpty ? name : "\(place).\(name)" }

  func wrong(_ name: String, _ what: String) -> UpdateError {
    UpdateError(
      .malformed, "\(path(name)) must be \(what)", remedy: "fetch the file again, or ask its publisher")
  }

  /// The member of that name, which then no longer counts as unknown.
  mutating func optional(_ name: String) -> JSONValue? {
    known.append(name)
    return members.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
  }

  mutating func value(_ name: String) throws(UpdateError) -> JSONValue {
    guard let value = optional(name) else { throw wrong(name, "there") }
    return value
  }

  mutating func string(_ name: String) throws(UpdateError) -> String {
    guard let text = try value(name).text else { throw wrong(name, "a string") }
    return text
  }

  /// The largest integer that is read: what other languages hold exactly, and far from where sums would overflow.
  static let largest = (1 << 53) - 1

  /// An integer from `least` to ``largest``.
  mutating func integer(_ name: String, atLeast least: Int) throws(UpdateError) -> Int {
    try integer(of: value(name), name, atLeast: least)
  }

  private func integer(of value: JSONValue, _ name: String, atLeast least: Int) throws(UpdateError) -> Int {
    guard let integer = value.integer, integer >= least, integer <= Self.largest else {
      throw wrong(name, "an integer of at least \(least) and below 2^53")
    }
    return integer
  }

  mutating func optionalInteger(_ name: String, atLeast least: Int) throws(UpdateError) -> Int? {
    guard let value = optional(name) else { return nil }
    return try integer(of: value, name, atLeast: least)
  }

  mutating func optionalBool(_ name: String) throws(UpdateError) -> Bool? {
    guard let value = optional(name) else { return nil }
    guard case .bool(let bool) = value else { throw wrong(name, "true or false") }
    return bool
  }

  mutating func object(_ name: String) throws(UpdateError) -> [JSONMember] {
    guard let members = try value(name).members else { throw wrong(name, "an object") }
    return members
  }

  mutating func array(_ name: String) throws(UpdateError) -> [JSONValue] {
    guard let elements = try value(name).elements else { throw wrong(name, "an array") }
    return elements
  }

  /// A list of strings.
  mutating func strings(_ name: String) throws(UpdateError) -> [String] {
    var strings: [String] = []
    for element in try array(name) {
      guard let text = element.text else { throw wrong(name, "a list of strings") }
      strings.append(text)
    }
    return strings
  }

  /// A list of strings that all differ.
  mutating func names(_ name: String) throws(UpdateError) -> [ExactString] {
    let names = try strings(name).map { ExactString($0) }
    guard Set(names).count == names.count else { throw wrong(name, "a list without repetition") }
    return names
  }

  /// The members that nobody asked for, in canonical order, as they will be written.
  var rest: [JSONMember] {
    members.filter { member in !known.contains { $0.utf8.elementsEqual(member.name.utf8) } }
      .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }
}

extension JSONValue {
  /// An object whose members are in canonical order.
  static func sorted(_ members: [JSONMember]) -> JSONValue {
    .object(members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) })
  }
}
