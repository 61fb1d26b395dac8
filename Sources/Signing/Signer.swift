/// Something that signs with one Ed25519 key: a file, a token, a key service.
package protocol Signer: Sendable {
  /// Whose signatures these are.
  var publicKey: PublicKey { get }
  /// The 64 bytes of an Ed25519 signature over the message. Throws `SigningError`.
  func sign(_ message: [UInt8]) async throws -> [UInt8]
}

extension Signer {
  /// The identifier of `publicKey`.
  package var keyID: String { publicKey.keyID }
}

/// Signs with a key pair in memory, as it comes out of a key file.
package struct FileSigner: Signer {
  private let pair: KeyPair

  package init(_ pair: KeyPair) { self.pair = pair }

  package var publicKey: PublicKey { pair.publicKey }

  package func sign(_ message: [UInt8]) async throws -> [UInt8] { pair.sign(message) }
}
