internal import CGitShim
internal import CLibgit2
internal import Synchronization

/// One fetch: what may be sent to whom, whose key a host has, and when it has gone on for too long. libgit2 asks it on the
/// thread that fetches.
final class GitSession: Sendable {
  private let address: GitAddress
  private let credentials: GitAccess.Credentials
  private let isCancelled: @Sendable () -> Bool
  private let state = Mutex(State())

  private struct State: Sendable {
    var isTooLarge = false
    var asked = 0
    /// Why this side ended it, in words that hold no secret.
    var refusal: String?
  }

  init(
    _ address: GitAddress, _ credentials: GitAccess.Credentials, isCancelled: @escaping @Sendable () -> Bool
  ) {
    self.address = address
    self.credentials = credentials
    self.isCancelled = isCancelled
  }

  var isTooLarge: Bool { state.withLock(\.isTooLarge) }
  var refusal: String? { state.withLock(\.refusal) }

  /// Makes libgit2 ask this object, for as long as the caller keeps it.
  func install(in options: inout git_fetch_options) {
    options.callbacks.payload = Unmanaged.passUnretained(self).toOpaque()
    options.callbacks.transfer_progress = { progress, payload in
      guard let progress, let session = GitSession.from(payload) else { return 0 }
      return session.allows(Int(progress.pointee.received_bytes)) ? 0 : -1
    }
    options.callbacks.credentials = { result, url, user, kinds, payload in
      guard let session = GitSession.from(payload) else { return -1 }
      return session.offer(
        result, to: url.map { String(cString: $0) } ?? "", user: user.map { String(cString: $0) },
        UInt32(kinds))
    }
    options.callbacks.certificate_check = { certificate, isValid, host, payload in
      guard let certificate, let session = GitSession.from(payload) else { return -1 }
      return session.judge(certificate, isValid == 1, host.map { String(cString: $0) } ?? "")
    }
  }

  private static func from(_ payload: UnsafeMutableRawPointer?) -> GitSession? {
    payload.map { Unmanaged<GitSession>.fromOpaque($0).takeUnretainedValue() }
  }

  private func allows(_ received: Int) -> Bool {
    if received > GitMirror.maximumFetch { state.withLock { $0.isTooLarge = true } }
    return received <= GitMirror.maximumFetch && !isCancelled()
  }

  private func refuse(_ why: String) -> Int32 {
    state.withLock { $0.refusal = $0.refusal ?? why }
    return GIT_EAUTH.rawValue
  }

  private func offer(
    _ result: UnsafeMutablePointer<UnsafeMutablePointer<git_credential>?>?, to url: String, user: String?,
    _ kinds: UInt32
  ) -> Int32 {
    let name = user ?? address.user ?? "git"
    if kinds & GIT_CREDENTIAL_USERNAME.rawValue != 0 { return git_credential_username_new(result, name) }
    // Once refused, the same again would be refused again, without an end.
    let isFirst = state.withLock { state in
      state.asked += 1
      return state.asked == 1
    }
    guard isFirst else {
      return refuse(
        credentials.keyPath != nil
          ? "\(address.host) does not take the key of git.key for \(name); let it read the repository"
          : "\(address.host) does not take the token of git.tokenFile; make a new one")
    }
    if kinds & GIT_CREDENTIAL_SSH_KEY.rawValue != 0, let key = credentials.keyPath {
      return git_credential_ssh_key_new(result, name, nil, key, nil)
    }
    if kinds & GIT_CREDENTIAL_USERPASS_PLAINTEXT.rawValue != 0, let token = credentials.token {
      // libgit2 goes where the host sends it, and asks on behalf of that place.
      guard let asking = try? GitAddress(url), asking.scheme == .https, asking.host == address.host,
        asking.port == address.port
      else {
        return refuse(
          "\(address.host) sends us to another place, which the token is not for: write the address of that one"
        )
      }
      return git_credential_userpass_plaintext_new(result, name, token)
    }
    return refuse("\(address.host) asks who we are: name a token for it (git.tokenFile), or a key (git.key)")
  }

  private func judge(_ certificate: UnsafeMutablePointer<git_cert>, _ isValid: Bool, _ host: String) -> Int32
  {
    switch certificate.pointee.cert_type {
    case GIT_CERT_HOSTKEY_LIBSSH2:
      let key = UnsafeRawPointer(certificate).assumingMemoryBound(to: git_cert_hostkey.self).pointee
      guard key.type.rawValue & GIT_CERT_SSH_RAW.rawValue != 0, let bytes = key.hostkey,
        let known = credentials.knownHosts
      else { return refuse("\(address.host) shows no key that can be looked up") }
      let raw = [UInt8](UnsafeRawBufferPointer(start: bytes, count: key.hostkey_len))
      switch known.verdict(host: address.host, port: address.port, key: raw) {
      case .known: return 0
      case .revoked: return refuse("the key of \(address.host) is marked as revoked in git.knownHosts")
      case .different(let kinds):
        return refuse(
          "\(address.host) has another key than git.knownHosts says (\(kinds.joined(separator: ", ")) is known there): somebody is in between, or it was replaced; ask its keeper, then ssh-keyscan"
        )
      case .unknown:
        return refuse("\(address.host) is not in git.knownHosts: ssh-keyscan it, and compare what it says")
      }
    case GIT_CERT_X509:
      return isValid
        ? 0
        : refuse(
          "the certificate of \(address.host) is not one that this machine trusts; name the certificates that it comes from (git.authority)"
        )
    default: return refuse("\(address.host) cannot be told from another host")
    }
  }
}
