internal import Bytes
package import UpdateFramework

/// How a repository stands: what expires when, and what is merged but not yet seen by clients.
package struct RepositoryStatus: Sendable {
  /// One role.
  package struct Role: Sendable {
    package let name: String
    /// The newest version that is merged; 0 for none.
    package let version: Int
    /// The version that clients see; `nil` where that is no question.
    package let published: Int?
    /// `nil` where there is no metadata yet.
    package let expires: UpdateTime?
    /// What somebody should do, and why; `nil` if all is well.
    package let warning: String?
    /// Whether its time is over, or soon will be.
    package let isExpiring: Bool
  }

  package let roles: [Role]
  package var warnings: [String] { roles.compactMap { role in role.warning.map { "\(role.name): \($0)" } } }

  /// - Parameter ahead: Seconds before the expiry of a role's metadata from which on there is a warning; half
  ///   of the role's lifetime at most.
  package init(_ repository: ChannelRepository, now: UpdateTime, ahead: Int = 14 * 86400) {
    let state = repository.state
    let root = state.root.signed
    func role(_ name: ExactString, _ header: RoleHeader?, _ published: Int?, _ keys: RoleKeys?) -> Role {
      let lifetime = keys?.lifetime ?? RepositoryDraft.defaultLifetimes[name] ?? 90 * 86400
      var warning: String?
      var isExpiring = false
      if let header {
        isExpiring = header.expires < now.advanced(by: min(ahead, lifetime / 2))
        if header.expires <= now {
          warning = "expired on \(header.expires); clients refuse it: sign it anew"
        } else if isExpiring {
          warning = "expires on \(header.expires); sign it anew before"
        } else if let published, published < header.version {
          warning =
            "version \(header.version) is merged, but clients still see \(published); run netimg repo refresh"
        }
      } else if state.superseded.contains(name) {
        warning = "is signed by none of today's keys, so clients refuse it; run netimg repo refresh"
      } else {
        warning = "there is no metadata yet; sign and merge some"
      }
      return Role(
        name: ReviewWords.plain(name.text), version: header?.version ?? 0, published: published,
        expires: header?.expires,
        warning: warning, isExpiring: isExpiring)
    }
    func seen(_ name: ExactString) -> Int { state.snapshot?.signed[role: name]?.version ?? 0 }
    var roles = [
      role("root", root.header, nil, root.roles["root"]),
      role("timestamp", state.timestamp?.signed.header, nil, root.roles["timestamp"]),
      role("snapshot", state.snapshot?.signed.header, nil, root.roles["snapshot"]),
      role("targets", state.targets["targets"]?.signed.header, seen("targets"), root.roles["targets"]),
    ]
    if case .listed(let delegated) = state.targets["targets"]?.signed.delegations?.roles {
      for delegation in delegated {
        roles.append(
          role(
            delegation.name, state.targets[delegation.name]?.signed.header, seen(delegation.name),
            delegation.keys))
      }
    }
    self.roles = roles
  }
}
