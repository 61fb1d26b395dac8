internal import Bytes
internal import Signing
package import UpdateFramework

/// What a channel says about one image: the custom member of the target `channels/CHANNEL/IMAGE`, whose
/// digest is the release's.
package struct ChannelEntry: Sendable, Hashable {
  package let image: String
  package let version: String
  /// SHA-256 of release.json: the release's name.
  package let release: String
  /// Why, in the words of who promoted it.
  package let reason: String
  /// When it was proposed.
  package let time: UpdateTime
  /// The version that a signed rollback leaves; `nil` for a step forward.
  package let rollbackFrom: String?

  package init(
    image: String, version: String, release: String, reason: String, time: UpdateTime,
    rollbackFrom: String? = nil
  ) {
    self.image = image
    self.version = version
    self.release = release
    self.reason = reason
    self.time = time
    self.rollbackFrom = rollbackFrom
  }

  /// Reads it from a target.
  /// - Throws: `malformed`.
  init(image: String, _ file: TargetFile) throws(ChannelError) {
    guard let custom = file.custom, let version = custom["version"]?.text,
      let reason = custom["reason"]?.text,
      let time = custom["time"]?.text.flatMap({ UpdateTime($0) }), let digest = file.digests.sha256
    else {
      throw ChannelError(
        .malformed, "the channel's entry for \(image) has no version, reason, time or SHA-256; promote again")
    }
    self.init(
      image: image, version: version, release: digest.hex, reason: reason, time: time,
      rollbackFrom: custom["rollback_from"]?.text)
  }

  var custom: JSONValue {
    var members = [JSONMember("reason", .string(reason))]
    if let rollbackFrom { members.append(JSONMember("rollback_from", .string(rollbackFrom))) }
    members.append(JSONMember("time", .string(time.description)))
    members.append(JSONMember("version", .string(version)))
    return .object(members)
  }
}

/// A release as the repository lists it.
package struct PublishedRelease: Sendable, Hashable {
  package let image: String
  package let version: String
  package let file: TargetFile

  /// SHA-256 of release.json.
  package var digest: String { file.digests.sha256?.hex ?? "" }
}
