package import Bytes
internal import Transfers

/// How patient fetching is.
package struct FetchPolicy: Sendable {
  /// Transfers at the same time, at least 1.
  package var parallel = 8
  /// Seconds until a connection must stand.
  package var connectTimeout = 15
  /// Seconds that a transfer may stay below `minimumSpeed` before it counts as stalled.
  package var stallTimeout = 20
  /// Bytes a second below which a transfer counts as stalled.
  package var minimumSpeed = 1024
  /// How often all mirrors are tried, with a growing pause in between. A round that brought bytes is not
  /// counted.
  package var rounds = 3
  /// The pause before the second round, in milliseconds; it doubles with each round.
  package var backOffMilliseconds = 500
  /// Redirections that a transfer follows.
  package var redirections = 5
  /// Opens no socket: mirrors with file URLs are all that is asked.
  package var isOffline = false

  package init() {}

  /// What of it concerns a single transfer.
  var transfer: TransferPolicy {
    var transfer = TransferPolicy()
    transfer.parallel = parallel
    transfer.connectTimeout = connectTimeout
    transfer.stallTimeout = stallTimeout
    transfer.minimumSpeed = minimumSpeed
    transfer.redirections = redirections
    transfer.isOffline = isOffline
    return transfer
  }
}

/// A file that is known by its content.
package struct FetchItem: Sendable, Hashable {
  /// What messages call it, such as `frr_10.3-1_amd64.deb`.
  package let name: String
  /// The archive that carries it.
  package let archive: String
  /// Where it is below a mirror's base, the preferred path first; each must be safe.
  package let paths: [String]
  /// Its length in bytes.
  package let size: Int
  /// Its SHA-256.
  package let digest: SHA256Digest

  package init(name: String, archive: String, paths: [String], size: Int, digest: SHA256Digest) {
    self.name = name
    self.archive = archive
    self.paths = paths
    self.size = size
    self.digest = digest
  }
}

/// How far a set of downloads has come.
package struct FetchProgress: Sendable, Equatable {
  /// Files that are in the store.
  package var items = 0
  /// Files that were asked for.
  package var totalItems = 0
  /// Bytes that are in the store or in partial files.
  package var bytes = 0
  /// The size of all files asked for.
  package var totalBytes = 0

  package init() {}
}
