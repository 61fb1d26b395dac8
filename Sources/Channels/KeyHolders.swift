internal import Bytes
internal import UpdateFramework

/// Whose keys hold a role.
package struct KeyHolders: Sendable {
  /// One key, with what the repository's metadata call it; safe for a terminal.
  package struct Key: Sendable {
    package let id: String
    /// What people call its holder; `nil` if nobody said.
    package let name: String?
    /// Whom it counts as, where people are counted; `nil` for nobody, or where keys are.
    package let person: String?
    package let scheme: String
  }

  package let name: String
  package let threshold: Int
  package let countsPeople: Bool
  package let keys: [Key]
  /// How many could sign: different people, or keys.
  package var possible: Int { countsPeople ? Set(keys.compactMap(\.person)).count : keys.count }
}

extension ChannelRepository {
  /// Every role and its keys: the top-level ones, then those that are delegated to, in their order.
  package func keyHolders() -> [KeyHolders] {
    let root = state.root.signed
    let topLevel = RootRole.roleNames.compactMap { name in
      root.roles[name].map { holders(of: name, $0, root.keys) }
    }
    guard let delegations = state.targets["targets"]?.signed.delegations,
      case .listed(let roles) = delegations.roles
    else { return topLevel }
    return topLevel + roles.map { holders(of: $0.name, $0.keys, delegations.keys) }
  }

  private func holders(
    of name: ExactString, _ role: RoleKeys, _ keys: [ExactString: VerificationKey]
  ) -> KeyHolders {
    KeyHolders(
      name: ReviewWords.plain(name.text), threshold: role.threshold, countsPeople: role.people != nil,
      keys: role.keyIDs.map { id in
        let name = self.name(ofKey: id)
        return KeyHolders.Key(
          id: ReviewWords.plain(id.text), name: id.text.hasPrefix(name) ? nil : ReviewWords.plain(name),
          person: role.people?[id].map(ReviewWords.plain),
          scheme: ReviewWords.plain(keys[id]?.scheme ?? "not listed"))
      })
  }
}
