/// The repository whose channels a boot server follows.
package struct RepositorySettings: Sendable, Hashable {
  /// A directory, or a URL.
  package var from: String
  /// A file: the root that the operator trusts, from which everything else follows.
  package var root: String
  /// Seconds between two looks at a repository behind a URL, and at least that often at a directory.
  package var interval = 30
  /// The key of the snapshot and timestamp roles, if this server signs them: a name in `keys`.
  package var onlineKey: String?
  /// The directory of keys; `nil` for `keys` in the state directory.
  package var keys: String?
  /// A file with the key's passphrase.
  package var passphraseFile: String?
  /// The directory of proposals; `nil` for `proposals` in the repository, if that is a directory.
  package var proposals: String?
  /// Days before the expiry of a role's metadata from which on there are warnings.
  package var warnDays = 14

  package init(from: String, root: String) {
    self.from = from
    self.root = root
  }

  /// Whether the repository is a directory of this host.
  package var isLocal: Bool { !from.contains("://") }
}
