extension Envelope {
  /// The most that `init(json:)` accepts: bytes of text, and signatures.
  package static let maximumSize = 64 << 20
  package static let maximumSignatures = 64

  /// The JSON form (envelope.md of the specification), without white space and with a fixed order of members.
  package var json: [UInt8] {
    let list = signatures.map { signature in
      JSONValue.object([
        JSONMember("keyid", .string(signature.keyID)),
        JSONMember("sig", .string(Base64.encode(signature.bytes))),
      ])
    }
    let value = JSONValue.object([
      JSONMember("payload", .string(Base64.encode(payload))),
      JSONMember("payloadType", .string(payloadType)),
      JSONMember("signatures", .array(list)),
    ])
    return Array(value.encoded.utf8)
  }

  /// Reads the JSON form, from anybody: unknown members are ignored, duplicate ones refused, base64 may be of
  /// either alphabet, sizes are bounded. Nothing is verified yet. Throws `malformed`; `source` names the file
  /// or address in it.
  package init(json: [UInt8], source: String) throws {
    let value: JSONValue
    do {
      value = try JSONParser.parse(json, maximumSize: Self.maximumSize)
    } catch {
      throw SigningError(.malformed, "\(source) is not a DSSE envelope: \(error)")
    }
    func wrong(_ problem: String) -> SigningError {
      SigningError(.malformed, "\(source) is not a DSSE envelope: \(problem)")
    }
    guard let payloadType = value["payloadType"]?.text, !payloadType.isEmpty else {
      throw wrong("'payloadType' must be a string that is not empty")
    }
    guard let text = value["payload"]?.text, let payload = Base64.decode(text) else {
      throw wrong("'payload' must be a string of base64")
    }
    guard let elements = value["signatures"]?.elements, !elements.isEmpty,
      elements.count <= Self.maximumSignatures
    else { throw wrong("'signatures' must be a list of 1 to \(Self.maximumSignatures)") }
    let signatures = try elements.enumerated().map { index, element in
      guard let text = element["sig"]?.text, let bytes = Base64.decode(text) else {
        throw wrong("'signatures[\(index)].sig' must be a string of base64")
      }
      switch element["keyid"] {
      case nil, .null: return Signature(keyID: "", bytes: bytes)
      case .string(let keyID): return Signature(keyID: keyID, bytes: bytes)
      default: throw wrong("'signatures[\(index)].keyid' must be a string")
      }
    }
    self.init(payloadType: payloadType, payload: payload, signatures: signatures)
  }
}
