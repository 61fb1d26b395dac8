internal import Bytes
internal import CPosixShim
package import Signing

// A directory NAME.secure-boot in the directory of keys. For PK, KEK and db each:
//
//   db.key    the secret half, encrypted: a LockedSecret with the key as RSAPrivateKey
//   db.crt    the certificate as PEM, for sbverify and its like
//   db.cer    the same as DER, for firmware setup
//   db.esl    an EFI signature list with the certificate, for firmware setup and virt-fw-vars
//   db.auth   the authenticated write that puts the list into the variable, signed by the key above it
//
// Beside them:
//
//   owner        the GUID in the signature lists
//   noPK.auth    the authenticated write that deletes PK: the machine is in setup mode again
//   db.add.auth  the write that adds to db instead of replacing it

/// The keys of Secure Boot of one owner, on disk.
package struct SecureBootKeySet: Sendable {
  package static let suffix = ".secure-boot"

  package let name: String
  /// The directory NAME.secure-boot.
  package let directory: String

  /// The set of that name in a directory of keys. Throws `invalidName`.
  package init(_ name: String, in ring: KeyRing) throws {
    self.name = try KeyName.check(name)
    directory = "\(ring.directory)/\(name)\(Self.suffix)"
  }

  /// The files of a role.
  enum File: String {
    case secret = "key"
    case pem = "crt"
    case der = "cer"
    case list = "esl"
    case write = "auth"
    case addition = "add.auth"
  }

  func path(_ role: SecureBootRole, _ file: File) -> String {
    "\(directory)/\(role.rawValue).\(file.rawValue)"
  }
  var ownerPath: String { "\(directory)/owner" }

  /// Whether there is such a set.
  package var exists: Bool { access(directory, F_OK) == 0 }

  /// The roles whose certificate is here: a set made under another has db alone.
  package var roles: [SecureBootRole] {
    SecureBootRole.allCases.filter { access(path($0, .pem), F_OK) == 0 }
  }

  /// Whether the secret half of a role is here: PK's and KEK's should be somewhere safer.
  package func hasSecret(_ role: SecureBootRole) -> Bool { access(path(role, .secret), F_OK) == 0 }

  /// The GUID in the signature lists. Throws `malformed`, `notFound`.
  package func owner() throws -> EFIGUID {
    try EFIGUID(String(decoding: FileIO.read(ownerPath, limit: 64).bytes.filter { $0 > 0x20 }, as: UTF8.self))
  }

  /// The certificate of a role. Throws `malformed`, `unsupported`, `notFound`.
  package func certificate(_ role: SecureBootRole) throws -> X509Certificate {
    let path = path(role, .pem)
    return try X509Certificate(
      file: FileIO.read(path, limit: X509Certificate.maximumSize * 2).bytes, source: path)
  }

  /// Opens the secret half of a role.
  /// - Parameter passphrase: asked for the passphrase if there is one.
  /// - Throws: `SigningError` as `LockedSecret`; `mismatch` if the files belong to different keys.
  package func signer(
    _ role: SecureBootRole, passphrase: () throws -> SecretBytes
  ) throws -> SecureBootKeySigner {
    let path = path(role, .secret)
    guard exists else {
      throw SecureBootError(
        .notFound, "there is no \(directory): make it with netimg key new \(name) --secure-boot")
    }
    guard hasSecret(role) else {
      throw SecureBootError(.notFound, "\(path) is not here: fetch it from where it is kept")
    }
    let certificate = try certificate(role)
    let locked = try LockedSecret.read(path, format: Self.format)
    guard locked["role"] == role.rawValue, locked["certificate"] == certificate.fingerprint.hex else {
      throw SecureBootError(
        .mismatch, "\(path) is not the key of the certificate beside it: restore the files")
    }
    let secret = try locked.unlock(passphrase: locked.isEncrypted ? passphrase() : nil)
    return try SecureBootKeySigner(key: RSAPrivateKey(der: secret), certificate: certificate)
  }

  /// The secret half at rest: the certificate by its SHA-256, so that files of different sets are not mixed up.
  static let format = LockedSecret.Format(
    name: "netimg-secure-boot-key-1", fields: ["certificate", "name", "role"], secret: "rsa",
    sizes: 512...4096)

  /// All sets in a directory of keys, by name.
  package static func list(in ring: KeyRing) throws -> [SecureBootKeySet] {
    guard let stream = opendir(ring.directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let file = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard file.hasSuffix(suffix) else { continue }
      names.append(String(file.dropLast(suffix.count)))
    }
    return names.sorted().compactMap { try? SecureBootKeySet($0, in: ring) }
  }
}
