/// Signs through a program of the operator's own: a token, an HSM, a key management service.
///
/// The protocol, one process for each call, no shell:
///
///     PROGRAM public-key    prints the line of a NAME.pub file on standard output
///     PROGRAM sign          reads the message from standard input (a seekable file of its length) and prints
///                           the signature's 64 bytes in base64 on standard output
///
/// Exit status 0 means success; standard error is for people, and its last line goes into the error. Every
/// signature is checked with the public key before it is used: a program cannot slip in another key.
package struct ExecSigner: Signer {
  package let publicKey: PublicKey
  private let program: String
  private let timeout: Int

  /// Asks the program for its public key. A name without a slash is looked up in `PATH`; `timeout` is in
  /// seconds, for each call (a token may wait for a finger). Throws `notFound`, `signer`, `timeout`.
  package static func open(program: String, timeout: Int = 120) async throws -> ExecSigner {
    let output = try await SigningProgram.run(program, ["public-key"], input: [], timeout: timeout)
    guard let text = String(validating: output, as: UTF8.self) else {
      throw SigningError(.signer, "\(program) public-key printed something that is not text")
    }
    let key: PublicKey
    do {
      key = try PublicKey(line: text, source: "what '\(program) public-key' printed")
    } catch let error as SigningError {
      throw SigningError(.signer, error.description)
    }
    return ExecSigner(publicKey: key, program: program, timeout: timeout)
  }

  package func sign(_ message: [UInt8]) async throws -> [UInt8] {
    let output = try await SigningProgram.run(program, ["sign"], input: message, timeout: timeout)
    guard let signature = SigningProgram.base64(output), signature.count == PublicKey.signatureByteCount
    else {
      throw SigningError(
        .signer,
        "\(program) sign must print the 64 bytes of a signature in base64, but printed something else")
    }
    guard publicKey.isValidSignature(signature, for: message) else {
      throw SigningError(
        .badSignature,
        "the signature that \(program) made is not one of key \(publicKey); does it use another key, "
          + "or hash the message first?")
    }
    return signature
  }
}
