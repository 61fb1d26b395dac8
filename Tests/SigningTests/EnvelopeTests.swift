import Bytes
import Foundation
import Signing
import TestSupport
import Testing

@Suite struct EnvelopeTests {
  let type = "application/vnd.netimg.test+json"
  let payload = Array(#"{"hello":"world"}"#.utf8)

  func envelope(_ pairs: [KeyPair]) async throws -> Envelope {
    try await Envelope.sign(payloadType: type, payload: payload, signers: pairs.map(FileSigner.init))
  }

  @Test func thePreAuthenticationEncodingIsThatOfTheSpecification() {
    // protocol.md, "Test Vectors".
    let encoded = Envelope.preAuthenticationEncoding(
      payloadType: "http://example.com/HelloWorld", payload: Array("hello world".utf8))
    #expect(
      String(decoding: encoded, as: UTF8.self) == "DSSEv1 29 http://example.com/HelloWorld 11 hello world")
    // Lengths are in bytes, not in characters.
    let wide = Envelope.preAuthenticationEncoding(payloadType: "ü", payload: [])
    #expect(wide == Array("DSSEv1 2 ü 0 ".utf8))
  }

  @Test func readsTheEnvelopeOfTheSpecification() throws {
    // protocol.md, "Test Vectors": no keyid; its key is ECDSA, so that nothing of ours can verify it.
    let signature =
      "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="
    let text = #"""
      {"payload": "aGVsbG8gd29ybGQ=",
       "payloadType": "http://example.com/HelloWorld",
       "signatures": [{"sig": "\#(signature)"}]}
      """#
    let envelope = try Envelope(json: Array(text.utf8), source: "spec")
    #expect(envelope.payload == Array("hello world".utf8))
    #expect(envelope.payloadType == "http://example.com/HelloWorld")
    #expect(envelope.signatures.map(\.keyID) == [""])
    #expect(envelope.signatures.map(\.bytes.count) == [64])
    let key = try keyPair(1, name: "a").publicKey
    let error = signingError {
      _ = try envelope.verify(keys: [key], threshold: 1, payloadType: "http://example.com/HelloWorld")
    }
    #expect(error?.code == .threshold)
  }

  @Test func roundTripsAndVerifies() async throws {
    let pairs = try [keyPair(1, name: "a"), keyPair(2, name: "b"), keyPair(3, name: "c")]
    let keys = pairs.map(\.publicKey)
    let signed = try await envelope([pairs[2], pairs[0]])
    #expect(signed == (try await envelope([pairs[0], pairs[2]])))
    let read = try Envelope(json: signed.json, source: "x")
    #expect(read == signed)
    #expect(try read.verify(keys: keys, threshold: 2, payloadType: type) == payload)
    #expect(Set(read.acceptedKeys(keys)) == [keys[0], keys[2]])
    #expect(
      signingError { _ = try read.verify(keys: keys, threshold: 3, payloadType: type) }?.code == .threshold)
    #expect(
      signingError { _ = try read.verify(keys: keys, threshold: 0, payloadType: type) }?.code == .threshold)
    #expect(
      signingError { _ = try read.verify(keys: [], threshold: 1, payloadType: type) }?.code == .threshold)
    #expect(
      signingError { _ = try read.verify(keys: [keys[1]], threshold: 1, payloadType: type) }?.code
        == .threshold)
    #expect(
      signingError { _ = try read.verify(keys: keys, threshold: 1, payloadType: "x") }?.code == .malformed)
  }

  @Test func aKeyCountsOnce() async throws {
    let pair = try keyPair(1, name: "a")
    let signed = try await envelope([pair])
    let bytes = signed.signatures[0].bytes
    // The same signature five times, under the right, no, and invented identifiers; the key listed twice too.
    let repeated = Envelope(
      payloadType: type, payload: payload,
      signatures: [signed.keyIDOfFirst, signed.keyIDOfFirst, "", "other", String(repeating: "0", count: 64)]
        .map {
          Envelope.Signature(keyID: $0, bytes: bytes)
        })
    let keys = [pair.publicKey, try keyPair(1, name: "alias").publicKey, try keyPair(2, name: "b").publicKey]
    #expect(try repeated.verify(keys: keys, threshold: 1, payloadType: type) == payload)
    #expect(
      signingError { _ = try repeated.verify(keys: keys, threshold: 2, payloadType: type) }?.code
        == .threshold)
  }

  @Test func theHintIsOnlyAHint() async throws {
    let (a, b) = (try keyPair(1, name: "a"), try keyPair(2, name: "b"))
    let bytes = try await envelope([a]).signatures[0].bytes
    // A's signature that claims to be B's is nobody's; with a hint that nobody knows, it is A's.
    let claimed = Envelope(
      payloadType: type, payload: payload, signatures: [.init(keyID: b.publicKey.keyID, bytes: bytes)])
    #expect(claimed.acceptedKeys([a.publicKey, b.publicKey]) == [])
    let unknown = Envelope(
      payloadType: type, payload: payload, signatures: [.init(keyID: "legacy", bytes: bytes)])
    #expect(unknown.acceptedKeys([a.publicKey, b.publicKey]) == [a.publicKey])
  }

  @Test func nothingSignedCanBeChanged() async throws {
    let pair = try keyPair(1, name: "a")
    let signed = try await envelope([pair])
    func isAccepted(_ type: String, _ payload: [UInt8]) -> Bool {
      let changed = Envelope(payloadType: type, payload: payload, signatures: signed.signatures)
      return !changed.acceptedKeys([pair.publicKey]).isEmpty
    }
    #expect(isAccepted(type, payload))
    #expect(!isAccepted(type + " ", payload))
    for bit in 0..<payload.count * 8 {
      var bad = payload
      bad[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(!isAccepted(type, bad))
    }
    // Moving bytes between type and payload changes the lengths.
    #expect(!isAccepted(type + " 17 {", Array(payload.dropFirst())))
  }

  @Test func signingAgainReplacesTheOldSignature() async throws {
    let pair = try keyPair(1, name: "a")
    var signed = try await envelope([pair])
    try await signed.add(FileSigner(pair))
    #expect(signed.signatures.count == 1)
  }

  @Test func acceptsTheURLSafeAlphabetAndUnknownMembers() throws {
    // Bytes that need '-' and '_' (62 and 63).
    let bytes: [UInt8] = [0xfb, 0xff, 0xfe, 0x3e]
    for text in ["+//+Pg==", "-__-Pg=="] {
      let json =
        #"{"x":[1],"payload":"\#(text)","payloadType":"t","signatures":[{"sig":"\#(text)","cert":1}]}"#
      #expect(try Envelope(json: Array(json.utf8), source: "x").payload == bytes)
    }
  }

  @Test(arguments: [
    #"[]"#, #"{}"#, #"{"payload":"","payloadType":"t"}"#,
    #"{"payload":"","payloadType":"t","signatures":[]}"#,
    #"{"payload":"","payloadType":"t","signatures":{}}"#,
    #"{"payload":"","payloadType":"t","signatures":[1]}"#,
    #"{"payload":"","payloadType":"t","signatures":[{"keyid":"a"}]}"#,
    #"{"payload":"","payloadType":"t","signatures":[{"keyid":1,"sig":""}]}"#,
    #"{"payload":"","payloadType":"","signatures":[{"sig":""}]}"#,
    #"{"payload":"","payloadType":7,"signatures":[{"sig":""}]}"#,
    #"{"payloadType":"t","signatures":[{"sig":""}]}"#,
    #"{"payload":"a","payloadType":"t","signatures":[{"sig":""}]}"#,
    #"{"payload":"YQ","payloadType":"t","signatures":[{"sig":""}]}"#,
    #"{"payload":"YR==","payloadType":"t","signatures":[{"sig":""}]}"#,
    #"{"payload":"YQ==\n","payloadType":"t","signatures":[{"sig":""}]}"#,
    #"{"payload":"+_==","payloadType":"t","signatures":[{"sig":""}]}"#,
    #"{"payload":"\u0000\u0000==","payloadType":"t","signatures":[{"sig":""}]}"#,
    #"{"payload":"","payload":"","payloadType":"t","signatures":[{"sig":""}]}"#,
    #"{"payload":"","payloadType":"t","signatures":[{"sig":"","sig":""}]}"#,
  ])
  func refusesOtherShapes(json: String) throws {
    let error = try #require(signingError { _ = try Envelope(json: Array(json.utf8), source: "from afar") })
    #expect(error.code == .malformed)
    #expect(error.description.hasPrefix("from afar is not a DSSE envelope: "))
  }

  @Test func boundsTheNumberOfSignatures() throws {
    func json(_ count: Int) -> [UInt8] {
      let list = [String](repeating: #"{"sig":""}"#, count: count).joined(separator: ",")
      return Array(#"{"payload":"","payloadType":"t","signatures":[\#(list)]}"#.utf8)
    }
    _ = try Envelope(json: json(64), source: "x")
    #expect(signingError { _ = try Envelope(json: json(65), source: "x") }?.code == .malformed)
  }

  @Test func everyTruncationThrows() async throws {
    let json = try await envelope([keyPair(1, name: "a")]).json
    for count in 0..<json.count {
      #expect(
        signingError { _ = try Envelope(json: Array(json.prefix(count)), source: "x") }?.code == .malformed)
    }
  }

  @Test(.enabled(if: hasSecureSystemsLib, "needs python3 with securesystemslib and cryptography"))
  func secureSystemsLibVerifiesOursAndWeVerifyTheirs() async throws {
    try await withScratchDirectory { directory in
      let pair = try Vector.all[0].pair()
      let signed = try await envelope([pair])
      let ours = directory.appending(path: "ours.json").path
      let theirs = directory.appending(path: "theirs.json").path
      try Data(signed.json).write(to: URL(filePath: ours))
      let script = """
        import json, sys
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from securesystemslib.dsse import Envelope
        from securesystemslib.signer import CryptoSigner, SSlibKey
        secret = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(sys.argv[3]))
        signer = CryptoSigner(secret)
        envelope = Envelope.from_dict(json.load(open(sys.argv[1])))
        accepted = envelope.verify([signer.public_key], 1)
        assert list(accepted) == [signer.public_key.keyid], accepted
        assert list(envelope.signatures) == [signer.public_key.keyid]
        other = Envelope(b"their payload", "text/theirs", {})
        other.sign(signer)
        json.dump(other.to_dict(), open(sys.argv[2], "w"))
        """
      #expect(try run(testPython, ["-c", script, ours, theirs, Vector.all[0].seed]).status == 0)
      let read = try Envelope(json: [UInt8](Data(contentsOf: URL(filePath: theirs))), source: theirs)
      #expect(read.signatures.map(\.keyID) == [pair.publicKey.keyID])
      let verified = try read.verify(keys: [pair.publicKey], threshold: 1, payloadType: "text/theirs")
      #expect(verified == Array("their payload".utf8))
    }
  }
}

extension Envelope {
  /// The identifier on the first signature, or nothing.
  var keyIDOfFirst: String { signatures.first?.keyID ?? "" }
}
