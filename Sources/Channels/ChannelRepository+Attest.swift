internal import Bytes
internal import ImageBuilder
internal import Provenance
package import Signing
internal import UpdateFramework

extension ChannelRepository {
  /// The most bytes of an attestation's envelope.
  private static let attestationLimit = 1 << 20

  /// Signs that a name is true of a published release, such as that it passed the lab, and puts the statement beside the
  /// release's files. A second signer signs the statement of the first, if a channel trusts that one.
  /// - Parameter details: JSON with what was found; `nil` for none, or those of the first signer.
  /// - Returns: How many signatures the statement has now.
  /// - Throws: `unknownRelease`, `malformed` for a name that is none, `conflict` if there is a statement with other details, what
  ///   the signer throws, or an `UpdateError`.
  package func attest(
    _ image: String, _ version: String, name: String, details: JSONValue?, signer: any Signer
  ) async throws -> Int {
    guard AttestationName.isValid(name) else {
      throw ChannelError(.malformed, "\"\(name)\" is no name of an attestation; use a to z, 0 to 9 and -")
    }
    let release = try release(image, version)
    let path = Names.attestation(name, of: release.digest)
    var payload = AttestationStatement.encode(name, of: release.digest, details: details)
    /// A statement of that name about that release.
    func statement(_ bytes: [UInt8]?) -> Envelope? {
      guard let envelope = bytes.flatMap({ try? Envelope(json: $0, source: path) }),
        envelope.payloadType == SLSAStatement.payloadType,
        AttestationStatement.isAbout(release.digest, name: name, envelope.payload)
      else { return nil }
      return envelope
    }
    if details == nil,
      let first = statement(try directory.readObject(at: path, limit: Self.attestationLimit)),
      isTrusted(first, name)
    {
      payload = first.payload
    }
    let signed = try await Envelope.sign(
      payloadType: SLSAStatement.payloadType, payload: payload, signers: [signer])
    var count = 0
    // Whoever signs takes their time; what others did meanwhile stays.
    _ = try directory.updateObject(at: path, limit: Self.attestationLimit) { bytes in
      var envelope = signed
      if let present = statement(bytes) {
        guard let both = signed.adding(signaturesOf: present) else {
          throw ChannelError(
            .conflict,
            "\(directory.path)/\(path) has a statement with other details, which others may have signed; give the same "
              + "details, or remove it first")
        }
        envelope = both
      }
      count = envelope.signatures.count
      return envelope.json
    }
    return count
  }

  /// Whether somebody has signed a statement whom a channel trusts with its name.
  private func isTrusted(_ envelope: Envelope, _ name: String) -> Bool {
    delegatedChannels().contains { found in
      guard case .success(let channel) = found.channel,
        let attestation = channel.policy.attestations.first(where: { $0.name == name })
      else { return false }
      return !envelope.acceptedKeys(attestation.authority.keys).isEmpty
    }
  }

  /// Looks at what a channel demands of the release itself.
  /// - Throws: `gate`, `badRelease`, or an `UpdateError`.
  func checkRelease(_ entry: ChannelEntry, in channel: Channel) throws {
    let published = try release(entry.image, entry.version)
    let (manifest, release) = try manifest(of: published)
    let gates = ReleaseGates(
      policy: channel.policy, channel: channel.name, image: entry.image, version: entry.version,
      digest: entry.release)
    guard !gates.isOpen else { return }
    let sbom = release.artifacts.first { $0.name == ReleaseFile.sbom }
    var files: [String: [UInt8]] = [:]
    for file in gates.evidence(sbom: sbom) {
      files[file.path] = try directory.readObject(at: file.path, limit: file.limit)
    }
    try gates.check(manifest: manifest, sbom: sbom, files: files)
  }

  /// The release.json of a release, which must be about the image and version that it is listed under.
  /// - Throws: `badRelease`, or an `UpdateError`.
  func manifest(of release: PublishedRelease) throws -> (bytes: [UInt8], release: Release) {
    let place = try directory.targetPath(Names.release(release.image, release.version).text, release.file)
    guard let bytes = try directory.readTarget(at: place, release.file) else {
      throw ChannelError(.badRelease, "\(place) is missing or damaged; publish the release again")
    }
    return (
      bytes, try ReleaseGates.decode(bytes, image: release.image, version: release.version, file: place)
    )
  }
}
