/// Why a release is not published or promoted, or a channel does not answer. Tests and callers match `code`.
package struct ChannelError: Error, Sendable, CustomStringConvertible {
  /// The stable kinds of failure.
  package enum Code: String, Sendable {
    /// No such channel.
    case unknownChannel
    /// No such release, or none of that version.
    case unknownRelease
    /// A release of this name and version is there already, with other content.
    case replaced
    /// A release that is not signed as it must be, or damaged.
    case badRelease
    /// A gate of the channel is closed.
    case gate
    /// The channel is frozen.
    case frozen
    /// A channel's metadata say something that no promotion writes.
    case malformed
    /// The local disk fails.
    case storage
    /// Somebody else has said something different.
    case conflict
    /// The local disk is full.
    case diskFull
    /// The repository is there already, or is not.
    case repository
  }

  package let code: Code
  package let description: String

  package init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}
