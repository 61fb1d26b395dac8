internal import Bytes
package import Signing
internal import UpdateFramework

/// The gates of a channel, signed by the owners of the top-level targets role in the delegation's entry
/// (`x-channel`).
package struct ChannelPolicy: Sendable, Hashable {
  /// Keys, of which so many must have signed something.
  package struct Authority: Sendable, Hashable {
    /// The public keys, each once.
    package var keys: [PublicKey]
    /// How many different ones of them, or how many people.
    package var threshold: Int
    /// Whose each key is, in the order of ``keys``, if people are counted and not keys.
    package var people: [String]?

    package init(keys: [PublicKey], threshold: Int = 1, people: [String]? = nil) {
      self.keys = keys
      self.threshold = threshold
      self.people = people
    }

    /// The payload of an envelope that enough of them have signed; `nil` for any other.
    func payload(of envelope: Envelope, type: String) -> [UInt8]? {
      guard envelope.payloadType == type else { return nil }
      let accepted = envelope.acceptedKeys(keys).map(\.bytes)
      var count = accepted.count
      if let people {
        count = Set(zip(keys, people).filter { accepted.contains($0.0.bytes) }.map(\.1)).count
      }
      return count >= threshold ? envelope.payload : nil
    }
  }

  /// A statement about a release that somebody must have signed.
  package struct Attestation: Sendable, Hashable {
    package var name: String
    package var authority: Authority

    package init(name: String, authority: Authority) {
      self.name = name
      self.authority = authority
    }
  }

  /// The channel that a release must have come through.
  package var after: String?
  /// For how many hours the release must have been in that channel.
  package var soakHours: Int
  /// What must be attested of a release, in the manifest's order.
  package var attestations: [Attestation] = []
  /// Who must have signed release.json itself; `nil` if publishing it was enough.
  package var builtBy: Authority?
  /// Versions of packages that no release may hold.
  package var vulnerable: [VulnerableVersion] = []

  static let member = "x-channel"
  /// What a manifest can say; more would not fit the calendar.
  static let maximumSoakHours = 100_000

  package init(after: String? = nil, soakHours: Int = 0) {
    self.after = after
    self.soakHours = soakHours
  }

  /// The policy in a delegation; `nil` if it is none of a channel.
  init?(_ role: DelegatedRole) throws(ChannelError) {
    guard let value = role.keys.unknown.first(where: { $0.name == Self.member })?.value else { return nil }
    let wrong = ChannelError(
      .malformed,
      "the delegation to \(role.name) has an x-channel that no manifest gives; let those who sign targets mend it"
    )
    guard value.members != nil else { throw wrong }
    after = value["after"]?.text
    soakHours = value["soak_hours"]?.integer ?? 0
    // What is there and cannot be read must not be taken for a gate that is open.
    guard (after == nil) == (value["after"] == nil), (0...Self.maximumSoakHours).contains(soakHours),
      value["soak_hours"] == nil || value["soak_hours"]?.integer != nil,
      value["attestations"] == nil || value["attestations"]?.members != nil,
      value["vulnerable"] == nil || value["vulnerable"]?.elements != nil
    else { throw wrong }
    for member in value["attestations"]?.members ?? [] {
      guard AttestationName.isValid(member.name), let authority = Authority(member.value) else { throw wrong }
      attestations.append(Attestation(name: member.name, authority: authority))
    }
    if let value = value["built_by"] {
      guard let authority = Authority(value) else { throw wrong }
      builtBy = authority
    }
    for element in value["vulnerable"]?.elements ?? [] {
      guard let version = element.text.flatMap({ VulnerableVersion($0) }) else { throw wrong }
      vulnerable.append(version)
    }
  }

  var json: JSONMember {
    var members: [JSONMember] = []
    if let after { members.append(JSONMember("after", .string(after))) }
    if !attestations.isEmpty {
      members.append(
        JSONMember(
          "attestations",
          .object(attestations.sorted { $0.name < $1.name }.map { JSONMember($0.name, $0.authority.json) })))
    }
    if let builtBy { members.append(JSONMember("built_by", builtBy.json)) }
    members.append(JSONMember("soak_hours", .integer(soakHours)))
    if !vulnerable.isEmpty {
      members.append(JSONMember("vulnerable", .array(vulnerable.map { .string($0.description) })))
    }
    return JSONMember(Self.member, .object(members))
  }
}

extension ChannelPolicy.Authority {
  /// `nil` for anything but a list of Ed25519 keys, perhaps with whose they are, and how many of them count.
  fileprivate init?(_ value: JSONValue) {
    guard let elements = value["keys"]?.elements, let threshold = value["threshold"]?.integer,
      threshold >= 1
    else { return nil }
    var keys: [PublicKey] = []
    for element in elements {
      guard let text = element.text, let bytes = Hex.decode(text),
        let key = try? PublicKey(bytes: bytes, name: "key-\(Hex.encode(bytes).prefix(8))")
      else { return nil }
      keys.append(key)
    }
    guard Set(keys.map(\.bytes)).count == keys.count else { return nil }
    var people: [String]?
    if let names = value["people"] {
      guard names.members != nil else { return nil }
      people = keys.compactMap { names[Hex.encode($0.bytes)]?.text }
      guard people?.count == keys.count else { return nil }
    }
    guard threshold <= people.map({ Set($0).count }) ?? keys.count else { return nil }
    self.init(keys: keys, threshold: threshold, people: people)
  }

  fileprivate var json: JSONValue {
    let texts = keys.map { Hex.encode($0.bytes) }
    var members = [JSONMember("keys", .array(texts.map { .string($0) }))]
    if let people {
      let names = zip(texts, people).sorted { $0.0 < $1.0 }
      members.append(JSONMember("people", .object(names.map { JSONMember($0.0, .string($0.1)) })))
    }
    return .object(members + [JSONMember("threshold", .integer(threshold))])
  }
}

/// How channels and releases are called in the repository.
enum Names {
  static let releases: ExactString = "releases"

  static let channelPrefix = "channel-"

  static func role(ofChannel channel: String) -> ExactString { ExactString("\(channelPrefix)\(channel)") }

  /// The channel that a role is; `nil` if it is called like none.
  static func channel(ofRole role: ExactString) -> String? {
    guard role.text.hasPrefix(channelPrefix) else { return nil }
    let name = role.text.dropFirst(channelPrefix.count)
    let isPlain =
      (1...64).contains(name.utf8.count)
      && name.utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x2d
      }
    return isPlain ? String(name) : nil
  }

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

  /// Where an attestation of a release is.
  static func attestation(_ name: String, of release: String) -> String {
    object("\(release).attestation.\(name).dsse.json")
  }
}

/// What an attestation may be called: it stands in a file's name.
package enum AttestationName {
  package static func isValid(_ name: String) -> Bool {
    (1...40).contains(name.utf8.count) && name.utf8.first != UInt8(ascii: "-")
      && name.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x2d }
  }
}
