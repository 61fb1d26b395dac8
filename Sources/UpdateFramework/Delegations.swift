package import Bytes
package import Signing

/// One delegation: who is trusted with which paths (specification 4.5, DELEGATIONS).
package struct DelegatedRole: Hashable, Sendable {
  /// Which targets a role is trusted with.
  package enum Scope: Hashable, Sendable {
    /// Shell patterns whose wildcards stay within one directory.
    case paths([String])
    /// Beginnings of the SHA-256 of a path, in hexadecimal.
    case hashPrefixes([String])
  }

  package var name: ExactString
  package var keys: RoleKeys
  package var scope: Scope
  /// Whether the search ends with this role and those below it.
  package var isTerminating: Bool

  package init(name: ExactString, keys: RoleKeys, scope: Scope, isTerminating: Bool = false) {
    self.name = name
    self.keys = keys
    self.scope = scope
    self.isTerminating = isTerminating
  }

  init(_ value: JSONValue, at place: String) throws(UpdateError) {
    var reader = try ObjectReader(value, at: place)
    name = ExactString(try reader.string("name"))
    // Its file would take the place of a top-level role's.
    guard !name.text.isEmpty, !RootRole.roleNames.contains(name) else {
      throw reader.wrong("name", "another name than that of a top-level role, and not empty")
    }
    keys = try RoleKeys(&reader)
    isTerminating = try reader.optionalBool("terminating") ?? false
    switch (reader.optional("paths"), reader.optional("path_hash_prefixes")) {
    case (.some, nil): scope = .paths(try reader.strings("paths"))
    case (nil, .some): scope = .hashPrefixes(try reader.strings("path_hash_prefixes"))
    default: throw UpdateError(.malformed, "\(place) must have either paths or path_hash_prefixes")
    }
    keys.unknown = reader.rest
  }

  var json: JSONValue {
    let (kind, values) =
      switch scope {
      case .paths(let patterns): ("paths", patterns)
      case .hashPrefixes(let prefixes): ("path_hash_prefixes", prefixes)
      }
    return .sorted(
      keys.members + [
        JSONMember("name", .string(name.text)), JSONMember("terminating", .bool(isTerminating)),
        JSONMember(kind, .array(values.map { .string($0) })),
      ])
  }
}

/// The delegations of one role: a list in order of trust, or bins by the hash of a path.
package struct Delegations: Hashable, Sendable {
  /// Who follows.
  package enum Roles: Hashable, Sendable {
    case listed([DelegatedRole])
    case bins(SuccinctRoles)
  }

  package var keys: [ExactString: VerificationKey]
  package var roles: Roles {
    didSet { index = DelegationIndex(roles) }
  }
  /// Members that the specification does not define.
  package var unknown: [JSONMember] = []
  private var index: DelegationIndex

  package init(keys: [ExactString: VerificationKey] = [:], roles: Roles = .listed([])) {
    self.keys = keys
    self.roles = roles
    index = DelegationIndex(roles)
  }

  init(_ value: JSONValue) throws(UpdateError) {
    let place = "delegations"
    var reader = try ObjectReader(value, at: place)
    keys = try VerificationKey.table(try reader.object("keys"), at: "delegations.keys")
    switch (reader.optional("roles"), reader.optional("succinct_roles")) {
    case (.some, nil):
      var listed: [DelegatedRole] = []
      for (position, element) in try reader.array("roles").enumerated() {
        listed.append(try DelegatedRole(element, at: "delegations.roles[\(position)]"))
      }
      guard Set(listed.map(\.name)).count == listed.count else {
        throw reader.wrong("roles", "a list of roles with different names")
      }
      roles = .listed(listed)
    case (nil, .some(let succinct)):
      roles = .bins(try SuccinctRoles(succinct, at: "delegations.succinct_roles"))
    default: throw UpdateError(.malformed, "\(place) must have either roles or succinct_roles")
    }
    unknown = reader.rest
    index = DelegationIndex(roles)
  }

  var json: JSONValue {
    var members = [JSONMember("keys", VerificationKey.json(keys))]
    switch roles {
    case .listed(let listed): members.append(JSONMember("roles", .array(listed.map(\.json))))
    case .bins(let bins): members.append(JSONMember("succinct_roles", bins.json))
    }
    return .sorted(members + unknown)
  }

  /// The roles that are trusted with a path, in order of trust, and whether the search ends with each.
  package func roles(for path: String) -> [(name: ExactString, isTerminating: Bool)] {
    switch roles {
    case .listed(let listed):
      index.candidates(for: path).map { (listed[$0].name, listed[$0].isTerminating) }
    case .bins(let bins): [(bins.role(for: path), true)]
    }
  }

  /// Who may sign for a role that is delegated here; `nil` for any other.
  package func roleKeys(of name: ExactString) -> RoleKeys? {
    switch roles {
    case .listed(let listed): index.position(of: name).map { listed[$0].keys }
    case .bins(let bins): bins.contains(name) ? bins.keys : nil
    }
  }

  package static func == (left: Delegations, right: Delegations) -> Bool {
    left.keys == right.keys && left.roles == right.roles && left.unknown == right.unknown
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(keys)
    hasher.combine(roles)
    hasher.combine(unknown)
  }
}
