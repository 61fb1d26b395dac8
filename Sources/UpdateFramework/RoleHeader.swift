package import Signing

/// What the signed part of every role has (specification 4.3).
package struct RoleHeader: Hashable, Sendable {
  /// The version of the specification that its maker followed.
  package var specificationVersion = "1.0.34"
  /// At least 1.
  package var version: Int
  /// From then on it does not count any more.
  package var expires: UpdateTime
  /// Members that the specification does not define, in their order.
  package var unknown: [JSONMember] = []

  package init(version: Int = 1, expires: UpdateTime) {
    self.version = version
    self.expires = expires
  }

  /// Reads it, checking the type and that the major version of the specification is 1; `unknown` is filled in
  /// last.
  init(_ reader: inout ObjectReader, type: String) throws(UpdateError) {
    let found = try reader.string("_type")
    guard found == type else {
      throw UpdateError(
        .wrongType,
        "this is \(UpdateError.printable(found)) metadata where that of \(type) belongs",
        remedy: "the server mixed them up, or lies")
    }
    specificationVersion = try reader.string("spec_version")
    let parts = specificationVersion.split(separator: ".", omittingEmptySubsequences: false)
    guard (2...3).contains(parts.count), parts.allSatisfy({ Int($0) != nil }), parts[0] == "1" else {
      throw UpdateError(
        .unsupported,
        "spec_version is \(UpdateError.printable(specificationVersion)), but this client knows 1.x; update the client"
      )
    }
    version = try reader.integer("version", atLeast: 1)
    guard let expires = UpdateTime(try reader.string("expires")) else {
      throw reader.wrong("expires", "a time such as 2030-01-01T00:00:00Z")
    }
    self.expires = expires
  }

  /// The members for writing.
  func members(type: String) -> [JSONMember] {
    [
      JSONMember("_type", .string(type)),
      JSONMember("expires", .string(expires.description)),
      JSONMember("spec_version", .string(specificationVersion)),
      JSONMember("version", .integer(version)),
    ] + unknown
  }
}

/// The signed part of one kind of metadata.
package protocol RoleContent: Hashable, Sendable {
  /// `_type`: `root`, `timestamp`, `snapshot` or `targets`.
  static var type: String { get }
  var header: RoleHeader { get set }
  /// Reads the signed part. Throws `malformed`, `wrongType` or `unsupported`.
  init(json: JSONValue) throws(UpdateError)
  /// The signed part, members in canonical order, unknown ones kept.
  var json: JSONValue { get }
}
