package import Bytes
package import DebianArchive
package import Manifest

/// Everything that decides a release's bytes. Nothing else does: no clock, no environment, no user, no directory.
package struct BuildInputs: Sendable {
  /// The manifest with its components.
  package var image: ComposedImage
  package var lock: LockFile
  /// SHA-256 of the lock file.
  package var lockDigest: SHA256Digest
  /// The static netimg-init.
  package var stage0: [UInt8]
  package var version: String
  /// Seconds since the epoch, for every time stamp.
  package var timestamp: UInt64
  /// The git commit, where there is one.
  package var commit: String?
  /// Whether the sources differ from that commit.
  package var isDirty: Bool
  /// zstd's level for the frames.
  package var compressionLevel: Int

  package init(
    image: ComposedImage, lock: LockFile, lockDigest: SHA256Digest, stage0: [UInt8], version: String,
    timestamp: UInt64, commit: String?, isDirty: Bool, compressionLevel: Int
  ) {
    self.image = image
    self.lock = lock
    self.lockDigest = lockDigest
    self.stage0 = stage0
    self.version = version
    self.timestamp = timestamp
    self.commit = commit
    self.isDirty = isDirty
    self.compressionLevel = compressionLevel
  }
}

/// Where a build is, for whoever shows progress.
package enum BuildPhase: String, Sendable {
  case unpacking = "Unpacking packages"
  case composing = "Composing the root"
  case checking = "Checking the root"
  case compressing = "Writing the root image"
  case assembling = "Assembling the release"
  case writing = "Writing files"
}
