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
      let text = Array(member.value.encoded.utf8)
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

  /// Signs every role for which the signer's key may.
  /// - Parameter repository: The state that the proposal changes; `nil` before there is any.
  /// - Returns: The roles that were signed.
  package mutating func sign(
    with signer: some MetadataSigner, in repository: Repository?
  ) async throws -> [ExactString] {
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

  /// Everybody whose keys must sign a role: for a root its predecessor and itself, for others the delegators,
  /// as the proposal leaves them.
  package func authorities(of name: ExactString, in repository: Repository?) -> [Delegation] {
    if name == "root" {
      let current = repository?.delegations(to: "root") ?? []
      guard let new = root?.signed, let role = new.roles["root"] else { return current }
      return current + [Delegation(delegator: "the new root", role: role, keys: new.keys)]
    }
    let root = self.root?.signed ?? repository?.root.signed
    if let root, let role = root.roles[name] {
      return [Delegation(delegator: "root", role: role, keys: root.keys)]
    }
    var all = repository?.targets ?? [:]
    all.merge(targets) { _, new in new }
    return all.keys.sorted().compactMap { delegator in
      guard let delegations = all[delegator]?.signed.delegations else { return nil }
      return delegations.roleKeys(of: name).map {
        Delegation(delegator: delegator, role: $0, keys: delegations.keys)
      }
    }
  }

  /// Who has signed a role, for each authority.
  package func tallies(of name: ExactString, in repository: Repository?) -> [(
    by: ExactString, tally: SignatureTally
  )] {
    authorities(of: name, in: repository).compactMap { authority in
      let tally =
        name == "root"
        ? root?.tally(authority.role, keys: authority.keys)
        : targets[name]?.tally(authority.role, keys: authority.keys)
      return tally.map { (authority.delegator, $0) }
    }
  }

  /// Whether the repository has exactly this already, or newer versions of all roles.
  package func isMerged(in repository: Repository) -> Bool {
    func isMerged<Content>(_ proposed: Metadata<Content>?, _ current: Metadata<Content>?) -> Bool {
      guard let proposed, let current else { return false }
      let (version, there) = (proposed.signed.header.version, current.signed.header.version)
      return there > version || there == version && current.signedBytes == proposed.signedBytes
    }
    return roles.allSatisfy {
      $0 == "root" ? isMerged(root, repository.root) : isMerged(targets[$0], repository.targets[$0])
    }
  }

  /// Whether every role has the signatures that it needs.
  package func isComplete(in repository: Repository?) -> Bool {
    roles.allSatisfy { name in
      let tallies = tallies(of: name, in: repository)
      return !tallies.isEmpty && tallies.allSatisfy(\.tally.isMet)
    }
  }
}
