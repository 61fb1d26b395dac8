package import Bytes
internal import CPosixShim
internal import Channels
internal import FoundationEssentials
internal import FrameFormat
internal import Glibc
internal import ImageBuilder
package import Manifest
internal import Synchronization

/// The published releases below one directory: `releases/DIGEST/…`, each as `netimg publish` put it there.
///
/// Nothing is served unseen: a file's SHA-256 is compared before its first byte leaves, and again when the file was
/// written to or an hour has passed. The digests come from `release.json`, whose own digest is the directory's name.
package final class ReleaseLibrary: Sendable {
  /// A file of a release, and what is known about its bytes. Whoever checks them holds the lock.
  final class Entry: Sendable {
    struct Verdict: Sendable {
      var file: ArtifactFile?
      var checked: ContinuousClock.Instant?
      var failure: BootServerError?
    }
    let release: LibraryRelease
    let artifact: LibraryRelease.Artifact
    let path: String
    let verdict = Mutex(Verdict())
    /// Whether a thread is on its way to look at the bytes.
    let isAwaited = Atomic<Bool>(false)

    init(release: LibraryRelease, artifact: LibraryRelease.Artifact, path: String) {
      self.release = release
      self.artifact = artifact
      self.path = path
    }
  }

  struct State: Sendable {
    var releases: [SHA256Digest: LibraryRelease] = [:]
    var entries: [SHA256Digest: [String: Entry]] = [:]
    var byDigest: [SHA256Digest: Entry] = [:]
    /// What is wrong with a release as a whole, by its directory's name.
    var problems: [String: String] = [:]
    /// When the folder of releases was last written to, and each of them.
    var modified: FileTimes?
    var times: [String: FileTimes] = [:]
  }

  /// How long a look at a file's bytes is good for.
  static let validity = Duration.seconds(3600)
  /// How long who does not wait is told what was wrong with a file, before it is looked at again.
  static let failureValidity = Duration.seconds(10)

  package let directory: String
  let state = Mutex(State())
  /// Told of every file that is found damaged.
  private let onDamage: @Sendable (BootServerError) -> Void

  package init(directory: String, onDamage: @escaping @Sendable (BootServerError) -> Void = { _ in }) {
    self.directory = directory
    self.onDamage = onDamage
  }

  func report(_ error: BootServerError) { onDamage(error) }

  /// Every release, by name, then the newest first.
  package var releases: [LibraryRelease] {
    state.withLock { Array($0.releases.values) }.sorted(by: Self.precedes)
  }

  private static func precedes(_ left: LibraryRelease, _ right: LibraryRelease) -> Bool {
    if left.name != right.name { return left.name < right.name }
    if left.timestamp != right.timestamp { return left.timestamp > right.timestamp }
    return left.digest < right.digest
  }

  /// What is wrong with directories that look like releases, one sentence each, sorted.
  package var problems: [String] { state.withLock { $0.problems.values.sorted() } }

  package subscript(digest: SHA256Digest) -> LibraryRelease? { state.withLock { $0.releases[digest] } }

  /// Where a file with these contents should be: an artifact, or a frame, of any release. Nobody has looked at its bytes.
  func path(ofContent digest: String) -> String? {
    guard let hash = SHA256Digest(hex: digest) else { return nil }
    if let entry = state.withLock({ $0.byDigest[hash] }) { return entry.path }
    return releases.lazy.map {
      "\(self.directory)/\(Self.folder)/\($0.digest.hex)/\(ReleaseFile.frames)/\(digest)"
    }
    .first { access($0, F_OK) == 0 }
  }

  /// The files of the newest releases of an image: what another one may share with them.
  func localFiles(like image: String) -> LocalFiles {
    var files = LocalFiles()
    for release in releases.filter({ $0.name == image }).prefix(2) {
      let path = "\(directory)/\(Self.folder)/\(release.digest.hex)"
      for artifact in release.artifacts {
        if let digest = artifact.digest, let size = artifact.size {
          files.add(digest.hex, path: "\(path)/\(artifact.name)", size: size)
        }
      }
      guard let frames = try? ReleaseReader(path).index().frames else { continue }
      for frame in frames {
        files.add(
          frame.digest.hex, path: "\(path)/\(ReleaseFile.frames)/\(frame.digest.hex)", size: frame.storedSize)
      }
    }
    return files
  }

  /// The release that a reference means; of several with that name and version the newest, by time stamp, then digest.
  package func find(_ reference: ReleaseReference) -> LibraryRelease? {
    switch reference {
    case .digest(let hex): SHA256Digest(hex: hex).flatMap { self[$0] }
    case .named(let name, let version):
      // Asked for every packet of a device: the list is not sorted for that.
      state.withLock { $0.releases }.values.lazy.filter { $0.name == name && $0.version == version }
        .min(by: Self.precedes)
    }
  }
}

/// When a directory was last written to.
struct FileTimes: Sendable, Hashable {
  let seconds: Int
  let nanoseconds: Int
  let inode: UInt64

  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    seconds = status.st_mtim.tv_sec
    nanoseconds = status.st_mtim.tv_nsec
    inode = UInt64(status.st_ino)
  }
}
