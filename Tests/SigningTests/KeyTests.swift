import Bytes
import Foundation
import Signing
import TestSupport
import Testing

@Suite struct KeyTests {
  @Test(arguments: Vector.all)
  func signsAsRFC8032Says(vector: Vector) throws {
    let pair = try vector.pair()
    #expect(Hex.encode(pair.publicKey.bytes) == vector.publicKey)
    let message = try unhex(vector.message)
    #expect(Hex.encode(pair.sign(message)) == vector.signature)
    #expect(pair.publicKey.isValidSignature(try unhex(vector.signature), for: message))
  }

  @Test func everyFlippedBitBreaksASignature() throws {
    let vector = Vector.all[2]
    let key = try vector.pair().publicKey
    let message = try unhex(vector.message)
    let good = try unhex(vector.signature)
    for bit in 0..<good.count * 8 {
      var bad = good
      bad[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(!key.isValidSignature(bad, for: message), "bit \(bit)")
    }
    for bit in 0..<message.count * 8 {
      var bad = message
      bad[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(!key.isValidSignature(good, for: bad))
    }
    for count in [0, 1, 63, 65] {
      #expect(!key.isValidSignature(Array((good + [0]).prefix(count)), for: message))
    }
  }

  @Test func refusesAnSThatIsNotReduced() throws {
    // S + L verifies the same equation: a second signature that nobody made (RFC 8032, section 5.1.7).
    let vector = Vector.all[1]
    let order = try unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
    var forged = try unhex(vector.signature)
    var carry = 0
    for index in 0..<32 {
      let sum = Int(forged[32 + index]) + Int(order[index]) + carry
      forged[32 + index] = UInt8(sum & 0xff)
      carry = sum >> 8
    }
    #expect(carry == 0)
    #expect(!(try vector.pair().publicKey.isValidSignature(forged, for: unhex(vector.message))))
  }

  @Test func refusesKeysOfSmallOrder() throws {
    // With the neutral element as key, R = S·B for S = 0 is "valid" for every message.
    let neutral = [1] + [UInt8](repeating: 0, count: 31)
    let key = try PublicKey(bytes: neutral, name: "neutral")
    #expect(!key.isValidSignature(neutral + [UInt8](repeating: 0, count: 32), for: [1, 2, 3]))
  }

  @Test func theKeyIDIsThatOfSecureSystemsLib() throws {
    // securesystemslib 1.6.0: compute_default_keyid("ed25519", "ed25519", {"public": …}).
    let key = try Vector.all[0].pair("any").publicKey
    #expect(key.keyID == "74c181c7ad8a0855d4b55e44d2ba87aabdddb196832571f15f92fece332e4916")
    #expect(
      key.metadata.canonical
        == #"{"keytype":"ed25519","keyval":{"public":"\#(Vector.all[0].publicKey)"},"scheme":"ed25519"}"#)
    #expect(key.keyID == (try Vector.all[0].pair("other").publicKey.keyID))
  }

  @Test func generatedPairsDifferAndWork() throws {
    let one = try KeyPair.generate(name: "one")
    let two = try KeyPair.generate(name: "two")
    #expect(one.publicKey.bytes != two.publicKey.bytes)
    #expect(one.publicKey.isValidSignature(one.sign([1]), for: [1]))
    #expect(!two.publicKey.isValidSignature(one.sign([1]), for: [1]))
  }

  @Test func theLineRoundTrips() throws {
    let key = try Vector.all[0].pair("ci-build.2026_1").publicKey
    #expect(key.line == "netimg-ed25519 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= ci-build.2026_1")
    #expect(try PublicKey(line: key.line, source: "x") == key)
    #expect(try PublicKey(line: "  \(key.line)\r\n", source: "x") == key)
  }

  @Test(arguments: [
    "", "netimg-ed25519", "netimg-ed25519 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "ssh-ed25519 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= x",
    "netimg-ed25519 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo x",
    "netimg-ed25519 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURp= x",
    "netimg-ed25519 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= x y",
  ])
  func refusesOtherLines(line: String) throws {
    let error = try #require(signingError { _ = try PublicKey(line: line, source: "a.pub") })
    #expect(error.code == .malformed)
    #expect(error.description.hasPrefix("a.pub is not a public key"))
  }

  @Test func refusesKeysOfOtherLengths() throws {
    #expect(
      signingError { _ = try PublicKey(line: "netimg-ed25519 AAAA x", source: "a") }?.code == .invalidKey)
    #expect(signingError { _ = try PublicKey(bytes: [], name: "x") }?.code == .invalidKey)
    let short = try SecretBytes(utf8: "short")
    #expect(signingError { _ = try KeyPair(seed: short, name: "x") }?.code == .invalidKey)
  }

  @Test(arguments: ["", ".", "..", "-x", ".x", "a/b", "a b", "ä", "a\n", String(repeating: "a", count: 65)])
  func refusesNamesThatAreNoFileNames(name: String) {
    #expect(signingError { _ = try keyPair(1, name: name) }?.code == .invalidName)
  }

  @Test(.enabled(if: hasOpenSSL, "needs openssl"), arguments: Vector.all)
  func opensslVerifiesWithTheExportedKey(vector: Vector) async throws {
    try await withScratchDirectory { directory in
      let pair = try vector.pair()
      let message = Array("netimg".utf8) + (try unhex(vector.message))
      func file(_ name: String) -> String { directory.appending(path: name).path }
      try Data(pair.publicKey.pem.utf8).write(to: URL(filePath: file("key.pem")))
      try Data(message).write(to: URL(filePath: file("message")))
      try Data(pair.sign(message)).write(to: URL(filePath: file("signature")))
      let verify = [
        "pkeyutl", "-verify", "-pubin", "-inkey", file("key.pem"), "-rawin", "-in", file("message"),
        "-sigfile", file("signature"),
      ]
      #expect(try run("openssl", verify).status == 0)
      try Data(message + [0]).write(to: URL(filePath: file("message")))
      #expect(try run("openssl", verify).status != 0)
      // And the other way round: openssl's key and our verification.
      try writePKCS8(vector.seed, file("secret.pem"))
      let signed = try run(
        "openssl",
        ["pkeyutl", "-sign", "-inkey", file("secret.pem"), "-rawin", "-in", file("message")])
      #expect(pair.publicKey.isValidSignature([UInt8](signed.output), for: message + [0]))
    }
  }
}
