internal import Bytes
internal import Provenance
internal import Signing
internal import UpdateFramework

extension ChannelRepository {
  /// What is attested of a release by now.
  package struct AttestationReport: Codable, Sendable {
    package let image: String
    package let version: String
    package let name: String
    /// How many of those who may have signed.
    package let signatures: Int
  }

  /// Takes an attestation that somebody sent, if one of those has signed it who may attest that for some channel. Signatures
  /// of others are left out; those that are there stay.
  /// - Parameter digest: The release's.
  /// - Throws: `UploadError`.
  package func take(
    attestation bytes: [UInt8], called name: String, of digest: String
  ) throws -> AttestationReport {
    guard let release = releases().first(where: { $0.digest == digest }) else {
      throw UploadError(.unknown, "no release with that SHA-256 is published: publish it first")
    }
    guard AttestationName.isValid(name) else {
      throw UploadError(.malformed, "that is no name of an attestation; use a to z, 0 to 9 and -")
    }
    let keys = try channels().flatMap { channel in
      channel.policy.attestations.filter { $0.name == name }.flatMap(\.authority.keys)
    }
    guard !keys.isEmpty else {
      throw UploadError(.refused, "no channel asks for an attestation called \(name), so nobody may send one")
    }
    let sent: Envelope
    do { sent = try Envelope(json: bytes, source: "the attestation") } catch {
      throw UploadError(.malformed, "\(error)")
    }
    guard sent.payloadType == SLSAStatement.payloadType,
      AttestationStatement.isAbout(digest, name: name, sent.payload)
    else { throw UploadError(.wrong, "the statement is not about that release and name: attest it anew") }
    let path = Names.attestation(name, of: digest)
    var count = 0
    _ = try directory.updateObject(at: path, limit: Self.attestationLimit) { bytes in
      let envelope = try Self.join(sent, bytes, called: name, path: path, keys)
      count = envelope.acceptedKeys(keys).count
      return envelope.json
    }
    return AttestationReport(
      image: release.image, version: release.version, name: name, signatures: count)
  }

  /// What was sent, with what is there already.
  private static func join(
    _ sent: Envelope, _ bytes: [UInt8]?, called name: String, path: String, _ keys: [PublicKey]
  ) throws(UploadError) -> Envelope {
    var present: [Envelope.Signature] = []
    if let other = bytes.flatMap({ try? Envelope(json: $0, source: path) }),
      other.payloadType == sent.payloadType
    {
      if other.payload == sent.payload {
        present = other.signatures
      } else if !other.acceptedKeys(keys).isEmpty {
        throw UploadError(
          .conflict,
          "\(name) is attested of that release already, with other details: sign that statement, or use another name"
        )
      }
    }
    let message = sent.signedBytes
    let added = sent.signatures.filter { signature in
      !present.contains(signature) && keys.contains { $0.isValidSignature(signature.bytes, for: message) }
    }
    guard !added.isEmpty || !present.isEmpty else {
      throw UploadError(
        .refused, "nobody who may attest \(name) has signed it: sign it with one of their keys")
    }
    let list = (present + added).sorted { $0.keyID < $1.keyID }.prefix(Envelope.maximumSignatures)
    return Envelope(payloadType: sent.payloadType, payload: sent.payload, signatures: Array(list))
  }
}
