internal import CLibsodium
internal import Glibc

extension LockedSecret {
  /// What the file holds, ending with a newline.
  package var text: String {
    let members: [JSONMember]
    switch content {
    case .encrypted(let cost, let salt, let nonce, let ciphertext):
      members =
        Self.header(format, fields, cost, salt, nonce) + [
          JSONMember("ciphertext", .string(Base64.encode(ciphertext)))
        ]
    case .plain(let secret):
      members =
        Self.common(format, fields, encryption: "none") + [
          JSONMember(format.secret, .string(secret.withUnsafeBytes { Base64.encode($0) })),
          JSONMember("warning", .string(Self.warning)),
        ]
    }
    return JSONValue.object(members).canonical + "\n"
  }

  /// Reads what `text` writes, strictly: no field more or less, sizes and costs within bounds. `source` names the
  /// file in errors. Throws `malformed`, `unsupported`.
  package init(text: [UInt8], source: String, format: Format) throws {
    let value: JSONValue
    do {
      value = try JSONParser.parse(text, maximumSize: 16 * 1024, maximumDepth: 4)
    } catch {
      throw SigningError(.malformed, "\(source) is not a secret key of netimg: \(error); restore the file")
    }
    let reader = FieldReader(value: value, source: source)
    let name = try reader.text("format")
    guard name == format.name else {
      throw SigningError(
        .unsupported,
        "\(source) has the format '\(name.prefix(40))', but this netimg reads '\(format.name)'")
    }
    self.format = format
    fields = try format.fields.map { JSONMember($0, .string(try reader.text($0))) }
    let names: [String]
    switch try reader.text("encryption") {
    case Self.encrypted:
      let kdf = FieldReader(value: value["kdf"] ?? .null, source: source)
      let tag = Cipher.tagByteCount
      content = .encrypted(
        try Argon2id(passes: kdf.integer("passes"), memoryKiB: kdf.integer("memory_kib")),
        salt: try kdf.base64("salt", count: Argon2id.saltByteCount),
        nonce: try reader.base64("nonce", count: Cipher.nonceByteCount),
        ciphertext: try reader.base64(
          "ciphertext", count: format.sizes.lowerBound + tag...format.sizes.upperBound + tag))
      try kdf.allow(["memory_kib", "passes", "salt"])
      names = ["kdf", "nonce", "ciphertext"]
    case "none":
      guard try reader.text("warning") == Self.warning else { throw reader.wrong("warning") }
      var secret = try reader.base64(format.secret, count: format.sizes)
      content = .plain(try SecretBytes(moving: &secret))
      names = [format.secret, "warning"]
    case let other:
      throw SigningError(
        .unsupported, "\(source) is encrypted with '\(other.prefix(40))', which this netimg does not know")
    }
    try reader.allow(["encryption", "format"] + format.fields + names)
  }

  /// Reads a file. Throws `permissions` if its group or others may read or write it, as ssh does.
  package static func read(_ path: String, format: Format) throws -> LockedSecret {
    var (bytes, mode) = try FileIO.read(path, limit: 16 * 1024)
    defer { sodium_memzero(&bytes, bytes.count) }
    guard mode & 0o077 == 0 else {
      throw SigningError(
        .permissions,
        "\(path) can be reached by others (mode \(String(mode, radix: 8))); make it yours with chmod 600"
      )
    }
    return try LockedSecret(text: bytes, source: path, format: format)
  }

  /// Writes a new file of mode 0600. Throws `exists` rather than replace one.
  package func write(_ path: String) throws {
    try FileIO.create(path, text, mode: 0o600)
  }
}

/// Reads the fields of a key file; what it throws names the file and the field, and never the content.
struct FieldReader {
  let value: JSONValue
  let source: String

  func wrong(_ field: String) -> SigningError {
    SigningError(.malformed, "\(source): the field '\(field)' is missing or wrong; restore the file")
  }

  func text(_ field: String) throws(SigningError) -> String {
    guard let text = value[field]?.text else { throw wrong(field) }
    return text
  }

  func integer(_ field: String) throws(SigningError) -> Int {
    guard let integer = value[field]?.integer else { throw wrong(field) }
    return integer
  }

  func base64(_ field: String, count: Int) throws(SigningError) -> [UInt8] {
    try base64(field, count: count...count)
  }

  func base64(_ field: String, count: ClosedRange<Int>) throws(SigningError) -> [UInt8] {
    let text = try text(field)
    guard let bytes = Base64.decode(text), count.contains(bytes.count), Base64.encode(bytes) == text else {
      throw wrong(field)
    }
    return bytes
  }

  func allow(_ names: [String]) throws(SigningError) {
    for member in value.members ?? [] where !names.contains(member.name) {
      throw SigningError(
        .malformed, "\(source): the field '\(member.name.prefix(40))' does not belong there; restore the file"
      )
    }
  }
}
