/// Why an action that stands for a maintainer script cannot be done: one sentence that names the place.
package struct NativeActionError: Error, Sendable {
  /// What kind of trouble it is; tests and exit codes go by this.
  package enum Code: Sendable {
    /// The input ends inside a structure.
    case truncated
    /// The input breaks the rules of its format.
    case malformed
    /// The format is right, but something in it has no meaning at build time, or is not ours to handle.
    case unsupported
    /// A count, a size or a depth is beyond what honest input needs.
    case limitExceeded
    /// Two inputs ask for things that exclude each other.
    case conflict
    /// Something is named that nothing provides.
    case missing
    /// No free identifier is left in the range that was given.
    case exhausted
  }

  /// The stable code.
  package let code: Code
  /// The input that is at fault: `file:line`, a path, or a name.
  package let origin: String
  /// What is wrong and what to do next, as a clause.
  package let message: String

  /// The message is a clause without a full stop; the origin goes in front of it.
  package init(_ code: Code, at origin: String, _ message: String) {
    self.code = code
    self.origin = Self.printable(origin)
    self.message = Self.printable(message)
  }

  /// Names and words from packages end up in sentences that terminals show: control characters, and those that turn
  /// the writing direction, are spelled out, and what is endless is cut.
  private static func printable(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars.prefix(4096) {
      switch scalar.value {
      case 0..<0x20, 0x7F..<0xA0, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069:
        result += "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars
      default: result.append(scalar)
      }
    }
    return String(result)
  }
}

extension NativeActionError: CustomStringConvertible {
  /// `origin: message`.
  package var description: String { "\(origin): \(message)" }
}
