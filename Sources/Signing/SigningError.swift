internal import Glibc

/// Why a key could not be used or a signature does not count. Never holds a secret. Tests and callers match
/// `code`; operators read the description.
package struct SigningError: Error, Sendable {
  /// The stable kinds of failure.
  package enum Code: String, Sendable {
    /// A key's name holds a character that names do not have.
    case invalidName
    /// Bytes or text that are no Ed25519 public key, or do not belong to the secret beside them.
    case invalidKey
    /// A file, an envelope or an answer does not have the shape that it must have.
    case malformed
    /// A key file asks for a version, an algorithm or costs that are not accepted.
    case unsupported
    /// A key of that name exists already.
    case exists
    /// No such key, file or program.
    case notFound
    /// More than one key fits.
    case ambiguous
    /// A secret file that others can read.
    case permissions
    /// The passphrase does not open the key, or the key file was changed.
    case wrongPassphrase
    /// A passphrase is needed and nobody gave one.
    case noPassphrase
    /// The user broke off at the prompt.
    case cancelled
    /// A signature that its key does not confirm.
    case badSignature
    /// Too few different keys have signed.
    case threshold
    /// An external signer failed.
    case signer
    /// An external signer did not answer in time.
    case timeout
    /// The environment does not say where the keys are.
    case noLocation
    /// The operating system refused something.
    case system
  }

  package let code: Code
  /// The system's `errno`, where a system call failed.
  package let cause: Int32?
  private let message: String

  init(_ code: Code, cause: Int32? = nil, _ message: String) {
    self.code = code
    self.cause = cause
    self.message = message
  }

  /// The sentence for a system call that failed while doing `action` (an infinitive) to `path`.
  static func system(_ action: String, _ path: String, errno number: Int32, advice: String) -> SigningError {
    let code: Code =
      switch number {
      case ENOENT: .notFound
      case EEXIST: .exists
      case EACCES, EPERM: .permissions
      default: .system
      }
    return SigningError(
      code, cause: number, "cannot \(action) \(path): \(String(cString: strerror(number))); \(advice)")
  }
}

extension SigningError: CustomStringConvertible {
  package var description: String { message }
}
