/// The base address of an archive on one mirror: an http, https or file URL without a trailing slash.
package struct MirrorURL: Sendable, Hashable {
  /// The address as it is requested; it may hold a password.
  let text: String

  /// Parses an address; `nil` for another scheme, a missing host, a query, a fragment or a blank.
  package init?(_ text: some StringProtocol) {
    var text = String(text)
    while text.utf8.last == UInt8(ascii: "/") { text.removeLast() }
    guard let separator = text.firstRange(of: "://"), text.utf8.count <= 2048 else { return nil }
    let scheme = text[..<separator.lowerBound].lowercased()
    let rest = text[separator.upperBound...]
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }),
      !rest.contains(where: { "?#\"<>\\^`{|}".contains($0) })
    else { return nil }
    switch scheme {
    case "http", "https":
      guard let host = rest.utf8.first, host != UInt8(ascii: "/") else { return nil }
    case "file":
      guard rest.utf8.first == UInt8(ascii: "/") else { return nil }
    default:
      return nil
    }
    self.text = scheme + "://" + rest
  }

  /// The last component of the path: by convention the archive's name. `nil` if the path is empty.
  package var archiveName: String? {
    guard let separator = text.firstRange(of: "://") else { return nil }
    let components = text[separator.upperBound...].split(separator: "/")
    guard components.count > (text.hasPrefix("file:") ? 0 : 1), let last = components.last else { return nil }
    return String(last)
  }

  /// Whether fetching from here opens no socket.
  var isLocal: Bool { text.hasPrefix("file:") }

  /// The address of a file below the base. The path must be safe (``ArchivePath/isSafe(_:)``).
  func address(of path: String) -> String {
    text + "/" + ArchivePath.percentEncoded(path)
  }
}

extension MirrorURL: CustomStringConvertible {
  /// The address without user name and password: fit for messages and logs.
  package var description: String {
    guard let separator = text.firstRange(of: "://") else { return text }
    let rest = text[separator.upperBound...]
    let authority = rest.prefix { $0 != "/" }
    guard let at = authority.lastIndex(of: "@") else { return text }
    return String(text[..<separator.upperBound] + rest[rest.index(after: at)...])
  }
}
