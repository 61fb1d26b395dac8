package import Bytes
internal import Signing
package import UpdateFramework

/// A proposal in words: what a key holder reads before signing. Whatever differs from what there is, is said; everything
/// that comes from the proposal is made safe for a terminal.
package struct ProposalReview: Sendable {
  /// One role of it.
  package struct Role: Sendable {
    package let name: String
    package let version: Int
    package let expires: UpdateTime
    /// What would change, one sentence each; never empty.
    package let changes: [String]
    /// Who has signed, for each authority: `root: 1 of 2 (ada)`.
    package let signatures: [String]
    package let isComplete: Bool
    /// The identifiers of keys that may sign it and have not.
    package let missing: Set<ExactString>
  }

  package let reason: String
  package let roles: [Role]
  /// Why nobody should sign it at all.
  package let problems: [String]
  /// SHA-256 over what is proposed, whoever has signed it.
  package let digest: SHA256Digest
  package var isComplete: Bool { problems.isEmpty && roles.allSatisfy(\.isComplete) }

  /// Whether a signature by this key is still of use.
  package func waits(for keyID: String) -> Bool {
    roles.contains { !$0.isComplete && $0.missing.contains(ExactString(keyID)) }
  }

  /// - Parameter repository: What the proposal would change; `nil` before there is any.
  package init(_ proposal: Proposal, in repository: ChannelRepository?) throws {
    reason = ReviewWords.plain(proposal.reason)
    digest = proposal.digest
    let words = ReviewWords(proposal, repository?.state)
    problems = proposal.strangeKeys(in: repository?.state).map { role, id in
      "\(ReviewWords.plain(role.text)): a key stands under the identifier \(ReviewWords.plain(id.text)), which is another key's: "
        + "nobody should sign this"
    }
    roles = proposal.roles.compactMap { name in
      let tallies = proposal.tallies(of: name, in: repository?.state)
      let authorities = proposal.authorities(of: name, in: repository?.state)
      let header = (name == "root" ? proposal.root?.signed.header : proposal.targets[name]?.signed.header)
      guard let header else { return nil }
      let signed =
        name == "root" ? proposal.root?.signatures ?? [] : proposal.targets[name]?.signatures ?? []
      var signatures = tallies.map { by, tally in
        let who = tally.keyIDs.map(words.short).sorted()
        return "\(ReviewWords.plain(by.text)): \(tally.count) of \(tally.threshold) "
          + (tally.countsPeople ? "people" : "keys")
          + (who.isEmpty ? "" : " (\(who.joined(separator: ", ")))")
      }
      if tallies.isEmpty { signatures.append("nobody: no role delegates to it, so it cannot be merged") }
      return Role(
        name: ReviewWords.plain(name.text), version: header.version, expires: header.expires,
        changes: words.changes(of: name), signatures: signatures,
        isComplete: !tallies.isEmpty && tallies.allSatisfy(\.tally.isMet),
        missing: Set(authorities.flatMap(\.role.keyIDs)).subtracting(signed.map(\.keyID)))
    }
  }
}

extension ReviewWords {
  /// What becomes of a role: every member that differs, by name.
  func changes(of name: ExactString) -> [String] {
    let (old, new) =
      name == "root"
      ? (state?.root.signedJSON, proposal.root?.signedJSON)
      : (state?.targets[name]?.signedJSON, proposal.targets[name]?.signedJSON)
    let version =
      name == "root" ? proposal.root?.signed.header.version : proposal.targets[name]?.signed.header.version
    var lines: [String] = []
    // These two stand beside the role's name.
    for member in Self.names(old, new) where member != "version" && member != "expires" {
      let (before, after) = (old?[member], new?[member])
      guard !Self.same(before, after) else { continue }
      if old == nil, ["_type", "spec_version"].contains(member) { continue }
      var said =
        switch member {
        case "keys": keyLines(before, after)
        case "roles": roleLines(before, after)
        case "delegations": delegationLines(before, after)
        case "targets": targetLines(name, before, after)
        case RoleHeader.frozenMember: frozenLines(before, after)
        case RepositoryPlan.namesMember: nameLines(before, after)
        default: differences(member, before, after)
        }
      let isEmpty = old == nil && after?.members?.isEmpty == true
      if said.isEmpty, !isEmpty { said = ["\(Self.plain(member)) changes"] }
      lines += said
    }
    if !lines.isEmpty { return lines }
    return [
      old == nil && version == 1
        ? "made, empty" : old == nil ? "made anew, empty" : "renewed, nothing else changes"
    ]
  }

  private func frozenLines(_ old: JSONValue?, _ new: JSONValue?) -> [String] {
    guard let new else { return ["unfrozen"] }
    return ["frozen: \(new.text.map(Self.plain) ?? describe(new))"]
  }

  private func nameLines(_ old: JSONValue?, _ new: JSONValue?) -> [String] {
    Self.names(old, new).filter { !Self.same(old?[$0], new?[$0]) }.map { id in
      "\(holder(ExactString(id))): its name, for people: \(describe(old?[id])) → \(describe(new?[id]))"
    } + (new.map { $0.members == nil ? ["x-names: \(describe(old)) → \(describe($0))"] : [] } ?? [])
  }
}
