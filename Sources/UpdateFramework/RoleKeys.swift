package import Bytes
package import Signing

/// Who may sign for a role, and how many must (specification 4.3, ROLE).
package struct RoleKeys: Hashable, Sendable {
  /// The keys' identifiers, in order, without repetition.
  package var keyIDs: [ExactString]
  /// How many different keys must sign, at least 1.
  package var threshold: Int
  /// Whose keys these are, by identifier, if people are counted and not keys: two signatures of one person
  /// are one. Written as `x-people`; clients that do not know it count keys.
  package var people: [ExactString: String]?
  /// For how many seconds the role's metadata are good when they are made: `x-lifetime`.
  package var lifetime: Int?
  /// Members that the specification does not define.
  package var unknown: [JSONMember]

  static let peopleMember = "x-people"
  static let lifetimeMember = "x-lifetime"

  package init(
    keyIDs: [ExactString], threshold: Int, people: [ExactString: String]? = nil, lifetime: Int? = nil,
    unknown: [JSONMember] = []
  ) {
    self.keyIDs = keyIDs
    self.threshold = threshold
    self.people = people
    self.lifetime = lifetime
    self.unknown = unknown
  }

  /// Reads it from an object that may hold more; `unknown` is the caller's to fill.
  init(_ reader: inout ObjectReader) throws(UpdateError) {
    keyIDs = try reader.names("keyids")
    threshold = try reader.integer("threshold", atLeast: 1)
    unknown = []
    lifetime = try reader.optionalInteger(Self.lifetimeMember, atLeast: 1)
    guard let people = reader.optional(Self.peopleMember) else { return }
    guard let members = people.members else { throw reader.wrong(Self.peopleMember, "an object of names") }
    var names: [ExactString: String] = [:]
    for member in members {
      guard let name = member.value.text, !name.isEmpty else {
        throw reader.wrong(Self.peopleMember, "an object of names")
      }
      names[ExactString(member.name)] = name
    }
    self.people = names
  }

  /// The members for writing.
  var members: [JSONMember] {
    var members = [
      JSONMember("keyids", .array(keyIDs.map { .string($0.text) })),
      JSONMember("threshold", .integer(threshold)),
    ]
    if let people {
      let names = people.keys.sorted().map { JSONMember($0.text, .string(people[$0] ?? "")) }
      members.append(JSONMember(Self.peopleMember, .object(names)))
    }
    if let lifetime { members.append(JSONMember(Self.lifetimeMember, .integer(lifetime))) }
    return members + unknown
  }

  var json: JSONValue { .sorted(members) }
}

extension VerificationKey {
  /// Reads an object of keys by identifier.
  static func table(_ members: [JSONMember], at place: String) throws(UpdateError) -> [ExactString:
    VerificationKey]
  {
    var keys: [ExactString: VerificationKey] = [:]
    for member in members {
      keys[ExactString(member.name)] = try VerificationKey(
        member.value, at: "\(place).\(UpdateError.printable(member.name))")
    }
    return keys
  }

  /// An object of keys by identifier.
  static func json(_ table: [ExactString: VerificationKey]) -> JSONValue {
    .object(table.keys.sorted().compactMap { id in table[id].map { JSONMember(id.text, $0.json) } })
  }
}
