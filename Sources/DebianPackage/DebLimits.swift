/// How large the parts of a package may be; what is beyond is refused, not cut.
package struct DebLimits: Sendable {
  /// Bytes of one file.
  package var fileSize = 256 << 20
  /// Bytes of the whole data archive, headers and all. A package is held in memory while it is opened, so this bounds
  /// what a hostile one costs; what is larger has no place in an image that a device holds in memory.
  package var totalSize = 320 << 20
  /// Members of the data archive.
  package var entries = 200_000
  /// Bytes of a path or a link's target.
  package var pathLength = 4096
  /// Bytes of the whole control archive, headers and all.
  package var controlSize = 64 << 20
  /// How many times larger than its compressed form an archive may be, beyond 64 MiB. Of trixie's 68,701 packages, six
  /// are: documentation and test data of one pattern.
  package var compressionRatio = 128

  package init() {}

  /// What all but the largest of Debian's packages, debug symbols and game data, stay below.
  package static let standard = DebLimits()
}
