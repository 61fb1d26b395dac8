internal import Dispatch

/// Runs a program of the operator's own: one process for each call, no shell, standard input a file of its length.
package enum SigningProgram {
  /// Seconds that a call may take by default: a token may wait for a finger.
  package static let timeout = 120

  /// What the program printed on standard output. On a thread of its own: a slow token must not hold up the tasks of
  /// this process. Throws `notFound`, `signer` (with its last line on standard error), `timeout`.
  package static func run(
    _ program: String, _ arguments: [String], input: [UInt8], timeout: Int = timeout
  ) async throws -> [UInt8] {
    try await withCheckedThrowingContinuation { continuation in
      DispatchQueue.global().async {
        continuation.resume(
          with: Result {
            try ChildProcess(program: program, arguments: arguments, timeout: timeout).run(input: input)
          })
      }
    }
  }

  /// The bytes of an answer that is one word of base64; `nil` for anything else.
  package static func base64(_ output: [UInt8]) -> [UInt8]? {
    let words = String(decoding: output, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    return words.count == 1 ? Base64.decode(String(words[0])) : nil
  }
}
