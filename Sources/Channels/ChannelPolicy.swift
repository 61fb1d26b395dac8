internal import Bytes
internal import Signing
internal import UpdateFramework

/// The gates of a channel, signed by the owners of the top-level targets role in the delegation's entry
/// (`x-channel`).
package struct ChannelPolicy: Sendable, Hashable {
  /// The channel that a release must have come through.
  package var after: String?
  /// For how many hours the release must have been in that channel.
  package var soakHours: Int

  static let member = "x-channel"

  package init(after: String? = nil, soakHours: Int = 0) {
    self.after = after
    self.soakHours = soakHours
  }

  /// The policy in a delegation; `nil` if it is none of a channel.
  init?(_ role: DelegatedRole) throws(ChannelError) {
    guard let value = role.keys.unknown.first(where: { $0.name == Self.member })?.value else { return nil }
    after = value["after"]?.text
    soakHours = value["soak_hours"]?.integer ?? 0
    guard value.members != nil, soakHours >= 0 else {
      throw ChannelError(.malformed, "the delegation to \(role.name) has an x-channel that no manifest gives")
    }
  }

  var json: JSONMember {
    var members: [JSONMember] = []
    if let after { members.append(JSONMember("after", .string(after))) }
    members.append(JSONMember("soak_hours", .integer(soakHours)))
    return JSONMember(Self.member, .object(members))
  }
}

/// How channels and releases are called in the repository.
enum Names {
  static let releases: ExactString = "releases"

  static func role(ofChannel channel: String) -> ExactString { ExactString("channel-\(channel)") }

  /// The target that says what is current.
  static func current(_ image: String, in channel: String) -> ExactString {
    ExactString("channels/\(channel)/\(image)")
  }

  /// The target that is a release: its release.json.
  static func release(_ image: String, _ version: String) -> ExactString {
    ExactString("releases/\(image)/\(version)/release.json")
  }

  /// Where a file is that a release names by its SHA-256: a plain file that no metadata list, because
  /// release.json does.
  static func object(_ digest: String) -> String { "targets/objects/\(digest.prefix(2))/\(digest)" }
}
