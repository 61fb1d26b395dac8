internal import Bytes
internal import FoundationEssentials
internal import Glibc
internal import ImageBuilder
internal import Synchronization

extension ReleaseLibrary {
  /// The folder of the releases.
  package static let folder = "releases"
  /// More releases than that are not looked at.
  static let maximumReleases = 10_000

  /// Looks for releases that came or went. Cheap if none did: ask as often as you like.
  /// - Returns: Whether anything is different.
  @discardableResult
  package func refresh(force: Bool = false) -> Bool {
    let folder = "\(directory)/\(Self.folder)"
    let modified = FileTimes(folder)
    let before = state.withLock { $0 }
    // A signature for Secure Boot is added in the release's own directory.
    let isSame = modified == before.modified && before.times.allSatisfy { FileTimes($0.key) == $0.value }
    guard force || !isSame else { return false }
    var after = State()
    after.modified = modified
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    for name in names.filter({ !$0.hasPrefix(".") }).prefix(Self.maximumReleases) {
      let path = "\(folder)/\(name)"
      guard let digest = SHA256Digest(hex: name), digest.hex == name else {
        after.problems[name] = "\(path) is not named by a digest: releases come here by netimg publish"
        continue
      }
      // Another rename may have put other files under the same name: every change of the folder asks anew, and an
      // entry's own look at its file tells the rest.
      after.times[path] = FileTimes(path)
      do {
        let reader = try ReleaseReader(path)
        let isSigned = access("\(path)/\(ReleaseFile.signedUKI)", F_OK) == 0
        guard SHA256.digest(of: reader.manifest) == digest,
          let release = LibraryRelease(reader.release, digest: digest, isSigned: isSigned)
        else {
          throw BootServerError(
            .corrupt,
            "\(path)/release.json is not the one that its directory is named by: publish the release again")
        }
        after.add(release, at: path, keeping: before)
      } catch {
        after.problems[name] = "\(error)"
      }
    }
    let changed =
      before.releases != after.releases || before.problems != after.problems
    state.withLock { $0 = after }
    for (_, problem) in after.problems.sorted(by: { $0.key < $1.key })
    where !before.problems.values.contains(problem) {
      report(BootServerError(.corrupt, problem))
    }
    return changed
  }
}

extension ReleaseLibrary.State {
  fileprivate mutating func add(_ release: LibraryRelease, at path: String, keeping before: Self) {
    releases[release.digest] = release
    var entries: [String: ReleaseLibrary.Entry] = [:]
    for artifact in release.artifacts {
      let entry =
        before.entries[release.digest]?[artifact.name]
        ?? ReleaseLibrary.Entry(release: release, artifact: artifact, path: "\(path)/\(artifact.name)")
      entries[artifact.name] = entry
      if let digest = artifact.digest, byDigest[digest] == nil { byDigest[digest] = entry }
    }
    self.entries[release.digest] = entries
  }
}
