package import Signing

/// Something that signs metadata with one key: a file, a token, a key service.
package protocol MetadataSigner: Sendable {
  /// Whose signatures these are.
  var key: VerificationKey { get }
  /// The identifier under which metadata name the key.
  var keyID: String { get }
  /// The raw bytes of a signature over the message.
  func sign(_ message: [UInt8]) async throws -> [UInt8]
}

extension MetadataSigner {
  package var keyID: String { key.keyID }
}

/// Signs with an Ed25519 key of the directory of keys, or of a program.
package struct KeyRingSigner: MetadataSigner {
  package let key: VerificationKey
  private let signer: any Signer

  package init(_ signer: any Signer) {
    self.signer = signer
    key = VerificationKey(signer.publicKey)
  }

  package func sign(_ message: [UInt8]) async throws -> [UInt8] { try await signer.sign(message) }
}
