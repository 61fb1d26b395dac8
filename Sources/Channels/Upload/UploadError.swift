internal import Glibc
internal import UpdateFramework

/// Why something that was sent to a server is not taken. The server's answer has the code's status and the sentence.
package struct UploadError: Error, Sendable, CustomStringConvertible {
  /// The stable kinds of failure; the number is the HTTP status.
  package enum Code: Int, Sendable {
    /// What was sent cannot be read.
    case malformed = 400
    /// Not signed by enough of those who may, or not named by what they signed.
    case refused = 403
    /// No such upload, release or proposal.
    case unknown = 404
    /// Something else is there already, or the state is another than the sender thought.
    case conflict = 409
    /// More than was signed, or than is taken.
    case tooLarge = 413
    /// Other bytes than were signed.
    case wrong = 422
    /// Somebody else is at it.
    case busy = 423
    /// Too many uploads or proposals are open.
    case tooMany = 503
    /// The server's disk is full.
    case full = 507
    /// Reading or writing failed on the server.
    case failed = 500
  }

  package let code: Code
  package let description: String

  package init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }

  /// Any error as one that can be answered.
  package init(_ error: any Error) {
    switch error {
    case let error as UploadError: self = error
    case let error as ChannelError:
      let code: Code =
        switch error.code {
        case .unknownChannel, .unknownRelease: .unknown
        case .replaced, .gate, .frozen, .conflict: .conflict
        case .badRelease: .wrong
        case .malformed: .malformed
        case .diskFull: .full
        case .storage, .repository: .failed
        }
      self.init(code, error.description)
    case let error as UpdateError:
      let code: Code =
        switch error.code {
        case .conflict: .conflict
        case .localStorage where Self.isDiskFull(error.description): .full
        case .localStorage: .failed
        default: .malformed
        }
      self.init(code, error.description)
    default: self.init(Self.isDiskFull("\(error)") ? .full : .failed, "\(error)")
    }
  }

  /// Errors of several modules carry the system's words.
  private static func isDiskFull(_ text: String) -> Bool { text.contains(String(cString: strerror(ENOSPC))) }
}
