package import Bytes
package import Signing

/// The signed part of root metadata (specification 4.3): which keys hold which top-level role.
package struct RootRole: RoleContent {
  package static let type = "root"
  /// The roles that every root must name, in the order of the specification's workflow.
  package static let roleNames: [ExactString] = ["root", "timestamp", "snapshot", "targets"]

  package var header: RoleHeader
  /// Whether files carry versions and digests in their names.
  package var consistentSnapshot: Bool
  package var keys: [ExactString: VerificationKey]
  /// By role; the four of ``roleNames`` at least.
  package var roles: [ExactString: RoleKeys]

  package init(
    header: RoleHeader, consistentSnapshot: Bool = true, keys: [ExactString: VerificationKey] = [:],
    roles: [ExactString: RoleKeys]
  ) {
    self.header = header
    self.consistentSnapshot = consistentSnapshot
    self.keys = keys
    self.roles = roles
  }

  package init(json: JSONValue) throws(UpdateError) {
    var reader = try ObjectReader(json, at: "")
    header = try RoleHeader(&reader, type: Self.type)
    consistentSnapshot = try reader.optionalBool("consistent_snapshot") ?? false
    keys = try VerificationKey.table(try reader.object("keys"), at: "keys")
    roles = [:]
    for member in try reader.object("roles") {
      var inner = try ObjectReader(member.value, at: "roles.\(UpdateError.printable(member.name))")
      var role = try RoleKeys(&inner)
      role.unknown = inner.rest
      roles[ExactString(member.name)] = role
    }
    for name in Self.roleNames where roles[name] == nil {
      throw UpdateError(.malformed, "roles.\(name) is missing; a root names all four top-level roles")
    }
    header.unknown = reader.rest
  }

  package var json: JSONValue {
    .sorted(
      header.members(type: Self.type) + [
        JSONMember("consistent_snapshot", .bool(consistentSnapshot)),
        JSONMember("keys", VerificationKey.json(keys)),
        JSONMember(
          "roles",
          .object(
            roles.keys.sorted().compactMap { name in roles[name].map { JSONMember(name.text, $0.json) } })),
      ])
  }
}
