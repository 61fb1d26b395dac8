package import Bytes
package import Signing

/// What is signed about one target (specification 4.5, TARGETS).
package struct TargetFile: Hashable, Sendable {
  /// In bytes.
  package var length: Int
  package var digests: ContentDigests
  /// Whatever the application wants to say about it: an object.
  package var custom: JSONValue?
  /// Members that the specification does not define.
  package var unknown: [JSONMember] = []

  package init(length: Int, digests: ContentDigests, custom: JSONValue? = nil) {
    self.length = length
    self.digests = digests
    self.custom = custom
  }

  init(_ value: JSONValue, at place: String) throws(UpdateError) {
    var reader = try ObjectReader(value, at: place)
    length = try reader.integer("length", atLeast: 0)
    digests = try ContentDigests(try reader.value("hashes"), at: "\(place).hashes")
    custom = reader.optional("custom")
    if let custom, custom.members == nil { throw reader.wrong("custom", "an object") }
    unknown = reader.rest
  }

  var json: JSONValue {
    var members = [JSONMember("length", .integer(length)), JSONMember("hashes", digests.json)]
    if let custom { members.append(JSONMember("custom", custom)) }
    return .sorted(members + unknown)
  }
}

/// The signed part of targets metadata, top-level or delegated (specification 4.5).
package struct TargetsRole: RoleContent {
  package static let type = "targets"

  package var header: RoleHeader
  /// By path.
  package var targets: [ExactString: TargetFile]
  package var delegations: Delegations?

  package init(
    header: RoleHeader, targets: [ExactString: TargetFile] = [:], delegations: Delegations? = nil
  ) {
    self.header = header
    self.targets = targets
    self.delegations = delegations
  }

  package init(json: JSONValue) throws(UpdateError) {
    var reader = try ObjectReader(json, at: "")
    header = try RoleHeader(&reader, type: Self.type)
    let members = try reader.object("targets")
    targets = [:]
    targets.reserveCapacity(members.count)
    for member in members {
      targets[ExactString(member.name)] = try TargetFile(
        member.value, at: "targets.\(UpdateError.printable(member.name))")
    }
    if let value = reader.optional("delegations") { delegations = try Delegations(value) }
    header.unknown = reader.rest
  }

  package var json: JSONValue {
    let files = targets.keys.sorted().compactMap { path in
      targets[path].map { JSONMember(path.text, $0.json) }
    }
    var members = header.members(type: Self.type) + [JSONMember("targets", .object(files))]
    if let delegations { members.append(JSONMember("delegations", delegations.json)) }
    return .sorted(members)
  }
}
