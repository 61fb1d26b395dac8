package import BlobStore

/// Brings the packages of a lock into the store.
package enum PackageFetcher {
  /// Fetches every package file that the store does not have, in parallel, each checked by size and digest.
  /// - Parameters:
  ///   - isOffline: opens no socket; what is missing is listed instead.
  ///   - onProgress: as for ``Fetcher``.
  /// - Returns: sentences about mirrors that misbehaved although all went well in the end.
  /// - Throws: `offline` with the list of what is missing, or what ``Fetcher/fetch(_:)`` throws.
  @discardableResult
  package static func fetchAll(
    _ lock: LockFile, store: BlobStore, mirrors: MirrorConfiguration, isOffline: Bool = false,
    policy: FetchPolicy = FetchPolicy(), onProgress: (@Sendable (FetchProgress) -> Void)? = nil
  ) async throws -> [String] {
    let missing = lock.packages.filter { !store.contains($0.digest, size: $0.size) }
    if isOffline {
      guard missing.isEmpty else {
        let names = missing.map { "\n  \($0.name) \($0.version) (\($0.size) bytes)" }.joined()
        throw ArchiveError(
          .offline,
          "\(missing.count) of \(lock.packages.count) packages are not in the store; run once without "
            + "--offline to fetch them:\(names)")
      }
      return []
    }
    let fetcher = try Fetcher(mirrors: mirrors, store: store, policy: policy, onProgress: onProgress)
    try await fetcher.fetch(lock.packages.map(\.fetchItem))
    return fetcher.notes
  }
}
