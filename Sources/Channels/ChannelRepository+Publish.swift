package import Bytes
internal import FoundationEssentials
internal import FrameFormat
package import ImageBuilder
package import Signing
package import UpdateFramework

extension ChannelRepository {
  /// What publishing a release did.
  package struct Publication: Sendable {
    package let image: String
    package let version: String
    /// SHA-256 of release.json.
    package let digest: String
    /// Files that were copied, and their bytes; the rest was there.
    package var copiedFiles = 0
    package var copiedBytes = 0
    /// Files of the release that were there already.
    package var sharedFiles = 0
    /// What is to be signed; `nil` if the release is listed already.
    package var proposal: Proposal?
  }

  /// Verifies a release, signed by a key of the role `releases`, copies its files, each once however many
  /// releases share it, and proposes to list it. What an interrupted run copied is there for the next.
  /// - Parameter links: Whether the files are only given a second name where that can be: only for a directory that
  ///   nobody else writes to.
  /// - Throws: `badRelease`, `replaced` for other content under a version that is published.
  package func publish(
    releaseAt path: String, links: Bool = false, now: UpdateTime
  ) async throws -> Publication {
    let digest = try await verify(releaseAt: path)
    return try publish(VerifiedRelease(path, digest: digest, keys: buildKeys()), links: links, now: now)
  }

  /// Copies a release that was verified. Every file is read once more, and only what is still the same is kept.
  func publish(_ verified: VerifiedRelease, links: Bool = false, now: UpdateTime) throws -> Publication {
    let (manifest, release) = (verified.reader.manifest, verified.reader.release)
    let (target, file) = try listing(of: release, manifest)
    let digest = SHA256.digest(of: manifest)
    var publication = Publication(image: release.name, version: release.version, digest: digest.hex)
    try directory.removeLeftovers()
    // The very bytes that were compared are written, but where they are linked.
    func source(_ name: String) -> String? { links ? "\(verified.reader.directory)/\(name)" : nil }
    // Frames are named by the SHA-256 of their bytes as stored.
    var pieces = Recipe.Pieces()
    var seen: Set<String> = []
    for frame in try verified.index().frames where seen.insert(frame.digest.hex).inserted {
      let name = "\(ReleaseFile.frames)/\(frame.digest.hex)"
      let bytes = try verified.read(name, frame.digest.hex)
      try copy(bytes, as: frame.digest.hex, from: source(name), &publication)
      pieces.add(frame.digest.hex, bytes)
    }
    // The smallest first: what one is made of may be in the next.
    let artifacts = release.artifacts.sorted { ($0.size, $0.name) < ($1.size, $1.name) }
    for artifact in artifacts where seen.insert(artifact.sha256).inserted {
      let bytes = try verified.read(artifact.name, artifact.sha256)
      try copy(bytes, as: artifact.sha256, from: source(artifact.name), &publication)
      guard bytes.count >= Recipe.leastFile else { continue }
      if let (recipe, between) = Recipe.make(for: bytes, from: pieces) {
        for piece in between { try copy(piece.bytes, as: piece.digest, &publication) }
        try copy(recipe.bytes, as: "\(artifact.sha256).recipe", replaces: true, &publication)
      }
      pieces.add(artifact.sha256, bytes)
    }
    // Nothing names these, so they are found by the release that they are about; more signatures may come to them.
    for (name, bytes) in try verified.companions() {
      try add(bytes, as: "\(digest.hex).\(name)", &publication)
    }
    try directory.add(manifest, target: target.text, file)
    publication.proposal = try proposal(toList: release, manifest, now: now)
    return publication
  }

  /// Looks at all of a release, and at the signatures of those who may publish.
  /// - Returns: The SHA-256 of its release.json.
  /// - Throws: `badRelease` with everything that is wrong.
  @discardableResult
  package func verify(releaseAt path: String) async throws -> String {
    let outcome = try await ReleaseVerifier(path).verify(keys: try buildKeys(), threshold: 1)
    guard outcome.findings.isEmpty else {
      throw ChannelError(
        .badRelease,
        (["\(path) is not published:"] + outcome.findings.prefix(20)).joined(separator: "\n  "))
    }
    return outcome.digest
  }

  /// How a release stands in the list of releases.
  /// - Throws: `replaced` for other content under a version that is published.
  package func listing(of release: Release, _ manifest: [UInt8]) throws -> (
    target: ExactString, file: TargetFile
  ) {
    let target = Names.release(release.name, release.version)
    try RepositoryDirectory.checkTargetPath(target.text)
    let digest = SHA256.digest(of: manifest)
    if let listed = state.targets[Names.releases]?.signed.targets[target], listed.digests.sha256 != digest {
      throw ChannelError(
        .replaced,
        "\(release.name) \(release.version) is published already with other content (\(listed.digests.sha256?.hex ?? "")); "
          + "a release is never replaced: raise the version")
    }
    return (target, TargetFile(length: manifest.count, digests: ContentDigests(sha256: digest)))
  }

  /// Proposes to list a release; `nil` if it is listed.
  /// - Throws: as ``listing(of:_:)``.
  package func proposal(toList release: Release, _ manifest: [UInt8], now: UpdateTime) throws -> Proposal? {
    let (target, file) = try listing(of: release, manifest)
    guard state.targets[Names.releases]?.signed.targets[target] == nil else { return nil }
    var draft = RepositoryDraft(state, now: now)
    draft.edit(Names.releases) { $0.targets[target] = file }
    return try draft.proposal(reason: "publish \(release.name) \(release.version)")
  }

  /// The keys that sign releases: those of the role that lists them.
  package func buildKeys() throws -> [PublicKey] {
    let delegations = state.targets["targets"]?.signed.delegations
    let ids = delegations?.roleKeys(of: Names.releases)?.keyIDs ?? []
    let keys = try ids.compactMap { id -> PublicKey? in
      guard let key = delegations?.keys[id], key.type == "ed25519", let bytes = Hex.decode(key.material)
      else {
        return nil
      }
      return try PublicKey(bytes: bytes, name: "releases-\(id.text.prefix(8))")
    }
    guard !keys.isEmpty else {
      throw ChannelError(
        .badRelease, "the role releases has no Ed25519 key, so no release can be verified; add one")
    }
    return keys
  }

  /// A file beside the release: signatures of others that are there stay.
  private func add(_ bytes: [UInt8], as name: String, _ publication: inout Publication) throws {
    var count = 0
    let isWritten = try directory.updateObject(at: Names.object(name), limit: .max) { present in
      let ours = try? Envelope(json: bytes, source: name)
      let theirs = present.flatMap { try? Envelope(json: $0, source: name) }
      var result = bytes
      if let theirs, let both = ours?.adding(signaturesOf: theirs) {
        result = both == theirs ? present ?? bytes : both.json
      }
      count = result.count
      return result
    }
    if isWritten {
      publication.copiedFiles += 1
      publication.copiedBytes += count
    } else {
      publication.sharedFiles += 1
    }
  }

  private func copy(
    _ bytes: [UInt8], as name: String, replaces: Bool = false, from source: String? = nil,
    _ publication: inout Publication
  ) throws {
    if let source, try directory.addObject(linking: source, at: Names.object(name)) {
      publication.copiedFiles += 1
      publication.copiedBytes += bytes.count
    } else if try directory.addObject(bytes, at: Names.object(name), replaces: replaces) {
      publication.copiedFiles += 1
      publication.copiedBytes += bytes.count
    } else {
      publication.sharedFiles += 1
    }
  }
}
