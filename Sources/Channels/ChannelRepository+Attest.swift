internal import Bytes
internal import ImageBuilder
internal import Provenance
package import Signing
internal import UpdateFramework

extension ChannelRepository {
  /// The most bytes of an attestation's envelope.
  static let attestationLimit = 1 << 20

  /// Signs that a name is true of a published release, such as that it passed the lab, and puts the statement beside the
  /// release's files. A second signer signs the statement of the first, if a channel trusts that one.
  /// - Parameter details: JSON with what was found; `nil` for none, or those of the first signer.
  /// - Returns: How many signatures the statement has now.
  /// - Throws: `unknownRelease`, `malformed` for a name that is none, `conflict` if there is a statement with other details, what
  ///   the signer throws, or an `UpdateError`.
  package func attest(
    _ image: String, _ version: String, name: String, details: JSONValue?, signer: any Signer
  ) async throws -> Int {
    let statement = try await sign(image, version, name: name, details: details, signer: signer)
    var count = 0
    // Whoever signs takes their time; what others did meanwhile stays.
    _ = try directory.updateObject(at: statement.path, limit: Self.attestationLimit) { bytes in
      let envelope = try statement.joined(with: bytes, place: "\(directory.path)/\(statement.path)")
      count = envelope.signatures.count
      return envelope.json
    }
    return count
  }

  /// The same, but writes nothing.
  /// - Returns: The release's digest, and the statement with the signatures that it has by now.
  package func attestation(
    of image: String, _ version: String, name: String, details: JSONValue?, signer: any Signer
  ) async throws -> (release: String, envelope: Envelope) {
    let statement = try await sign(image, version, name: name, details: details, signer: signer)
    let present = try directory.readObject(at: statement.path, limit: Self.attestationLimit)
    return (statement.release, try statement.joined(with: present, place: statement.path))
  }

  /// A statement about a release that somebody has just signed.
  private struct SignedStatement {
    let release: String
    let name: String
    let path: String
    let envelope: Envelope

    /// An envelope with a statement of that name about that release.
    static func decode(_ bytes: [UInt8]?, name: String, of release: String) -> Envelope? {
      guard let envelope = bytes.flatMap({ try? Envelope(json: $0, source: name) }),
        envelope.payloadType == SLSAStatement.payloadType,
        AttestationStatement.isAbout(release, name: name, envelope.payload)
      else { return nil }
      return envelope
    }

    /// With the signatures of those who have signed it before.
    /// - Parameter bytes: What is there.
    /// - Throws: `conflict`.
    func joined(with bytes: [UInt8]?, place: String) throws -> Envelope {
      guard let present = Self.decode(bytes, name: name, of: release) else { return envelope }
      guard let both = envelope.adding(signaturesOf: present) else {
        throw ChannelError(
          .conflict,
          "\(place) has a statement with other details, which others may have signed; give the same details, or remove "
            + "it first")
      }
      return both
    }
  }

  private func sign(
    _ image: String, _ version: String, name: String, details: JSONValue?, signer: any Signer
  ) async throws -> SignedStatement {
    guard AttestationName.isValid(name) else {
      throw ChannelError(.malformed, "\"\(name)\" is no name of an attestation; use a to z, 0 to 9 and -")
    }
    let release = try release(image, version)
    let path = Names.attestation(name, of: release.digest)
    var payload = AttestationStatement.encode(name, of: release.digest, details: details)
    if details == nil,
      let first = SignedStatement.decode(
        try directory.readObject(at: path, limit: Self.attestationLimit), name: name, of: release.digest),
      isTrusted(first, name)
    {
      payload = first.payload
    }
    let envelope = try await Envelope.sign(
      payloadType: SLSAStatement.payloadType, payload: payload, signers: [signer])
    return SignedStatement(release: release.digest, name: name, path: path, envelope: envelope)
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
