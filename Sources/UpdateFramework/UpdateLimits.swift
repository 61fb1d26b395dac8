/// What a client is willing to take from a server.
package struct UpdateLimits: Sendable {
  /// Bytes of a root, of a timestamp, of a snapshot and of targets metadata; what a role signs about
  /// another's length can only lower them.
  package var rootLength = 512 << 10
  package var timestampLength = 64 << 10
  package var snapshotLength = 4 << 20
  package var targetsLength = 16 << 20
  /// New versions of the root in one update.
  package var rootVersions = 1024
  /// Roles that a search for one target visits.
  package var visitedRoles = 64
  /// The clock is taken to be at least this late, for machines that begin without knowing the time: the time
  /// at which an image was built is a good choice.
  package var earliestTime: UpdateTime?

  package init() {}

  /// The time at which an update begins.
  var startTime: UpdateTime { max(.now, earliestTime ?? UpdateTime(seconds: .min)) }
}
