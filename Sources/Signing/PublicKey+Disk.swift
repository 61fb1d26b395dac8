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
