internal import CPosixShim
internal import Glibc

/// How a repository that is not everybody's is read: files with a key or a token, and with what its host is known by.
package struct GitAccess: Sendable, Hashable {
  /// An SSH private key.
  package var key: String?
  /// The keys of SSH hosts.
  package var knownHosts: String?
  /// A token for HTTPS.
  package var tokenFile: String?
  /// The certificates that an HTTPS host's must come from.
  package var authority: String?

  package init(
    key: String? = nil, knownHosts: String? = nil, tokenFile: String? = nil, authority: String? = nil
  ) {
    self.key = key
    self.knownHosts = knownHosts
    self.tokenFile = tokenFile
    self.authority = authority
  }

  /// What one fetch needs, read and checked before anybody is asked.
  struct Credentials: Sendable {
    var keyPath: String?
    var knownHosts: KnownHosts?
    var token: String?
  }

  /// - Throws: `notFound` for what the address needs and nobody gave, `malformed` for what does not go with it, or for a
  ///   secret that everybody may read.
  func credentials(for address: GitAddress) throws(GitSyncError) -> Credentials {
    var credentials = Credentials()
    if address.scheme == .ssh {
      guard let key, let knownHosts else {
        throw GitSyncError(
          .notFound,
          "an SSH address needs a private key and the keys of its host: name both files (git.key, git.knownHosts)"
        )
      }
      _ = try Self.read(key, "the private key (git.key)", isSecret: true)
      credentials.keyPath = key
      let bytes = try Self.read(knownHosts, "the keys of hosts (git.knownHosts)", isSecret: false)
      credentials.knownHosts = try KnownHosts(bytes, file: knownHosts)
    }
    if let tokenFile {
      guard address.scheme == .https else {
        throw GitSyncError(
          .malformed,
          "a token goes by HTTPS alone, where nobody listens: write an https address, or drop git.tokenFile")
      }
      let bytes = try Self.read(tokenFile, "the token (git.tokenFile)", isSecret: true)
      let token = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
      guard token.count == 1, token[0].utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
        throw GitSyncError(.malformed, "\(tokenFile) holds no token: one line of printable characters")
      }
      credentials.token = String(token[0])
    }
    return credentials
  }

  private static func read(_ path: String, _ what: String, isSecret: Bool) throws(GitSyncError) -> [UInt8] {
    let file = netimg_open(path, O_RDONLY | O_NONBLOCK, 0)
    guard file >= 0 else {
      throw GitSyncError(.notFound, "cannot read \(path), \(what): \(String(cString: strerror(errno)))")
    }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      status.st_size <= KnownHosts.maximumSize
    else { throw GitSyncError(.malformed, "\(path), \(what), is no regular file of such a kind") }
    guard !isSecret || status.st_mode & 0o007 == 0 else {
      throw GitSyncError(.malformed, "everybody may read \(path), \(what): chmod o= \(path)")
    }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeMutableBytes {
        pread(file, $0.baseAddress?.advanced(by: done), $0.count - done, off_t(done))
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      done += count
    }
    return Array(bytes.prefix(done))
  }
}
