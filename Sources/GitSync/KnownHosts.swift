internal import CLibcrypto
internal import Signing

/// The keys of hosts, as ssh-keyscan writes them and OpenSSH keeps them (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): plain,
/// pattern and hashed names, `@revoked`. Certificate authorities are left out.
struct KnownHosts: Sendable {
  static let maximumSize = 4 << 20

  /// What is known of a host's key.
  enum Verdict: Sendable, Equatable {
    case known
    /// Somebody said that it must not be trusted.
    case revoked
    /// The host has other keys, of these kinds.
    case different([String])
    /// Nothing is known of the host.
    case unknown
  }

  private struct Line: Sendable {
    let hosts: [String]
    let isRevoked: Bool
    let kind: String
    let key: [UInt8]
  }

  private let lines: [Line]

  /// Reads a list; lines that are none are left out, as OpenSSH does.
  /// - Throws: `malformed` if nothing is left.
  init(_ bytes: [UInt8], file: String) throws(GitSyncError) {
    guard bytes.count <= Self.maximumSize else {
      throw GitSyncError(.malformed, "\(file) is too long for a list of hosts")
    }
    lines = bytes.split(separator: 0x0A).compactMap { bytes in
      var words = String(decoding: bytes, as: UTF8.self).split { $0 == " " || $0 == "\t" || $0 == "\r" }
      guard let first = words.first, !first.hasPrefix("#") else { return nil }
      let isRevoked = first == "@revoked"
      if first.hasPrefix("@") {
        guard isRevoked else { return nil }
        words.removeFirst()
      }
      guard words.count >= 3, let key = Base64.decode(String(words[2])), !key.isEmpty else { return nil }
      return Line(
        hosts: words[0].split(separator: ",").map { $0.hasPrefix("|") ? String($0) : $0.lowercased() },
        isRevoked: isRevoked, kind: String(words[1]), key: key)
    }
    guard !lines.isEmpty else {
      throw GitSyncError(
        .malformed, "\(file) names no host: fill it with ssh-keyscan, and compare what it says")
    }
  }

  /// - Parameters:
  ///   - host: In lower case.
  ///   - port: `nil` for 22.
  ///   - key: As the host sent it (RFC 4253, 6.6).
  func verdict(host: String, port: Int?, key: [UInt8]) -> Verdict {
    // OpenSSH writes the port beside the host where it is another.
    let name = port == nil || port == 22 ? host : "[\(host)]:\(port ?? 22)"
    let mine = lines.filter { Self.matches(name, $0.hosts) }
    if mine.contains(where: { $0.isRevoked && $0.key == key }) { return .revoked }
    let trusted = mine.filter { !$0.isRevoked }
    if trusted.contains(where: { $0.key == key }) { return .known }
    return trusted.isEmpty ? .unknown : .different(Set(trusted.map(\.kind)).sorted())
  }

  private static func matches(_ name: String, _ patterns: [String]) -> Bool {
    var isFound = false
    for pattern in patterns {
      if pattern.hasPrefix("|1|") {
        isFound = isFound || isHash(pattern, of: name)
      } else if pattern.hasPrefix("!") {
        if glob(Array(name.utf8), Array(pattern.utf8.dropFirst())) { return false }
      } else {
        isFound = isFound || glob(Array(name.utf8), Array(pattern.utf8))
      }
    }
    return isFound
  }

  /// `|1|SALT|HASH`: HMAC-SHA1 of the name.
  private static func isHash(_ pattern: String, of name: String) -> Bool {
    let parts = pattern.split(separator: "|", omittingEmptySubsequences: false)
    guard parts.count == 4, let salt = Base64.decode(String(parts[2])),
      let hash = Base64.decode(String(parts[3])),
      !salt.isEmpty, salt.count <= 64, hash.count == 20
    else { return false }
    var digest = [UInt8](repeating: 0, count: 64)
    var count: UInt32 = 0
    let text = Array(name.utf8)
    guard HMAC(EVP_sha1(), salt, Int32(salt.count), text, text.count, &digest, &count) != nil else {
      return false
    }
    return Array(digest.prefix(Int(count))) == hash
  }

  /// `*` for any bytes, `?` for one.
  private static func glob(_ text: [UInt8], _ pattern: [UInt8]) -> Bool {
    var (position, next) = (0, 0)
    var star: (pattern: Int, text: Int)?
    while position < text.count {
      if next < pattern.count, pattern[next] == UInt8(ascii: "*") {
        star = (next, position)
        next += 1
      } else if next < pattern.count, pattern[next] == UInt8(ascii: "?") || pattern[next] == text[position] {
        position += 1
        next += 1
      } else if let last = star {
        star = (last.pattern, last.text + 1)
        (next, position) = (last.pattern + 1, last.text + 1)
      } else {
        return false
      }
    }
    return pattern[next...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}
