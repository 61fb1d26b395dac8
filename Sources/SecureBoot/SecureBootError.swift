/// Why a Secure Boot key, certificate or signature cannot be used. Never holds a secret. Tests and callers match `code`;
/// operators read the description.
package struct SecureBootError: Error, Sendable {
  /// The stable kinds of failure.
  package enum Code: String, Sendable {
    /// Bytes that are no certificate, signature or identifier, or contradict themselves.
    case malformed
    /// Well-formed, but an algorithm, size or feature that is not read.
    case unsupported
    /// A signature that its certificate does not confirm, or one over another program.
    case badSignature
    /// Key and certificate, or key and owner, do not belong together.
    case mismatch
    /// Keys of that name are there already.
    case exists
    /// No such key or file.
    case notFound
    /// The operating system or libcrypto refused something.
    case system
  }

  package let code: Code
  /// One sentence: what is wrong, where, and what to do next.
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
}

extension SecureBootError: CustomStringConvertible {
  package var description: String { message }
}
