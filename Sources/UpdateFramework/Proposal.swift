package import Bytes
internal import Signing

/// New versions of roles that wait for signatures: a file that travels by git or mail from one key holder to
/// the next and back. Everything in it is ordinary metadata; the proposal itself is not trusted.
package struct Proposal: Sendable {
  package static let format = "tuf-proposal-1"
  static let limit = 64 << 20

  /// Why, in the proposer's words.
  package let reason: String
  package private(set) var root: Metadata<RootRole>?
  /// By name.
  package private(set) var targets: [ExactString: Metadata<TargetsRole>]

  package init(
    reason: String, root: Metadata<RootRole>? = nil, targets: [ExactString: Metadata<TargetsRole>] = [:]
  ) {
    self.reason = reason
    self.root = root
    self.targets = targets
  }

  /// The proposed roles: the root first, then by name.
  package var roles: [ExactString] { (root == nil ? [] : ["root"]) + targets.keys.sorted() }

  /// Reads a proposal.
  /// - Throws: `tooLarge`, `malformed`.
  package init(_ bytes: [UInt8], source: String) throws(UpdateError) {
    let value: JSONValue
    do {
      value = try JSONParser.parse(bytes, maximumSize: Self.limit, maximumDepth: 40)
    } catch {
      throw UpdateError(.malformed, "\(source) is no proposal (\(error)); ask its sender for the file")
    }
    var reader = try ObjectReader(value, at: source)
    guard try reader.string("format") == Self.format else {
      throw UpdateError(.malformed, "\(source) is no proposal of the format \(Self.format)")
    }
    reason = try reader.string("reason")
    targets = [:]
    for member in try reader.object("roles") {
      let text = Array(member.value.encoded.utf8) + [0x0A]
      if member.name == "root" {
        root = try Metadata(text, role: "root", limit: Self.limit)
      } else {
        targets[ExactString(member.name)] = try Metadata(text, role: member.name, limit: Self.limit)
      }
    }
  }

  /// The file.
  package var bytes: [UInt8] {
    var members: [JSONMember] = []
    if let root { members.append(JSONMember("root", root.json)) }
    for name in targets.keys.sorted() {
      if let metadata = targets[name] { members.append(JSONMember(name.text, metadata.json)) }
    }
    let value = JSONValue.sorted([
      JSONMember("format", .string(Self.format)), JSONMember("reason", .string(reason)),
      JSONMember("roles", .sorted(members)),
    ])
    return Array(value.encoded.utf8) + [0x0A]
  }

  /// SHA-256 over what is proposed, by role; signatures and the reason, which nobody signs, are no part of it.
  package var digest: SHA256Digest {
    let lines = roles.map { name in
      let signed = (name == "root" ? root?.signedBytes : targets[name]?.signedBytes) ?? []
      return "\(SHA256.digest(of: signed).hex) \(name.text)\n"
    }
    return SHA256.digest(of: Array(lines.joined().utf8))
  }

  /// The file of a proposed role, and its version.
  func file(of role: ExactString) -> (bytes: [UInt8], version: Int)? {
    role == "root"
      ? root.map { ($0.bytes, $0.signed.header.version) }
      : targets[role].map { ($0.bytes, $0.signed.header.version) }
  }

  /// The file of a proposed role, if that version of it is proposed.
  func bytes(of role: ExactString, version: Int?) -> [UInt8]? {
    guard let file = file(of: role), file.version == version else { return nil }
    return file.bytes
  }

  /// Signs every role for which the signer's key may.
  /// - Parameter repository: The state that the proposal changes; `nil` before there is any.
  /// - Returns: The roles that were signed.
  /// - Throws: `badKey` for a key under an identifier that is not its own.
  package mutating func sign(
    with signer: some MetadataSigner, in repository: Repository?
  ) async throws -> [ExactString] {
    try checkKeys(in: repository)
    let keyID = ExactString(signer.keyID)
    var signed: [ExactString] = []
    for name in roles
    where authorities(of: name, in: repository).contains(where: { $0.role.keyIDs.contains(keyID) }) {
      if name == "root" {
        try await root?.sign(with: signer)
      } else {
        try await targets[name]?.sign(with: signer)
      }
      signed.append(name)
    }
    return signed
  }

  /// Takes over the signatures of another copy of the same proposal.
  /// - Throws: `conflict` if it proposes something else.
  package mutating func add(signaturesOf other: Proposal) throws(UpdateError) {
    guard other.roles == roles else { throw Self.different }
    if let theirs = other.root {
      guard theirs.signedBytes == root?.signedBytes else { throw Self.different }
      for signature in theirs.signatures { root?.add(signature) }
    }
    for (name, theirs) in other.targets {
      guard theirs.signedBytes == targets[name]?.signedBytes else { throw Self.different }
      for signature in theirs.signatures { targets[name]?.add(signature) }
    }
  }

  /// The same without signatures that are wrong, or of keys that may not sign: they count for nothing.
  package func keepingValidSignatures(in repository: Repository?) -> Proposal {
    var result = self
    for name in roles {
      var keys: [ExactString: VerificationKey] = [:]
      for authority in authorities(of: name, in: repository) {
        for id in authority.role.keyIDs { keys[id] = keys[id] ?? authority.keys[id] }
      }
      if name == "root" {
        result.root?.keepSignatures(of: keys)
      } else {
        result.targets[name]?.keepSignatures(of: keys)
      }
    }
    return result
  }

  private static var different: UpdateError {
    UpdateError(
      .conflict,
      "the two files propose different things, so their signatures cannot be put together; ask who has which")
  }
}
