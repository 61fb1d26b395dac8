internal import Bytes

extension SecretKeyFile {
  /// What the file holds, ending with a newline.
  package var text: String {
    let members: [JSONMember]
    switch content {
    case .encrypted(let cost, let salt, let nonce, let ciphertext):
      members =
        Self.header(publicKey, cost, salt, nonce) + [
          JSONMember("ciphertext", .string(Base64.encode(ciphertext)))
        ]
    case .plain(let seed):
      members =
        Self.common(publicKey, encryption: "none") + [
          JSONMember("seed", .string(seed.withUnsafeBytes { Base64.encode($0) })),
          JSONMember("warning", .string(Self.warning)),
        ]
    }
    return JSONValue.object(members).canonical + "\n"
  }

  /// Reads what `text` writes, strictly: no field more or less, costs within bounds, the key identifier that
  /// of the public key. `source` names the file in errors. Throws `malformed`, `unsupported`, `invalidName`.
  package init(text: [UInt8], source: String) throws {
    let value: JSONValue
    do {
      value = try JSONParser.parse(text, maximumSize: 16 * 1024, maximumDepth: 4)
    } catch {
      throw SigningError(.malformed, "\(source) is not a secret key of netimg: \(error); restore the file")
    }
    let reader = FieldReader(value: value, source: source)
    let format = try reader.text("format")
    guard format == Self.format else {
      throw SigningError(
        .unsupported,
        "\(source) has the format '\(format.prefix(40))', but this netimg reads '\(Self.format)'")
    }
    publicKey = try PublicKey(bytes: reader.hex("public"), name: reader.text("name"))
    guard try reader.text("keyid") == publicKey.keyID else { throw reader.wrong("keyid") }
    let names: [String]
    switch try reader.text("encryption") {
    case Self.encrypted:
      let kdf = FieldReader(value: value["kdf"] ?? .null, source: source)
      content = .encrypted(
        try Argon2id(passes: kdf.integer("passes"), memoryKiB: kdf.integer("memory_kib")),
        salt: try kdf.base64("salt", count: Argon2id.saltByteCount),
        nonce: try reader.base64("nonce", count: Cipher.nonceByteCount),
        ciphertext: try reader.base64("ciphertext", count: KeyPair.seedByteCount + Cipher.tagByteCount))
      try kdf.allow(["memory_kib", "passes", "salt"])
      names = ["kdf", "nonce", "ciphertext"]
    case "none":
      guard try reader.text("warning") == Self.warning else { throw reader.wrong("warning") }
      var seed = try reader.base64("seed", count: KeyPair.seedByteCount)
      content = .plain(try SecretBytes(moving: &seed))
      names = ["seed", "warning"]
    case let other:
      throw SigningError(
        .unsupported, "\(source) is encrypted with '\(other.prefix(40))', which this netimg does not know")
    }
    try reader.allow(["encryption", "format", "keyid", "name", "public"] + names)
  }
}

/// Reads the fields of a key file; what it throws names the file and the field, and never the content.
private struct FieldReader {
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

  func hex(_ field: String) throws(SigningError) -> [UInt8] {
    let text = try text(field)
    guard let bytes = Hex.decode(text), Hex.encode(bytes) == text else { throw wrong(field) }
    return bytes
  }

  func base64(_ field: String, count: Int) throws(SigningError) -> [UInt8] {
    let text = try text(field)
    guard let bytes = Base64.decode(text), bytes.count == count, Base64.encode(bytes) == text else {
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
