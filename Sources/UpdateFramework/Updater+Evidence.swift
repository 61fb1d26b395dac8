package import Bytes

extension Updater {
  /// The version of a role that the snapshot lists, after a refresh if there was none; `nil` if it lists none, or if the
  /// top-level role does not delegate to it.
  /// - Throws: ``UpdateError``.
  package func listedVersion(of role: ExactString) async throws -> Int? {
    try await refresh()
    guard trusted.targets(of: "targets")?.signed.delegations?.roleKeys(of: role) != nil else { return nil }
    return trusted.snapshot?.signed[role: role]?.version
  }

  /// A version of a role that has a ``listedVersion(of:)``, current or past, as evidence of what was said once: signed by
  /// those who may sign the role today, in time or not. The version that is trusted locally is not fetched, and nothing
  /// is written.
  /// - Throws: `notAvailable` if the repository does not have it (one without consistent snapshots has no past), or as
  ///   ``TrustedSet/evidence(_:of:version:)``.
  package func evidence(of role: ExactString, version: Int) async throws -> TargetsRole {
    let isListed = try await listedVersion(of: role) == version
    if isListed, let bytes = local.read(role.text, limit: limits.targetsLength),
      let found = try? trusted.evidence(bytes, of: role, version: version)
    {
      return found
    }
    let isNamed = trusted.root.signed.consistentSnapshot
    guard isNamed || isListed else {
      throw UpdateError(
        .notAvailable, role: role.text, version: version, "this repository keeps no older versions")
    }
    let bytes = try await fetch(role.text, version: isNamed ? version : nil, limit: limits.targetsLength)
    return try trusted.evidence(bytes, of: role, version: version)
  }
}
