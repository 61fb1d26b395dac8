internal import CLibgit2

/// Why a git repository could not answer.
package struct GitError: Error, Sendable {
  /// Stable codes, for callers and tests.
  package enum Code: Equatable, Sendable {
    case notFound
    case shallow
    case notAFile
    case libgit2
  }

  package let code: Code
  /// One sentence, with libgit2's own words where it has some.
  package let message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// Throws if a libgit2 call failed; `action` says what was tried, such as "cannot open the repository x".
  static func check(_ status: Int32, _ action: @autoclosure () -> String) throws(GitError) {
    guard status < 0 else { return }
    let detail =
      git_error_last().flatMap { $0.pointee.message }.map { String(cString: $0) } ?? "libgit2 error \(status)"
    throw GitError(status == GIT_ENOTFOUND.rawValue ? .notFound : .libgit2, "\(action()): \(detail)")
  }
}

extension GitError: CustomStringConvertible {
  package var description: String { message }
}
