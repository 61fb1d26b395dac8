@testable internal import Signing

extension FuzzTarget {
  static let signingTargets = [
    FuzzTarget("json", seeds: { ["all": Array(#"{"a":[1,-2.5e3,"é\u00e9\n",true,null],"b":{}}"#.utf8)] }) {
      bytes in
      let value = try JSONParser.parse(bytes, maximumSize: 1 << 20)
      let again = try JSONParser.parse(Array(value.encoded.utf8), maximumSize: 1 << 24)
      require(again == value, "a value survives encoding")
    },
    FuzzTarget("dsse", seeds: { ["envelope": envelope] }) { bytes in
      let envelope = try Envelope(json: bytes, source: "fuzz")
      try require(Envelope(json: envelope.json, source: "fuzz") == envelope, "an envelope survives encoding")
      let key = try PublicKey(bytes: [UInt8](repeating: 7, count: 32), name: "fuzz")
      let payload = try? envelope.verify(keys: [key], threshold: 1, payloadType: "application/x")
      require(payload == nil, "nothing verifies without the key")
    },
    FuzzTarget(
      "public-key", maximumLength: 512,
      seeds: { ["line": Array("netimg-ed25519 \(String(repeating: "A", count: 43))= fuzz".utf8)] }
    ) {
      bytes in
      let key = try PublicKey(line: String(decoding: bytes, as: UTF8.self), source: "fuzz")
      try require(PublicKey(line: key.line, source: "fuzz") == key, "a key survives its line")
      require(key.pem.hasSuffix("-----END PUBLIC KEY-----\n"), "a key has a PEM form")
    },
    FuzzTarget("secret-key", seeds: { ["plain": try plainKey()] }) { bytes in
      // Opening an encrypted one would ask for gigabytes and seconds, as the file says: that is its purpose.
      let file = try SecretKeyFile(text: bytes, source: "fuzz")
      if !file.isEncrypted { _ = try file.unlock(passphrase: nil) }
    },
    FuzzTarget("base64", maximumLength: 256, seeds: { ["text": Array("bmV0aW1n".utf8)] }) { bytes in
      if let decoded = Base64.decode(String(decoding: bytes, as: UTF8.self)) {
        require(Base64.decode(Base64.encode(decoded)) == decoded, "bytes survive encoding")
      }
    },
  ]

  private static let envelope = Envelope(
    payloadType: "application/x", payload: Array("{}".utf8),
    signatures: [Envelope.Signature(keyID: "abc", bytes: [UInt8](repeating: 1, count: 64))]
  ).json

  private static func plainKey() throws -> [UInt8] {
    let seed = try SecretBytes(count: 32) { buffer in
      for index in buffer.indices { buffer[index] = 9 }
    }
    let file = try SecretKeyFile(KeyPair(seed: seed, name: "fuzz"), protection: .none)
    return Array(file.text.utf8)
  }
}
