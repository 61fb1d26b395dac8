/// A DSSE envelope, protocol version 1.0 (github.com/secure-systems-lab/dsse): a payload, what kind of
/// payload it is, and signatures over both.
package struct Envelope: Hashable, Sendable {
  /// One signature, with a hint at whose it is: the hint is not authenticated.
  package struct Signature: Hashable, Sendable {
    /// Empty where the signer did not say.
    package let keyID: String
    package let bytes: [UInt8]

    package init(keyID: String, bytes: [UInt8]) {
      self.keyID = keyID
      self.bytes = bytes
    }
  }

  /// A media type or URI that says how to read the payload; signed along with it.
  package let payloadType: String
  package let payload: [UInt8]
  package private(set) var signatures: [Signature]

  package init(payloadType: String, payload: [UInt8], signatures: [Signature] = []) {
    self.payloadType = payloadType
    self.payload = payload
    self.signatures = signatures
  }

  /// The bytes that are signed: `DSSEv1 LEN(type) type LEN(payload) payload` with single spaces.
  package static func preAuthenticationEncoding(payloadType: String, payload: [UInt8]) -> [UInt8] {
    let head = "DSSEv1 \(payloadType.utf8.count) \(payloadType) \(payload.count) "
    return Array(head.utf8) + payload
  }

  /// The bytes that this envelope's signatures are over.
  package var signedBytes: [UInt8] {
    Self.preAuthenticationEncoding(payloadType: payloadType, payload: payload)
  }

  /// An envelope with a signature of each signer. Ed25519 is deterministic: the same signers give the same
  /// envelope, in whatever order they are named. Throws what a signer throws.
  package static func sign(
    payloadType: String, payload: [UInt8], signers: [any Signer]
  ) async throws -> Envelope {
    var envelope = Envelope(payloadType: payloadType, payload: payload)
    for signer in signers { try await envelope.add(signer) }
    return envelope
  }

  /// Adds a signature (an older one of the same key is replaced), and keeps them sorted by key identifier.
  package mutating func add(_ signer: any Signer) async throws {
    let signature = Signature(keyID: signer.keyID, bytes: try await signer.sign(signedBytes))
    signatures.removeAll { $0.keyID == signature.keyID }
    signatures.append(signature)
    signatures.sort { $0.keyID < $1.keyID }
  }
}
