package import Bytes
internal import ImageBuilder
internal import Synchronization

extension ReleaseLibrary {
  /// A file of a release, checked. It may take a while: the file is read in full if it was not yet, or not lately.
  /// - Throws: ``BootServerError`` `.notFound`, `.corrupt` or `.inputOutput`.
  package func open(_ release: SHA256Digest, _ name: String) throws(BootServerError) -> ArtifactFile {
    guard let entry = state.withLock({ $0.entries[release]?[name] }) else {
      throw BootServerError(
        .notFound, "there is no \(name) of a release sha256:\(release.hex) in \(directory)")
    }
    return try open(entry)
  }

  /// A file of any release by its own digest, checked.
  package func open(content digest: SHA256Digest) throws(BootServerError) -> ArtifactFile {
    guard let entry = state.withLock({ $0.byDigest[digest] }) else {
      throw BootServerError(.notFound, "no release in \(directory) has a file with SHA-256 \(digest.hex)")
    }
    return try open(entry)
  }

  /// The same if it can be had at once: it was checked lately, and nobody is checking it now. Else `nil`.
  package func openAtOnce(_ release: SHA256Digest, _ name: String) -> ArtifactFile? {
    state.withLock({ $0.entries[release]?[name] }).flatMap(openAtOnce)
  }

  package func openAtOnce(content digest: SHA256Digest) -> ArtifactFile? {
    state.withLock({ $0.byDigest[digest] }).flatMap(openAtOnce)
  }

  /// The same for a thread that must not wait: `nil` if somebody has to look at the bytes first, who is sent for.
  package func openSoon(_ release: SHA256Digest, _ name: String) -> Result<ArtifactFile, BootServerError>? {
    guard let entry = state.withLock({ $0.entries[release]?[name] }) else {
      return .failure(
        BootServerError(.notFound, "there is no \(name) of a release sha256:\(release.hex) in \(directory)"))
    }
    return openSoon(entry)
  }

  package func openSoon(content digest: SHA256Digest) -> Result<ArtifactFile, BootServerError>? {
    guard let entry = state.withLock({ $0.byDigest[digest] }) else {
      return .failure(
        BootServerError(.notFound, "no release in \(directory) has a file with SHA-256 \(digest.hex)"))
    }
    return openSoon(entry)
  }

  private func openSoon(_ entry: Entry) -> Result<ArtifactFile, BootServerError>? {
    let known = entry.verdict.withLockIfAvailable { verdict -> Result<ArtifactFile, BootServerError>? in
      if let file = Self.fresh(verdict, entry) { return .success(file) }
      guard let failure = verdict.failure, let checked = verdict.checked,
        ContinuousClock.now - checked < Self.failureValidity
      else { return nil }
      return .failure(failure)
    }
    if let known = known ?? nil { return known }
    if !entry.isAwaited.exchange(true, ordering: .acquiringAndReleasing) {
      Task.detached { [self] in
        _ = try? open(entry)
        entry.isAwaited.store(false, ordering: .releasing)
      }
    }
    return nil
  }

  /// What is known to be wrong with a file of a release; `nil` if nothing is known.
  package func damage(of release: SHA256Digest, _ name: String) -> String? {
    state.withLock({ $0.entries[release]?[name] })?.verdict.withLockIfAvailable(\.failure)??.message
  }

  /// Whether the library has a release, as far as is known: a file of it may be damaged without anybody having looked.
  package func has(_ release: SHA256Digest) -> Bool {
    guard let entries = state.withLock({ $0.entries[release] }) else { return false }
    return !entries.values.contains { $0.verdict.withLockIfAvailable(\.failure) ?? nil != nil }
  }

  /// Looks at the files of a release that are not known to be well.
  /// - Parameter deadline: Files are looked at until then.
  func check(_ release: SHA256Digest, until deadline: ContinuousClock.Instant? = nil) {
    let entries = state.withLock { $0.entries[release] } ?? [:]
    for entry in entries.values.sorted(by: { $0.path < $1.path }) {
      if let deadline, ContinuousClock.now > deadline { return }
      _ = try? open(entry)
    }
  }

  /// Looks at every file that was not looked at lately. For a thread that has time.
  package func checkAll(shouldStop: () -> Bool = { false }) {
    let entries = state.withLock { state in
      state.entries.values.flatMap(\.values).sorted { $0.path < $1.path }
    }
    for entry in entries where !shouldStop() { _ = try? open(entry) }
  }

  private func openAtOnce(_ entry: Entry) -> ArtifactFile? {
    // Not while somebody checks it: that takes as long as reading the file.
    entry.verdict.withLockIfAvailable { verdict in Self.fresh(verdict, entry) } ?? nil
  }

  private func open(_ entry: Entry) throws(BootServerError) -> ArtifactFile {
    let result: Result<ArtifactFile, BootServerError> = entry.verdict.withLock { verdict in
      if let file = Self.fresh(verdict, entry) { return .success(file) }
      do throws(BootServerError) {
        let file = try ArtifactFile(
          path: entry.path, size: entry.artifact.size, expected: entry.artifact.digest)
        if entry.artifact.digest == nil { try Self.checkSignatures(file) }
        verdict = Entry.Verdict(file: file, checked: .now)
        return .success(file)
      } catch {
        if verdict.failure?.message != error.message { report(error) }
        verdict = Entry.Verdict(checked: .now, failure: error)
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// Checks a UKI that is signed for Secure Boot: it has to be the release's own, with nothing but good signatures.
  private static func checkSignatures(_ file: ArtifactFile) throws(BootServerError) {
    let parts = file.path.slashSeparated(omittingEmpty: false).dropLast()
    do {
      _ = try ReleaseSecureBoot.signers(of: ReleaseReader(parts.joined(separator: "/")))
    } catch {
      throw BootServerError(.corrupt, "\(error)")
    }
    guard file.isUnchanged(), FileSignature(path: file.path) == file.opened else {
      throw BootServerError(
        .corrupt, "\(file.path) was written to while it was read: sign its release again")
    }
  }

  /// The open file, if what is at its path is still that file, as it was when its bytes were looked at.
  private static func fresh(_ verdict: Entry.Verdict, _ entry: Entry) -> ArtifactFile? {
    guard let file = verdict.file, let checked = verdict.checked, ContinuousClock.now - checked < validity,
      FileSignature(path: entry.path) == file.opened
    else { return nil }
    return file
  }
}
