/// Where a git repository is, as git writes it: a URL, `user@host:path`, or a directory of this machine.
package struct GitAddress: Sendable, Hashable {
  package enum Scheme: String, Sendable {
    case ssh, https, http, git, file
  }

  package let scheme: Scheme
  /// Who asks, if the address says so.
  package let user: String?
  /// In lower case; empty for files.
  package let host: String
  /// `nil` for the scheme's own.
  package let port: Int?

  /// - Throws: `malformed`, for one that holds a password too: it would be seen by everybody who sees the address.
  package init(_ text: String) throws(GitSyncError) {
    guard let mark = text.range(of: "://") else {
      guard let colon = Self.colon(in: text), !text[..<colon].utf8.contains(UInt8(ascii: "/")) else {
        (scheme, user, host, port) = (.file, nil, "", nil)
        return
      }
      (user, host, port) = try Self.authority(text[..<colon], allowsPort: false)
      scheme = .ssh
      return
    }
    let name = text[..<mark.lowerBound].lowercased()
    guard let scheme = Scheme(rawValue: name == "ssh+git" || name == "git+ssh" ? "ssh" : name) else {
      throw GitSyncError(
        .malformed,
        "the git repository's address begins with neither ssh, https, http, git nor file; write one of them")
    }
    self.scheme = scheme
    let rest = text[mark.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    guard scheme != .file else {
      (user, host, port) = (nil, "", nil)
      return
    }
    (user, host, port) = try Self.authority(rest, allowsPort: true)
  }

  /// Where the host of `user@host:path` ends: at the first colon, or at that behind an address in brackets.
  private static func colon(in text: String) -> String.Index? {
    guard let first = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
    guard text[..<first].utf8.contains(UInt8(ascii: "[")) else { return first }
    let rest = text[first...]
    return rest.utf8.firstIndex(of: UInt8(ascii: "]")).flatMap {
      rest[$0...].utf8.firstIndex(of: UInt8(ascii: ":"))
    }
  }

  /// - Throws: as ``init(_:)``.
  package static func check(_ text: String) throws(GitSyncError) { _ = try GitAddress(text) }

  private static func authority(_ text: Substring, allowsPort: Bool) throws(GitSyncError) -> (
    String?, String, Int?
  ) {
    var host = text
    var user: String?
    if let at = text.lastIndex(of: "@") {
      let name = text[..<at]
      guard !name.contains(":") else {
        throw GitSyncError(
          .malformed,
          "the git repository's address holds a password, which everybody would see: put it into a file (git.tokenFile)"
        )
      }
      user = String(name)
      host = text[text.index(after: at)...]
    }
    var port: Int?
    if host.hasPrefix("[") {
      guard let end = host.firstIndex(of: "]") else { throw noHost }
      let rest = host[host.index(after: end)...]
      host = host[host.index(after: host.startIndex)..<end]
      if !rest.isEmpty {
        guard allowsPort, rest.hasPrefix(":"), let number = Self.port(rest.dropFirst()) else { throw noHost }
        port = number
      }
    } else if let colon = host.lastIndex(of: ":") {
      guard allowsPort, let number = Self.port(host[host.index(after: colon)...]) else { throw noHost }
      port = number
      host = host[..<colon]
    }
    guard !host.isEmpty, user != "" else { throw noHost }
    return (user, host.lowercased(), port)
  }

  private static func port(_ text: Substring) -> Int? {
    guard let port = Int(text), (1...65535).contains(port) else { return nil }
    return port
  }

  private static var noHost: GitSyncError {
    GitSyncError(
      .malformed, "the git repository's address names no host; write ssh://user@host/path or user@host:path")
  }
}

extension StringProtocol {
  /// Where a text begins in this one.
  fileprivate func range(of text: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
      start = index(after: start)
    }
    return nil
  }
}
