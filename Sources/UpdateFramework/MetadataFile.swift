package import Bytes
package import Signing

/// What one role says of another role's file (specification 4.4, METAFILES).
package struct MetadataFile: Hashable, Sendable {
  /// At least 1.
  package var version: Int
  /// In bytes.
  package var length: Int?
  package var digests: ContentDigests?
  /// Members that the specification does not define.
  package var unknown: [JSONMember] = []

  package init(version: Int, length: Int? = nil, digests: ContentDigests? = nil) {
    self.version = version
    self.length = length
    self.digests = digests
  }

  init(_ value: JSONValue, at place: String) throws(UpdateError) {
    var reader = try ObjectReader(value, at: place)
    version = try reader.integer("version", atLeast: 1)
    length = try reader.optionalInteger("length", atLeast: 0)
    if let hashes = reader.optional("hashes") { digests = try ContentDigests(hashes, at: "\(place).hashes") }
    unknown = reader.rest
  }

  var json: JSONValue {
    var members = [JSONMember("version", .integer(version))]
    if let length { members.append(JSONMember("length", .integer(length))) }
    if let digests { members.append(JSONMember("hashes", digests.json)) }
    return .sorted(members + unknown)
  }

  /// Compares a file with what is said of it.
  /// - Throws: `wrongLength` or `wrongDigest`.
  func check(_ bytes: [UInt8], role: String) throws(UpdateError) {
    if let length, bytes.count != length {
      throw UpdateError(
        .wrongLength, role: role, version: version,
        "the file has \(bytes.count) bytes, but \(length) are signed",
        remedy: "the mirror mixes versions, or lies: use another")
    }
    if let digests, !digests.fit(bytes) {
      throw UpdateError(
        .wrongDigest, role: role, version: version,
        "the file does not have the digest that is signed",
        remedy: "the mirror mixes versions, or lies: use another")
    }
  }
}

/// The signed part of timestamp metadata (specification 4.6): which snapshot is current.
package struct TimestampRole: RoleContent {
  package static let type = "timestamp"
  private static let snapshotName = "snapshot.json"

  package var header: RoleHeader
  package var snapshot: MetadataFile
  /// Other files that it describes, which the specification does not foresee.
  private var others: [JSONMember] = []

  package init(header: RoleHeader, snapshot: MetadataFile) {
    self.header = header
    self.snapshot = snapshot
  }

  package init(json: JSONValue) throws(UpdateError) {
    var reader = try ObjectReader(json, at: "")
    header = try RoleHeader(&reader, type: Self.type)
    var meta = try ObjectReader(try reader.value("meta"), at: "meta")
    snapshot = try MetadataFile(try meta.value(Self.snapshotName), at: "meta.snapshot.json")
    others = meta.rest
    header.unknown = reader.rest
  }

  package var json: JSONValue {
    .sorted(
      header.members(type: Self.type) + [
        JSONMember("meta", .sorted([JSONMember(Self.snapshotName, snapshot.json)] + others))
      ])
  }
}

/// The signed part of snapshot metadata (specification 4.4): the versions of all targets metadata at one
/// time.
package struct SnapshotRole: RoleContent {
  package static let type = "snapshot"

  package var header: RoleHeader
  /// By file name, such as `targets.json`.
  package var files: [ExactString: MetadataFile]

  package init(header: RoleHeader, files: [ExactString: MetadataFile]) {
    self.header = header
    self.files = files
  }

  package init(json: JSONValue) throws(UpdateError) {
    var reader = try ObjectReader(json, at: "")
    header = try RoleHeader(&reader, type: Self.type)
    files = [:]
    let members = try reader.object("meta")
    files.reserveCapacity(members.count)
    for member in members {
      files[ExactString(member.name)] = try MetadataFile(
        member.value, at: "meta.\(UpdateError.printable(member.name))")
    }
    guard self[role: "targets"] != nil else {
      throw UpdateError(.malformed, "meta.targets.json is missing; a snapshot always lists it")
    }
    header.unknown = reader.rest
  }

  package var json: JSONValue {
    let meta = files.keys.sorted().compactMap { name in files[name].map { JSONMember(name.text, $0.json) } }
    return .sorted(header.members(type: Self.type) + [JSONMember("meta", .object(meta))])
  }

  /// What it says of a role.
  package subscript(role name: ExactString) -> MetadataFile? {
    get { files[ExactString(name.text + ".json")] }
    set { files[ExactString(name.text + ".json")] = newValue }
  }
}
