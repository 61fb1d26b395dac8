internal import FoundationEssentials
internal import Manifest

/// Reads the keyring of a suite.
enum OpenPGPKeyring {
  /// The largest keyring that is read, in bytes.
  static let maximumSize = 16 << 20

  /// The keys in binary form; an armored file (`.asc`, RFC 9580, section 6.2) is decoded, as gpgv cannot.
  /// - Throws: `noVerifier` if the file cannot be read or decoded.
  static func binary(_ keyring: Keyring) throws(ArchiveError) -> [UInt8] {
    switch keyring {
    case .repository(let path, let bytes):
      return try binary(bytes, path)
    case .host(let path):
      guard let data = FileManager.default.contents(atPath: path) else {
        throw ArchiveError(
          .noVerifier,
          "cannot read the keyring \(path); install the package that ships it, such as "
            + "debian-archive-keyring, or correct suite.keyring in the manifest")
      }
      return try binary([UInt8](data), path)
    }
  }

  private static func binary(_ bytes: [UInt8], _ path: String) throws(ArchiveError) -> [UInt8] {
    func refuse() -> ArchiveError {
      ArchiveError(.noVerifier, "\(path) holds no OpenPGP keys; export the archive's public key into it")
    }
    guard !bytes.isEmpty, bytes.count <= maximumSize else { throw refuse() }
    guard bytes.starts(with: "-----BEGIN PGP".utf8) else {
      // A packet header has its highest bit set (RFC 9580, section 4.2).
      guard bytes[0] & 0x80 != 0 else { throw refuse() }
      return bytes
    }
    guard let decoded = dearmored(String(decoding: bytes, as: UTF8.self)), !decoded.isEmpty else {
      throw refuse()
    }
    return decoded
  }

  /// Every armored block's packets, one after another.
  private static func dearmored(_ text: String) -> [UInt8]? {
    var packets: [UInt8] = []
    var body: String?
    var isInHeaders = false
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      if line.hasPrefix("-----BEGIN PGP PUBLIC KEY BLOCK-----") {
        body = ""
        isInHeaders = true
      } else if line.hasPrefix("-----END PGP") {
        guard let block = body, let data = Data(base64Encoded: block) else { return nil }
        packets += [UInt8](data)
        body = nil
      } else if isInHeaders {
        isInHeaders = !line.allSatisfy(\.isWhitespace)
      } else if body != nil, !line.hasPrefix("=") {
        body?.append(contentsOf: line.filter { !$0.isWhitespace })
      }
    }
    return body == nil ? packets : nil
  }
}
