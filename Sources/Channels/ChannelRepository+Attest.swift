internal import Bytes
internal import ImageBuilder
internal import Provenance
package import Signing
internal import UpdateFramework

extension ChannelRepository {
  /// Signs that a name is true of a published release, such as that it passed the lab, and puts the statement beside the
  /// release's files. A second signer's signature is added to the first one's.
  /// - Parameter details: JSON with what was found; `nil` for none.
  /// - Returns: How many signatures the statement has now.
  /// - Throws: `unknownRelease`, `malformed` for a name that is none, what the signer throws, or an `UpdateError`.
  package func attest(
    _ image: String, _ version: String, name: String, details: JSONValue?, signer: any Signer
  ) async throws -> Int {
    guard AttestationName.isValid(name) else {
      throw ChannelError(.malformed, "\"\(name)\" is no name of an attestation; use a to z, 0 to 9 and -")
    }
    let release = try release(image, version)
    let path = Names.attestation(name, of: release.digest)
    let payload = AttestationStatement.encode(name, of: release.digest, details: details)
    var envelope = Envelope(payloadType: SLSAStatement.payloadType, payload: payload)
    if let bytes = try directory.readObject(at: path, limit: 1 << 20),
      let present = try? Envelope(json: bytes, source: path), present.payload == payload,
      present.payloadType == envelope.payloadType
    {
      envelope = present
    }
    try await envelope.add(signer)
    _ = try directory.addObject(envelope.json, at: path, replaces: true)
    return envelope.signatures.count
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
