internal import Bytes
internal import ImageBuilder
internal import Provenance
internal import Signing
internal import UpdateFramework

/// What a channel demands of a release itself, whoever asks: the command line before it signs, a merge, a client.
struct ReleaseGates {
  let policy: ChannelPolicy
  let channel: String
  let image: String
  let version: String
  /// SHA-256 of release.json.
  let digest: String

  /// A file that is needed to judge, by its name below the repository.
  struct Evidence: Hashable {
    let path: String
    /// The most bytes that it may have.
    let limit: Int
  }

  private static let envelopeLimit = 1 << 20

  /// The files beside release.json. The SBOM comes from the release.
  func evidence(sbom: Release.Artifact?) -> [Evidence] {
    var files = policy.attestations.map {
      Evidence(path: Names.attestation($0.name, of: digest), limit: Self.envelopeLimit)
    }
    if policy.builtBy != nil {
      files.append(Evidence(path: signaturePath, limit: 2 * Release.maximumSize + Self.envelopeLimit))
    }
    if !policy.vulnerable.isEmpty, let sbom {
      files.append(
        Evidence(path: Names.object(sbom.sha256), limit: min(Int(clamping: sbom.size), 256 << 20)))
    }
    return files
  }

  /// Whether there is anything to look at.
  var isOpen: Bool {
    policy.attestations.isEmpty && policy.builtBy == nil && policy.vulnerable.isEmpty
  }

  private var signaturePath: String { Names.object("\(digest).\(ReleaseFile.signature)") }

  /// Reads release.json, which must be about the image and version that metadata list it under: a signature over an old
  /// release would else vouch for whatever it is called now.
  /// - Throws: `badRelease`.
  static func decode(
    _ manifest: [UInt8], image: String, version: String, file: String
  ) throws(ChannelError) -> Release {
    let release: Release
    do {
      release = try Release.decode(manifest, file: file)
    } catch {
      throw ChannelError(.badRelease, "\(error)")
    }
    guard release.name == image, release.version == version else {
      throw ChannelError(
        .badRelease,
        "what is listed as \(image) \(version) is the release.json of \(UpdateError.printable(release.name)) "
          + "\(UpdateError.printable(release.version)); do not take it, and ask who signed that")
    }
    return release
  }

  /// Looks at all of it.
  /// - Parameters:
  ///   - manifest: The bytes of release.json.
  ///   - files: What could be had of ``evidence(sbom:)``, by path.
  /// - Throws: `gate` with what is missing and what to do.
  func check(manifest: [UInt8], sbom: Release.Artifact?, files: [String: [UInt8]]) throws(ChannelError) {
    if let builtBy = policy.builtBy {
      try check(builtBy, manifest, files[signaturePath])
    }
    for attestation in policy.attestations {
      try check(attestation, files[Names.attestation(attestation.name, of: digest)])
    }
    guard !policy.vulnerable.isEmpty else { return }
    guard let sbom, let bytes = files[Names.object(sbom.sha256)],
      SHA256.digest(of: bytes).hex == sbom.sha256
    else {
      throw refused("has no SBOM in the repository to look for vulnerable packages in", "publish it again")
    }
    let found = try VulnerableVersion.found(in: bytes, listed: policy.vulnerable)
    guard found.isEmpty else {
      let list = found.prefix(5).joined(separator: ", ")
      throw refused(
        "holds \(list)\(found.count > 5 ? " and \(found.count - 5) more" : ""), which \(channel) refuses as vulnerable",
        "lock newer packages and build it anew")
    }
  }

  private func check(
    _ builtBy: ChannelPolicy.Authority, _ manifest: [UInt8], _ bytes: [UInt8]?
  ) throws(ChannelError) {
    let envelope = bytes.flatMap { try? Envelope(json: $0, source: ReleaseFile.signature) }
    guard envelope.flatMap({ builtBy.payload(of: $0, type: BuiltRelease.payloadType) }) == manifest else {
      throw refused(
        "is not signed by the build key that \(channel) demands",
        "build it where that key is, or sign it with netimg sign and publish it again")
    }
  }

  private func check(_ attestation: ChannelPolicy.Attestation, _ bytes: [UInt8]?) throws(ChannelError) {
    guard let bytes else {
      throw refused(
        "has no attestation called \(attestation.name), which \(channel) demands",
        "netimg repo attest \(image) \(version) --name \(attestation.name)")
    }
    let envelope = try? Envelope(json: bytes, source: attestation.name)
    let payload = envelope.flatMap { attestation.authority.payload(of: $0, type: SLSAStatement.payloadType) }
    guard let payload, AttestationStatement.isAbout(digest, name: attestation.name, payload) else {
      throw refused(
        "has an attestation called \(attestation.name) that is not about it, or not signed by enough of those who may",
        "let them attest it anew")
    }
  }

  private func refused(_ what: String, _ next: String) -> ChannelError {
    ChannelError(.gate, "\(image) \(version) \(what): \(next)")
  }
}

/// An in-toto statement that says something of a release (in-toto attestation framework, Statement v1).
enum AttestationStatement {
  static let predicateType = "urn:netimg:attestation:1"

  /// The statement that a name is true of a release.
  /// - Parameter details: What was found, for people and programs; part of the predicate.
  static func encode(_ name: String, of digest: String, details: JSONValue?) -> [UInt8] {
    var predicate = [JSONMember("name", .string(name))]
    if let details { predicate.append(JSONMember("details", details)) }
    let statement = JSONValue.object([
      JSONMember("_type", .string("https://in-toto.io/Statement/v1")),
      JSONMember(
        "subject",
        .array([
          .object([
            JSONMember("name", .string(ReleaseFile.release)),
            JSONMember("digest", .object([JSONMember("sha256", .string(digest))])),
          ])
        ])),
      JSONMember("predicateType", .string(predicateType)),
      JSONMember("predicate", .object(predicate)),
    ])
    return Array((statement.encoded + "\n").utf8)
  }

  /// Whether a statement says so of this release. The name counts that is signed, never the file's.
  static func isAbout(_ digest: String, name: String, _ bytes: [UInt8]) -> Bool {
    guard let value = try? JSONParser.parse(bytes, maximumSize: 1 << 20, maximumDepth: 32),
      value["_type"]?.text == "https://in-toto.io/Statement/v1",
      let subjects = value["subject"]?.elements,
      subjects.contains(where: { $0["digest"]?["sha256"]?.text == digest })
    else { return false }
    return value["predicateType"]?.text == predicateType && value["predicate"]?["name"]?.text == name
  }
}
