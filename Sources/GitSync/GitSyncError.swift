internal import CLibgit2

/// Why a git repository is not followed. Tests and callers match `code`.
package struct GitSyncError: Error, Sendable, CustomStringConvertible {
  /// The stable kinds of failure.
  package enum Code: String, Sendable {
    /// The repository or the network failed.
    case unreachable
    /// A host that is not the one it should be, or does not let us in.
    case refused
    /// There is no such branch or file.
    case notFound
    /// A commit that nobody who may has signed.
    case unsigned
    /// The branch was rewritten: what is there now does not follow from what was applied.
    case notFastForward
    /// More bytes, commits or files than anybody needs.
    case tooLarge
    /// A list of signers, or a signature, that is none.
    case malformed
    /// The local disk or libgit2 failed.
    case local
  }

  package let code: Code
  package let description: String

  package init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }

  /// Throws if a libgit2 call failed.
  static func check(_ status: Int32, _ code: Code, _ action: @autoclosure () -> String) throws(GitSyncError) {
    guard status < 0 else { return }
    let detail =
      git_error_last().flatMap { $0.pointee.message }.map { String(cString: $0) } ?? "libgit2 error \(status)"
    throw GitSyncError(code, "\(action()): \(detail)")
  }
}
