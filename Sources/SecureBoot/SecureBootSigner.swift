internal import Signing

/// Something that signs with the key of one certificate: a file, a token, a key service.
package protocol SecureBootSigner: Sendable {
  /// Whose signatures these are.
  var certificate: X509Certificate { get }
  /// RSASSA-PKCS1-v1_5 over SHA-256 of the message, as long as the key. Throws `SecureBootError` or `SigningError`.
  func sign(_ message: [UInt8]) async throws -> [UInt8]
}

/// Signs with a key in memory, as it comes out of a key file.
package struct SecureBootKeySigner: SecureBootSigner {
  package let certificate: X509Certificate
  private let key: RSAPrivateKey

  /// Throws `mismatch` if the certificate is not that of the key.
  package init(key: RSAPrivateKey, certificate: X509Certificate) throws(SecureBootError) {
    guard key.publicKey == certificate.publicKey else {
      throw SecureBootError(
        .mismatch, "the certificate of \(certificate.name) belongs to another key: restore the files")
    }
    self.key = key
    self.certificate = certificate
  }

  package func sign(_ message: [UInt8]) async throws -> [UInt8] { try key.sign(message) }
}

/// Signs through a program of the operator's own: a token, an HSM, a key management service.
///
/// The protocol, one process, no shell:
///
///     PROGRAM sign rsa-pkcs1-sha256    reads the message from standard input (a seekable file of its length, at most
///                                      4 KiB) and prints RSASSA-PKCS1-v1_5 over its SHA-256 in base64
///
/// Exit status 0 means success; standard error is for people, and its last line goes into the error. Every signature is
/// checked with the certificate before it is used.
package struct SecureBootProgramSigner: SecureBootSigner {
  package let certificate: X509Certificate
  private let program: String
  private let timeout: Int

  /// - Parameters:
  ///   - program: a path, or a name that is looked up in `PATH`.
  ///   - timeout: seconds.
  package init(program: String, certificate: X509Certificate, timeout: Int = SigningProgram.timeout) {
    self.program = program
    self.certificate = certificate
    self.timeout = timeout
  }

  /// Throws `badSignature` if the answer is not the certificate's signature; `SigningError` if there is none.
  package func sign(_ message: [UInt8]) async throws -> [UInt8] {
    let output = try await SigningProgram.run(
      program, ["sign", "rsa-pkcs1-sha256"], input: message, timeout: timeout)
    guard let signature = SigningProgram.base64(output) else {
      throw SecureBootError(
        .malformed,
        "\(program) sign rsa-pkcs1-sha256 must print a signature in base64, but printed something else")
    }
    guard certificate.publicKey.isValidSignature(signature, for: message) else {
      throw SecureBootError(
        .badSignature,
        "what \(program) printed is no RSA PKCS #1 v1.5 signature over SHA-256 by the key of "
          + "\(certificate.name): is --certificate the right one, or does it hash twice?")
    }
    return signature
  }
}
