internal import Dispatch
internal import Glibc

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
    let output = try await run(program, "public-key", [], timeout)
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
    let output = try await Self.run(program, "sign", message, timeout)
    let text = String(decoding: output, as: UTF8.self)
    let words = text.split(whereSeparator: \.isWhitespace)
    guard words.count == 1, let signature = Base64.decode(String(words[0])),
      signature.count == PublicKey.signatureByteCount
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

  /// On a thread of its own: a slow token must not hold up the tasks of this process.
  private static func run(
    _ program: String, _ verb: String, _ input: [UInt8], _ timeout: Int
  ) async throws -> [UInt8] {
    try await withCheckedThrowingContinuation { continuation in
      DispatchQueue.global().async {
        continuation.resume(
          with: Result {
            try ChildProcess(program: program, arguments: [verb], timeout: timeout).run(input: input)
          })
      }
    }
  }
}
