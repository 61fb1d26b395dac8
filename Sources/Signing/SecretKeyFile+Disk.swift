internal import CLibsodium
internal import Glibc

extension SecretKeyFile {
  /// Reads a `NAME.key` file. Throws `permissions` if its group or others may read or write it, as ssh does.
  package static func read(_ path: String) throws -> SecretKeyFile {
    var (bytes, mode) = try FileIO.read(path, limit: 16 * 1024)
    defer { sodium_memzero(&bytes, bytes.count) }
    guard mode & 0o077 == 0 else {
      throw SigningError(
        .permissions,
        "\(path) can be reached by others (mode \(String(mode, radix: 8))); make it yours with chmod 600"
      )
    }
    return try SecretKeyFile(text: bytes, source: path)
  }

  /// Writes a new `NAME.key` of mode 0600. Throws `exists` rather than replace a file.
  package func write(_ path: String) throws {
    try FileIO.create(path, text, mode: 0o600)
  }
}

extension PublicKey {
  /// Reads a `NAME.pub` file: one line.
  package static func read(_ path: String) throws -> PublicKey {
    let bytes = try FileIO.read(path, limit: 4096).bytes
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw SigningError(.malformed, "\(path) is not a public key: it is not text")
    }
    return try PublicKey(line: text, source: path)
  }

  /// Writes a new `NAME.pub` of mode 0644. Throws `exists` rather than replace a file.
  package func write(_ path: String) throws {
    try FileIO.create(path, line + "\n", mode: 0o644)
  }
}
