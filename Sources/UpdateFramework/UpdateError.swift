/// Which check refused what. Tests and callers match `code`; operators read the description.
package struct UpdateError: Error, Sendable {
  /// The stable kinds of failure.
  package enum Code: String, Sendable, CaseIterable {
    /// Bytes that are no metadata of the expected shape.
    case malformed
    /// A major version of the specification that this client does not know.
    case unsupported
    /// Metadata of another role than the one that was asked for.
    case wrongType
    /// Too few of the role's keys have signed.
    case threshold
    /// Another version than the one that was announced, or a root that is not the next one.
    case wrongVersion
    /// An older version than one that was trusted before.
    case rollback
    /// A role that was listed before is listed no more.
    case roleRemoved
    /// The metadata's time is over: somebody may be keeping newer ones back.
    case expired
    /// Content whose digest is not the signed one.
    case wrongDigest
    /// Content whose length is not the signed one.
    case wrongLength
    /// More bytes than are signed or allowed.
    case tooLarge
    /// Fewer bytes a second than anybody should have to wait for.
    case tooSlow
    /// A delegated role that the snapshot does not list.
    case notInSnapshot
    /// More root versions in one go than are followed.
    case tooManyRoots
    /// The server does not have the file.
    case notAvailable
    /// The server or the network failed.
    case unreachable
    /// No role that is trusted with the path lists the target.
    case targetNotFound
    /// There is no trusted root to begin with.
    case noRoot
    /// A path or name that cannot be used safely.
    case invalidName
    /// A key that cannot be read or used.
    case badKey
    /// Somebody else changed the repository or the local metadata meanwhile.
    case conflict
    /// The local disk is full or fails.
    case localStorage
  }

  package let code: Code
  /// The role that the check was about.
  package let role: String?
  /// The version of that role's metadata, once it is known.
  package let version: Int?
  private let message: String
  private let remedy: String?

  /// - Parameters:
  ///   - message: What is wrong and what to do next, without the role.
  ///   - remedy: What to do next if the bytes come from a mirror; a directory of one's own needs another advice
  ///     (``inOwnDirectory(_:)``).
  package init(
    _ code: Code, role: String? = nil, version: Int? = nil, _ message: String, remedy: String? = nil
  ) {
    self.code = code
    self.role = role
    self.version = version
    self.message = message
    self.remedy = remedy
  }

  /// The same, said of a role.
  func about(role: String?, version: Int? = nil) -> UpdateError {
    UpdateError(code, role: role, version: version, message, remedy: remedy)
  }

  /// The same for bytes of one's own directory, which no mirror has changed.
  func inOwnDirectory(_ path: String) -> UpdateError {
    advising("somebody changed \(path)/metadata: restore what was there from a backup or from a copy")
  }

  /// The same, with another advice in place of that about mirrors.
  func advising(_ advice: String) -> UpdateError {
    guard remedy != nil else { return self }
    return UpdateError(code, role: role, version: version, message, remedy: advice)
  }
}

extension UpdateError: CustomStringConvertible {
  package var description: String {
    let text = message + (remedy.map { "; \($0)" } ?? "")
    guard let role else { return text }
    return "\(Self.printable(role))\(version.map { " version \($0)" } ?? ""): \(text)"
  }

  /// Text from outside, cut to so many code points and made safe for a terminal.
  package static func printable(_ name: String, limit: Int = 100) -> String {
    let shown = name.unicodeScalars.prefix(limit).map { scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate:
        "\\u{\(String(scalar.value, radix: 16))}"
      default: String(scalar)
      }
    }
    return shown.joined() + (name.unicodeScalars.count > limit ? "…" : "")
  }
}
