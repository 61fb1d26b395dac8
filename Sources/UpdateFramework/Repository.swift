package import Bytes
internal import CPosixShim
internal import Glibc

/// The state of a repository, every signature checked: what a publisher starts from. Metadata that have
/// expired are loaded all the same, for they are there to be renewed.
package struct Repository: Sendable {
  package let root: Metadata<RootRole>
  /// The timestamp, if the keys of today's root have signed it.
  package let timestamp: Metadata<TimestampRole>?
  /// The snapshot, if the keys of today's root have signed it.
  package let snapshot: Metadata<SnapshotRole>?
  /// Of `timestamp` and `snapshot` those that lie there with the signatures of an earlier root's keys alone:
  /// clients refuse them, and nothing that they say counts.
  package let superseded: Set<ExactString>
  /// The newest version of every targets role that can be reached from the root: merged, if perhaps not yet
  /// part of a snapshot.
  package let targets: [ExactString: Metadata<TargetsRole>]
  /// Where roles may be that nobody delegates to any more; `nil` for a state that was put together from elsewhere.
  private let directory: RepositoryDirectory?

  /// A state that somebody has verified.
  package init(
    root: Metadata<RootRole>, timestamp: Metadata<TimestampRole>?, snapshot: Metadata<SnapshotRole>?,
    targets: [ExactString: Metadata<TargetsRole>], superseded: Set<ExactString> = [],
    directory: RepositoryDirectory? = nil
  ) {
    self.root = root
    self.timestamp = timestamp
    self.snapshot = snapshot
    self.targets = targets
    self.superseded = superseded
    self.directory = directory
  }

  /// Reads a repository. Whoever merges meanwhile is waited for, so that what is returned was true at one time.
  /// - Returns: `nil` if there is no root at all.
  /// - Throws: ``UpdateError``, which names the role whose metadata are wrong.
  package static func load(
    _ directory: RepositoryDirectory, limits: UpdateLimits = UpdateLimits()
  ) throws(UpdateError) -> Repository? {
    var attempts = 50
    while true {
      let before = directory.stamp
      do throws(UpdateError) {
        var loader = RepositoryLoader(directory: directory, limits: limits)
        let repository = try loader.load()
        if attempts == 0 || directory.stamp == before { return repository }
      } catch {
        if attempts == 0 || directory.stamp == before { throw error.inOwnDirectory(directory.path) }
      }
      attempts -= 1
      usleep(10_000)
    }
  }

  /// Who may sign for a role: the keys that the newest metadata of its delegators name. A role that several
  /// roles delegate to has several answers.
  package func delegations(to role: ExactString) -> [Delegation] {
    if let keys = root.signed.roles[role] {
      return [Delegation(delegator: "root", role: keys, keys: root.signed.keys)]
    }
    return targets.keys.sorted().compactMap { name in
      guard let delegations = targets[name]?.signed.delegations else { return nil }
      return delegations.roleKeys(of: role).map {
        Delegation(delegator: name, role: $0, keys: delegations.keys)
      }
    }
  }

  /// The newest version of a targets role that was ever there, also of one that nobody delegates to any more;
  /// 0 for none. Its next version is one more.
  package func newestVersion(of role: ExactString) throws(UpdateError) -> Int {
    if let metadata = targets[role] { return metadata.signed.header.version }
    guard let directory else { return snapshot?.signed[role: role]?.version ?? 0 }
    var version = try directory.firstVersion(of: role, in: snapshot?.signed)
    while version < ObjectReader.largest {
      guard try directory.read(role, version: version + 1, limit: .max) != nil else { break }
      version += 1
    }
    return version
  }
}

/// Who names whose keys.
package struct Delegation: Sendable {
  package let delegator: ExactString
  package let role: RoleKeys
  package let keys: [ExactString: VerificationKey]
}
