/// How patient a transfer is.
package struct TransferPolicy: Sendable {
  /// Transfers at the same time, at least 1.
  package var parallel = 8
  /// Seconds until a connection must stand.
  package var connectTimeout = 15
  /// Seconds that a transfer may stay below `minimumSpeed` before it counts as stalled.
  package var stallTimeout = 20
  /// Bytes a second below which a transfer counts as stalled.
  package var minimumSpeed = 1024
  /// Seconds that a whole transfer may take; 0 for as long as it is not stalled.
  package var totalTimeout = 0
  /// Redirections that a transfer follows.
  package var redirections = 5
  /// Opens no socket: file URLs are all that is asked.
  package var isOffline = false
  /// A PEM file with the certificates of those who may vouch for servers; `nil` for the system's.
  package var authorities: String?

  package init() {}
}

/// libcurl or a thread cannot be had.
package struct TransferUnavailable: Error, CustomStringConvertible {
  package var description: String { "libcurl cannot start; free some memory and try again" }
}
