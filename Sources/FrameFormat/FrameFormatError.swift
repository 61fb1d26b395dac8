internal import Bytes

/// Why an index or a frame was refused. Also thrown in stage 0, so it holds no existential and no Foundation type.
package struct FrameFormatError: Error, Sendable {
  /// Stable codes, for callers and tests.
  package enum Code: Equatable, Sendable {
    case truncated
    case badMagic
    case unsupportedVersion
    case inconsistent
    case tooLarge
    case digestMismatch
    case corruptFrame
    case compressionFailed
  }

  package let code: Code
  /// One sentence: what is wrong and with which field or frame.
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  init(_ error: ByteReadError) {
    self.init(.truncated, "the root image index is cut short: \(error.description)")
  }
}

extension FrameFormatError: CustomStringConvertible {
  package var description: String { message }
}
