internal import Bytes
internal import CPosixShim
internal import FoundationEssentials
internal import FrameFormat
internal import Glibc
internal import ImageBuilder
package import Signing

/// Copies a release into a library: checked before, whole or not at all, and the same once more is no change.
package struct ReleasePublisher: Sendable {
  package enum Outcome: String, Sendable, Hashable, Codable {
    case published
    /// It was there already, and is well.
    case unchanged
    /// It was there, and damaged.
    case repaired
  }

  package struct Result: Sendable {
    package let outcome: Outcome
    package let name: String
    package let version: String
    /// The release's own, as 64 lower-case hexadecimal digits.
    package let digest: String
    /// Where it is now.
    package let path: String
    /// Bytes that were written.
    package let bytes: Int
  }

  private let library: String

  /// - Parameter library: The library's directory; it is made if it is not there.
  package init(library: String) {
    self.library = library
  }

  /// Publishes the release in the directory `source`.
  /// - Parameters:
  ///   - keys: The keys that are trusted, of which `threshold` must have signed; without any, signatures are not looked at.
  ///   - links: Whether the files are only given a second name where that can be: nobody writes to them.
  /// - Throws: ``BootServerError`` `.refused` with a line for each thing that is wrong with it, or `.inputOutput`.
  package func publish(
    _ source: String, keys: [PublicKey], threshold: Int, links: Bool = false
  ) async throws -> Result {
    let outcome = try await ReleaseVerifier(source).verify(keys: keys, threshold: threshold)
    guard outcome.findings.isEmpty else {
      throw BootServerError(
        .refused,
        (outcome.findings + ["The release was not published: fetch it again, or build it from its sources."])
          .joined(separator: "\n"))
    }
    let reader = try ReleaseReader(source)
    guard SHA256.digest(of: reader.manifest).hex == outcome.digest else {
      throw BootServerError(.refused, "\(source) was changed while it was read: publish it again")
    }
    let folder = "\(library)/\(ReleaseLibrary.folder)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let lock = try LibraryLock(folder)
    defer { lock.unlock() }
    lock.removeLeftovers()
    let files = try PublishedFiles(reader)
    let path = "\(folder)/\(outcome.digest)"
    func result(_ what: Outcome, bytes: Int) -> Result {
      Result(
        outcome: what, name: outcome.release.name, version: outcome.release.version, digest: outcome.digest,
        path: path, bytes: bytes)
    }
    let isThere = access(path, F_OK) == 0
    if isThere, files.areAll(in: path) { return result(.unchanged, bytes: 0) }
    let bytes = try write(files, from: reader, to: path, replacing: isThere, links: links)
    return result(isThere ? .repaired : .published, bytes: bytes)
  }

  private func write(
    _ files: PublishedFiles, from reader: ReleaseReader, to path: String, replacing: Bool, links: Bool
  ) throws -> Int {
    let directory = try ReleaseDirectory(path)
    try directory.makeDirectory(ReleaseFile.frames)
    var written = 0
    for file in files.list {
      let bytes = file.bytes == nil ? try reader.read(file.name) : file.bytes ?? []
      guard SHA256.digest(of: bytes) == file.digest else {
        throw BootServerError(
          .refused, "\(reader.directory)/\(file.name) was changed while it was read: publish it again")
      }
      let isLinked =
        links
        && linkat(
          AT_FDCWD, "\(reader.directory)/\(file.name)", AT_FDCWD, "\(directory.temporary)/\(file.name)",
          AT_SYMLINK_FOLLOW) == 0
      if !isLinked { try directory.write(ByteRope(bytes), to: file.name) }
      written += bytes.count
    }
    try directory.commitToDisk(as: path, replacing: replacing)
    return written
  }
}

/// One publication, or import, at a time.
struct LibraryLock: ~Copyable {
  private let folder: String
  private let file: Int32

  init(_ folder: String) throws {
    self.folder = folder
    // To read is enough: somebody else may have made it, root with netimg publish for one.
    file = netimg_open("\(folder)/.lock", O_RDONLY | O_CREAT, 0o644)
    guard file >= 0, flock(file, LOCK_EX) == 0 else {
      throw BootServerError(.inputOutput, "cannot lock \(folder)/.lock: \(String(cString: strerror(errno)))")
    }
  }

  /// Removes what was left behind by those who were killed: nobody else is at work now. In a container the next one may have
  /// the same process identifier, and would find its directory taken.
  borrowing func removeLeftovers() {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    where name.hasPrefix(".") && name.contains(".partial-") {
      try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
    }
  }

  borrowing func unlock() {
    // A child process between fork and exec shares the open file: closing alone would leave it locked.
    flock(file, LOCK_UN)
    close(file)
  }
}

/// The files of a release that a library keeps, each with its digest.
struct PublishedFiles {
  struct File {
    let name: String
    let digest: SHA256Digest
    /// The bytes, if they were read already.
    let bytes: [UInt8]?
  }

  let list: [File]

  init(_ reader: ReleaseReader) throws {
    var list = [
      File(name: ReleaseFile.release, digest: SHA256.digest(of: reader.manifest), bytes: reader.manifest)
    ]
    for artifact in reader.release.artifacts {
      guard let digest = SHA256Digest(hex: artifact.sha256) else { continue }
      list.append(File(name: artifact.name, digest: digest, bytes: nil))
    }
    for name in [
      ReleaseFile.signedUKI, ReleaseFile.signature, ReleaseFile.sbomSignature,
      ReleaseFile.provenanceSignature,
    ] {
      guard let bytes = try reader.readIfPresent(name) else { continue }
      list.append(File(name: name, digest: SHA256.digest(of: bytes), bytes: bytes))
    }
    var seen: Set<SHA256Digest> = []
    for frame in try reader.index().frames where seen.insert(frame.digest).inserted {
      list.append(File(name: "\(ReleaseFile.frames)/\(frame.digest.hex)", digest: frame.digest, bytes: nil))
    }
    self.list = list
  }

  /// Whether a directory holds exactly these bytes.
  func areAll(in path: String) -> Bool {
    guard let reader = try? ReleaseReader(path) else { return false }
    return list.allSatisfy { file in
      (try? reader.read(file.name)).map { SHA256.digest(of: $0) == file.digest } ?? false
    }
  }
}
