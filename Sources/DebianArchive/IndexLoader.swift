package import Manifest
internal import BlobStore
internal import Bytes
internal import CPosixShim
internal import DebianPackage

/// Follows the chain of trust from a keyring to the Packages files: InRelease is signed, lists the digest of
/// each index, and each index lists the digest of each package.
package struct IndexLoader: Sendable {
  /// The largest InRelease that is read, in bytes.
  static let maximumReleaseSize = 16 << 20
  /// The largest index that is fetched and the largest that may come out of one, in bytes.
  static let maximumIndexSize = 1 << 30

  private let fetcher: Fetcher
  private let verifier: SignatureVerifier
  private let now: @Sendable () -> ReleaseDate

  /// - Parameter now: the clock that Date and Valid-Until are compared with.
  package init(
    fetcher: Fetcher, verifier: SignatureVerifier,
    now: @escaping @Sendable () -> ReleaseDate = { ReleaseDate(seconds: Int64(time(nil))) }
  ) {
    self.fetcher = fetcher
    self.verifier = verifier
    self.now = now
  }

  /// Loads all sources of a suite, in their order.
  /// - Parameter previous: the archives of the lock that is being replaced: nothing older than these is
  ///   accepted.
  /// - Throws: `ArchiveError` (its codes from `noMirror` to `missingIndex`) or `StoreError`.
  package func load(
    _ suite: Suite, architecture: Architecture, previous: [LockFile.Archive] = []
  ) async throws -> [SuiteIndexes] {
    try await withThrowingTaskGroup(of: (Int, SuiteIndexes).self) { group in
      for (index, source) in suite.sources.enumerated() {
        group.addTask {
          (index, try await load(source, suite.keyring, architecture.rawValue, previous))
        }
      }
      var loaded: [Int: SuiteIndexes] = [:]
      for try await (index, indexes) in group { loaded[index] = indexes }
      return suite.sources.indices.compactMap { loaded[$0] }
    }
  }

  private func load(
    _ source: SuiteSource, _ keyring: Keyring, _ architecture: String, _ previous: [LockFile.Archive]
  ) async throws -> SuiteIndexes {
    let (release, digest) = try await trustedRelease(source, keyring, previous)
    var wanted: [(section: String, path: String)] = []
    for section in source.sections {
      wanted.append((section, "\(section)/binary-\(architecture)/Packages"))
      let all = "\(section)/binary-all/Packages"
      if release.hasIndexForAll, Self.variant(of: all, in: release) != nil { wanted.append((section, all)) }
    }
    var indexes: [PackageIndex] = []
    for (section, path) in wanted {
      let text = try await index(path, of: source, release)
      indexes.append(
        PackageIndex(
          archive: source.archive, name: "\(source.archive) \(source.suite) \(section)", text: text))
    }
    return SuiteIndexes(
      source: source, codename: release.codename ?? source.suite, version: release.version ?? "",
      date: release.date, digest: digest, indexes: indexes)
  }

  /// The first mirror's Release that is signed, of the right suite, current, and not older than one seen
  /// before.
  private func trustedRelease(
    _ source: SuiteSource, _ keyring: Keyring, _ previous: [LockFile.Archive]
  ) async throws -> (ReleaseFile, SHA256Digest) {
    let path = "dists/\(source.suite)/InRelease"
    guard ArchivePath.isSafe(path) else {
      throw ArchiveError(
        .badConfiguration, "\"\(source.suite)\" cannot be a suite's name; correct suite.sources")
    }
    let state = ArchiveState(store: fetcher.store, source: source)
    let seen = state.seen(previous: previous)
    var failures: [(mirror: MirrorURL, error: ArchiveError)] = []
    for mirror in try fetcher.usableMirrors(of: source.archive, for: path) {
      do throws(ArchiveError) {
        let file = "\(mirror)/\(path)"
        let bytes = try await fetcher.fetchSmall(path, from: mirror, limit: Self.maximumReleaseSize)
        let text = try await verifier.verify(bytes, keyring: keyring, file: file)
        let release = try ReleaseFile(text, file: file)
        try release.check(asked: source.suite, now: now(), seen: seen, file: file)
        for failure in failures { fetcher.note(failure.error.description) }
        try state.record(release.date)
        return (release, SHA256.digest(of: bytes))
      } catch {
        // These do not depend on the mirror.
        if [.cancelled, .noVerifier, .localStorage].contains(error.code) { throw error }
        failures.append((mirror, error))
      }
    }
    // A refusal for want of trust says more than a mirror that is down.
    let telling = failures.first { $0.error.code != .unreachable } ?? failures.first
    guard let telling else { throw ArchiveError(.noMirror, "no mirror carries \(source.archive)") }
    guard failures.count > 1 else { throw telling.error }
    let reasons = failures.map(\.error.description).joined(separator: "\n  ")
    throw ArchiveError(
      telling.error.code,
      "no mirror has a usable InRelease of \(source.archive) \(source.suite):\n  \(reasons)")
  }

  private static func variant(
    of path: String, in release: ReleaseFile
  ) -> (path: String, entry: ReleaseFile.Entry, compression: Compression)? {
    for compression in [Compression.xz, .gzip, .none] {
      let name = path + compression.fileExtension
      if let entry = release.entries[name] { return (name, entry, compression) }
    }
    return nil
  }

  /// An index's text: the compressed file has the signed size and digest, and so has what comes out of it.
  private func index(_ path: String, of source: SuiteSource, _ release: ReleaseFile) async throws -> [UInt8] {
    let name = "\(source.archive) \(source.suite) \(path)"
    guard let found = Self.variant(of: path, in: release), ArchivePath.isSafe(path) else {
      throw ArchiveError(
        .missingIndex,
        "\(source.archive) \(source.suite) lists no \(path) (.xz, .gz or plain); check the manifest's "
          + "architecture and suite.sources")
    }
    let plain = release.entries[path]
    guard found.entry.size <= Self.maximumIndexSize, plain?.size ?? 0 <= Self.maximumIndexSize else {
      throw ArchiveError(
        .tooLarge,
        "\(name) is larger than \(Self.maximumIndexSize) bytes; that cannot be right, check the mirror")
    }
    let directory = "dists/\(source.suite)/"
    var paths = [directory + found.path]
    if release.hasByHash {
      let parent = found.path.split(separator: "/").dropLast().joined(separator: "/")
      // The plain name changes under a reader's eyes while a mirror is being updated; this one does not.
      paths.insert("\(directory)\(parent)/by-hash/SHA256/\(found.entry.digest.hex)", at: 0)
    }
    let item = FetchItem(
      name: name, archive: source.archive, paths: paths, size: found.entry.size, digest: found.entry.digest)
    let bytes = try await fetcher.contents(of: item)
    let text: [UInt8]
    do {
      text = try Decompressor.decompress(
        bytes, as: found.compression, limit: plain?.size ?? Self.maximumIndexSize, name: name)
    } catch {
      throw ArchiveError(error.code == .limit ? .tooLarge : .malformedIndex, error.description)
    }
    if let plain, SHA256.digest(of: text) != plain.digest || text.count != plain.size {
      throw ArchiveError(
        .malformedIndex,
        "\(name) does not have the SHA-256 that its Release file lists once it is decompressed; "
          + "tell the archive's keepers")
    }
    return text
  }
}

extension Fetcher {
  /// An item's bytes, fetched unless they are in the store. A damaged entry in the store is fetched again.
  func contents(of item: FetchItem) async throws -> [UInt8] {
    for _ in 0..<2 {
      try await fetch([item])
      if let bytes = try store.read(item.digest) { return bytes }
    }
    throw ArchiveError(
      .localStorage, "\(item.name) cannot be kept in the store at \(store.root); check the disk")
  }
}
