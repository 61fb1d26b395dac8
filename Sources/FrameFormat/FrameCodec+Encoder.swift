internal import CZstd

extension FrameCodec {
  /// The zstd that releases are made with. Another one reads and writes the same format (RFC 8878), but compresses to
  /// other bytes; `tools/pinned` is where it comes from.
  package static let pinnedEncoder = "1.5.7"

  /// The zstd that this program is linked with, such as `1.5.7`: with ``formatVersion`` and the level, all that decides
  /// the bytes of a frame.
  package static var encoder: String { String(cString: ZSTD_versionString()) }

  /// Whether this program gives the bytes that every other build of netimg gives.
  package static var isPinned: Bool { encoder == pinnedEncoder }
}
