internal import Bytes
internal import SecureBoot
internal import Signing

/// An Ed25519 key as it is printed.
struct KeyRow: Encodable {
  let kind = "ed25519"
  let name: String
  let id: String
  let publicKey: String
  let hasSecret: Bool

  init(_ key: PublicKey, hasSecret: Bool) {
    name = key.name
    id = key.keyID
    publicKey = key.line
    self.hasSecret = hasSecret
  }

  init(_ entry: KeyRing.Entry) { self.init(entry.publicKey, hasSecret: entry.secretPath != nil) }

  var text: String { "\(id)  \(name)\(hasSecret ? "" : "  (public half only)")" }

  private enum CodingKeys: CodingKey { case kind, name, id, publicKey, hasSecret }
}

/// The keys of Secure Boot of one owner as they are printed.
struct SecureBootKeyRow: Encodable {
  struct Certificate: Encodable {
    let role: String
    let subject: String
    let sha256: String
    let bits: Int
    let hasSecret: Bool
  }

  let kind = "secure-boot"
  let name: String
  let directory: String
  let owner: String
  let certificates: [Certificate]

  init(_ keys: SecureBootKeySet) throws {
    name = keys.name
    directory = keys.directory
    owner = "\(try keys.owner())"
    certificates = try keys.roles.map { role in
      let certificate = try keys.certificate(role)
      return Certificate(
        role: role.rawValue, subject: certificate.name, sha256: certificate.fingerprint.hex,
        bits: certificate.keyBits, hasSecret: keys.hasSecret(role))
    }
  }

  /// A line for each certificate, beginning with its fingerprint, and one for the directory.
  var text: String {
    let lines = certificates.map {
      "\($0.sha256)  \($0.subject), RSA \($0.bits)\($0.hasSecret ? "" : "  (public half only)")"
    }
    return (lines + ["  \(directory), owner \(owner)"]).joined(separator: "\n")
  }

  private enum CodingKeys: CodingKey { case kind, name, directory, owner, certificates }
}

/// Who signed a UKI, as it is printed.
struct SecureBootSignerRow: Encodable {
  let subject: String
  let sha256: String

  init(_ certificate: X509Certificate) {
    subject = certificate.name
    sha256 = certificate.fingerprint.hex
  }
}

/// Any key in a list.
enum KeyListRow: Encodable {
  case ed25519(KeyRow)
  case secureBoot(SecureBootKeyRow)

  func encode(to encoder: any Encoder) throws {
    switch self {
    case .ed25519(let row): try row.encode(to: encoder)
    case .secureBoot(let row): try row.encode(to: encoder)
    }
  }

  var text: String {
    switch self {
    case .ed25519(let row): row.text
    case .secureBoot(let row): row.text
    }
  }
}
