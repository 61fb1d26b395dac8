/// How large the parts of a package may be; what is beyond is refused, not cut.
package struct DebLimits: Sendable {
  /// Bytes of one file.
  package var fileSize = 512 << 20
  /// Bytes of the whole data archive, headers and all.
  package var totalSize = 2 << 30
  /// Members of the data archive.
  package var entries = 200_000
  /// Bytes of a path or a link's target.
  package var pathLength = 4096
  /// Bytes of the whole control archive, headers and all.
  package var controlSize = 64 << 20
  /// How many times larger than its compressed form an archive may be, beyond 64 MiB.
  package var compressionRatio = 1000

  package init() {}

  /// What Debian's largest packages stay well below.
  package static let standard = DebLimits()
}
