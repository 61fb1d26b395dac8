internal import CLibcrypto
internal import Signing

/// A signature that `ssh-keygen -Y sign` and git make (OpenSSH's PROTOCOL.sshsig, version 1).
///
///     "SSHSIG" · uint32 1 · string public key · string namespace · string reserved · string hash · string signature
///
/// Only Ed25519 counts. Signatures of other kinds are read, and are nobody's.
struct SSHSignature: Sendable {
  /// What git signs for.
  static let namespace = "git"
  static let maximumSize = 16 << 10

  /// The 32 bytes of the Ed25519 key; `nil` for a key of another kind.
  let publicKey: [UInt8]?
  private let namespace: [UInt8]
  private let hash: String
  private let signature: [UInt8]?

  /// Reads the armour.
  /// - Throws: `malformed`.
  init(armored text: String) throws(GitSyncError) {
    let lines = text.split(separator: "\n").map { $0.hasSuffix("\r") ? $0.dropLast() : $0 }
    guard text.utf8.count <= Self.maximumSize, lines.first == "-----BEGIN SSH SIGNATURE-----",
      let end = lines.firstIndex(of: "-----END SSH SIGNATURE-----"),
      let blob = Base64.decode(lines[1..<end].joined())
    else {
      throw GitSyncError(.malformed, "it is no SSH signature; sign commits with gpg.format=ssh")
    }
    var reader = SSHReader(blob)
    guard reader.bytes(6).map({ $0.elementsEqual("SSHSIG".utf8) }) == true, reader.integer() == 1,
      let key = reader.string(), let namespace = reader.string(), reader.string() != nil,
      let hash = reader.string(), let signature = reader.string(), reader.isAtEnd
    else { throw GitSyncError(.malformed, "its SSH signature ends too soon, or is of another version") }
    publicKey = Self.ed25519(key, count: 32)
    self.namespace = Array(namespace)
    self.hash = String(decoding: hash, as: UTF8.self)
    self.signature = Self.ed25519(signature, count: 64)
  }

  /// The bytes in `string "ssh-ed25519" · string bytes`.
  static func ed25519(_ blob: some Collection<UInt8>, count: Int) -> [UInt8]? {
    var reader = SSHReader(Array(blob))
    guard reader.string().map({ $0.elementsEqual("ssh-ed25519".utf8) }) == true, let bytes = reader.string(),
      bytes.count == count, reader.isAtEnd
    else { return nil }
    return Array(bytes)
  }

  /// Whether it is its key's over a message, for git.
  func isValid(for message: [UInt8]) -> Bool {
    guard let publicKey, let signature, namespace.elementsEqual(Self.namespace.utf8),
      let digest = Self.digest(hash, message), let key = try? PublicKey(bytes: publicKey, name: "git")
    else { return false }
    var signed = Array("SSHSIG".utf8)
    for part in [namespace, [], Array(hash.utf8), digest] {
      let count = UInt32(part.count)
      signed += [UInt8(truncatingIfNeeded: count >> 24), UInt8(truncatingIfNeeded: count >> 16)]
      signed += [UInt8(truncatingIfNeeded: count >> 8), UInt8(truncatingIfNeeded: count)]
      signed += part
    }
    return key.isValidSignature(signature, for: signed)
  }

  private static func digest(_ name: String, _ message: [UInt8]) -> [UInt8]? {
    let method: OpaquePointer?
    switch name {
    case "sha512": method = EVP_sha512()
    case "sha256": method = EVP_sha256()
    default: return nil
    }
    var digest = [UInt8](repeating: 0, count: 64)
    var count: UInt32 = 0
    guard EVP_Digest(message, message.count, &digest, &count, method, nil) == 1 else { return nil }
    return Array(digest.prefix(Int(count)))
  }
}

/// Reads SSH's wire encoding (RFC 4251, section 5).
struct SSHReader {
  private let data: [UInt8]
  private var position = 0

  init(_ data: [UInt8]) { self.data = data }

  var isAtEnd: Bool { position == data.count }

  mutating func bytes(_ count: Int) -> ArraySlice<UInt8>? {
    guard count >= 0, count <= data.count - position else { return nil }
    defer { position += count }
    return data[position..<position + count]
  }

  mutating func integer() -> UInt32? {
    bytes(4)?.reduce(0) { $0 << 8 | UInt32($1) }
  }

  mutating func string() -> ArraySlice<UInt8>? {
    integer().flatMap { bytes(Int($0)) }
  }
}
