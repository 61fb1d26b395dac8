internal import Bytes
internal import CPosixShim
package import Signing

extension SecureBootKeySet {
  /// How a new set comes to be.
  package struct Request: Sendable {
    /// In each signature list.
    package var owner: EFIGUID
    /// Seconds since the epoch: when certificates begin, and the date of the authenticated writes.
    package var time: Int64
    package var protection: SecretKeyFile.Protection
    /// Another owner's KEK. With it, only a db key is made, and this key signs the writes that bring it in.
    package var keyExchange: SecureBootKeySigner?

    package init(
      owner: EFIGUID, time: Int64, protection: SecretKeyFile.Protection,
      keyExchange: SecureBootKeySigner? = nil
    ) {
      self.owner = owner
      self.time = time
      self.protection = protection
      self.keyExchange = keyExchange
    }
  }

  /// Makes the keys and all files of a new set. The directory appears whole or not at all, mode 0700.
  /// - Throws: `exists`; `system` and `SigningError` where the system refuses something.
  package func make(_ request: Request) async throws {
    guard !exists else {
      throw SecureBootError(
        .exists, "\(directory) is there already: choose another name, or move it away")
    }
    let roles: [SecureBootRole] = request.keyExchange == nil ? SecureBootRole.allCases : [.database]
    var signers: [SecureBootRole: SecureBootKeySigner] = [:]
    var files: [(name: String, content: [UInt8], mode: UInt32)] = [
      ("owner", Array("\(request.owner)\n".utf8), 0o644)
    ]
    for role in roles {
      let key = try RSAPrivateKey.generate()
      let certificate = try X509Certificate(
        selfSigned: key, name: "\(name) \(role.rawValue)", validFrom: request.time)
      let locked = try LockedSecret(
        key.der(), format: Self.format,
        fields: [("certificate", certificate.fingerprint.hex), ("name", name), ("role", role.rawValue)],
        protection: request.protection)
      signers[role] = try SecureBootKeySigner(key: key, certificate: certificate)
      files += [
        ("\(role.rawValue).key", Array(locked.text.utf8), 0o600),
        ("\(role.rawValue).crt", Array(certificate.pem.utf8), 0o644),
        ("\(role.rawValue).cer", certificate.der, 0o644),
        ("\(role.rawValue).esl", SignatureList.encode(certificate, owner: request.owner), 0o644),
      ]
    }
    files += try await writes(roles, signers, request)
    try store(files)
  }

  private func writes(
    _ roles: [SecureBootRole], _ signers: [SecureBootRole: SecureBootKeySigner], _ request: Request
  ) async throws -> [(name: String, content: [UInt8], mode: UInt32)] {
    let time = CivilTime(seconds: request.time)
    // Firmware refuses what is not newer than the last write: what replaces a list or deletes PK may come after another
    // of these files.
    let later = CivilTime(seconds: request.time + 1)
    var files: [(name: String, content: [UInt8], mode: UInt32)] = []
    for role in roles {
      guard let certificate = signers[role]?.certificate else { continue }
      let above =
        role == .database ? request.keyExchange ?? signers[.keyExchange] : signers[.platform]
      guard let above else { continue }
      let list = SignatureList.encode(certificate, owner: request.owner)
      let write = try await AuthenticatedVariable.encode(
        role, list, time: role == .database ? later : time, signer: above)
      files.append(("\(role.rawValue).auth", write, 0o644))
      if role == .database {
        let addition = try await AuthenticatedVariable.encode(
          role, list, isAppended: true, time: time, signer: above)
        files.append(("\(role.rawValue).add.auth", addition, 0o644))
      }
      if role == .platform {
        let removal = try await AuthenticatedVariable.encode(role, [], time: later, signer: above)
        files.append(("noPK.auth", removal, 0o644))
      }
    }
    return files
  }

  private func store(_ files: [(name: String, content: [UInt8], mode: UInt32)]) throws {
    try KeyRing.makeDirectory(parent)
    let temporary = "\(parent)/.\(name)\(Self.suffix).\(getpid())"
    guard mkdir(temporary, 0o700) == 0 else { throw Self.failure("cannot create \(temporary)") }
    var written: [String] = []
    do {
      for file in files {
        let path = "\(temporary)/\(file.name)"
        try FileIO.create(path, file.content, mode: file.mode)
        written.append(path)
      }
      guard netimg_rename_new(temporary, directory) == 0 else {
        if netimg_errno() == EEXIST || netimg_errno() == ENOTEMPTY {
          throw SecureBootError(
            .exists, "\(directory) is there already: choose another name, or move it away")
        }
        throw Self.failure("cannot create \(directory)")
      }
    } catch {
      for path in written { unlink(path) }
      rmdir(temporary)
      throw error
    }
  }

  private var parent: String {
    directory.lastIndex(of: "/").map { String(directory[..<$0]) } ?? "."
  }

  private static func failure(_ action: String) -> SecureBootError {
    SecureBootError(.system, "\(action): \(String(cString: strerror(netimg_errno()))); check its permissions")
  }
}
