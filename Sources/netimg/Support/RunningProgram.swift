internal import Bytes
internal import ImageBuilder

/// This very program.
enum RunningProgram {
  /// SHA-256 of its file; `nil` where /proc is missing.
  static var digest: SHA256Digest? { FileDigest.of("/proc/self/exe") }
}
