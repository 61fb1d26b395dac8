import Bytes
import FoundationEssentials
import Signing
import Testing

@testable import UpdateFramework

/// What a thief of some keys, or one who counts his own key twice, can do: nothing below the threshold.
@Suite struct KeyCompromiseTests {
  @Test func oneOfTwoIsNotEnough() async throws {
    var repository = try TestRepository()
    try await withClient(of: repository) { client in
      try repository.addKey(to: "targets")
      try repository.addKey(to: "targets")
      repository.root.roles["targets"]?.threshold = 2
      try repository.publish("root")
      try repository.publishAll()
      try await client.refresh(repository)
      let keys = try #require(repository.signers["targets"])
      repository.signers["targets"] = [keys[1]]
      try repository.publishAll()
      #expect(await client.refusal(repository) == "threshold targets")
      repository.signers["targets"] = [keys[1], keys[2]]
      try repository.publishAll()
      #expect(await client.refusal(repository) == "accepted")
    }
  }

  @Test func theOldRootsKeysMustAgreeToTheNew() async throws {
    var repository = try TestRepository()
    try await withClient(of: repository) { client in
      let old = try #require(repository.signers["root"])
      try repository.rotateKeys(of: "root")
      let new = try #require(repository.signers["root"])
      for (keys, outcome) in [(new, "threshold root"), (old, "threshold root"), (old + new, "accepted")] {
        repository.signers["root"] = keys
        repository.root.header.version = 1
        try repository.publish("root")
        #expect(await client.refusal(repository) == outcome)
      }
    }
  }

  @Test func aKeyThatSignsTwiceCountsOnce() async throws {
    var repository = try TestRepository()
    try await withClient(of: repository) { client in
      let key = try #require(repository.signers["targets"]?.first)
      // The same key under a second identifier.
      repository.root.keys["alias"] = key.key
      repository.root.roles["targets"]?.keyIDs.append("alias")
      repository.root.roles["targets"]?.threshold = 2
      try repository.publish("root")
      var targets = try #require(repository.targets["targets"])
      targets.header.version = 2
      var metadata = try repository.signed(targets, by: [key])
      metadata.add(
        MetadataSignature(keyID: "alias", text: Hex.encode(try key.signature(over: metadata.signedBytes))))
      #expect(metadata.signatures.count == 2)
      repository.files["metadata/2.targets.json"] = metadata.bytes
      repository.snapshot[role: "targets"] = MetadataFile(version: 2)
      try repository.publish("snapshot", "timestamp")
      #expect(await client.refusal(repository) == "threshold targets")
    }
  }

  @Test func aCompressedPointIsTheSameKey() throws {
    let key = try PrivateKey.generate(.ecdsaP256)
    let compressed = try #require(compressedPEM(of: key.key))
    let spelled = VerificationKey(type: "ecdsa", scheme: "ecdsa-sha2-nistp256", material: compressed)
    #expect(spelled.material != key.key.material)
    #expect(spelled.identity == key.key.identity)
    let message = Array("message".utf8)
    let signature = try key.signature(over: message)
    #expect(spelled.isValidSignature(signature, for: message))
  }

  /// The key with its point written in compressed form (SEC 1, 2.3.3): prefix, then x.
  private func compressedPEM(of key: VerificationKey) -> String? {
    let lines = key.material.split(separator: "\n").filter { !$0.hasPrefix("-") }.joined()
    guard let der = Data(base64Encoded: lines).map(Array.init), der.count == 91 else { return nil }
    let (x, y) = (der[27..<59], der[59...])
    let header: [UInt8] = [0x30, 0x39, 0x30, 0x13] + der[4..<23] + [0x03, 0x22, 0x00]
    let point: [UInt8] = [(y.last ?? 0) & 1 == 0 ? 2 : 3] + x
    return
      "-----BEGIN PUBLIC KEY-----\n\(Data(header + point).base64EncodedString())\n-----END PUBLIC KEY-----\n"
  }

  @Test func peopleAreCountedWhereTheRoleSaysSo() throws {
    let repository = try TestRepository()
    let keys = try (0..<3).map { _ in try PrivateKey.generate(.ed25519) }
    let table = Dictionary(uniqueKeysWithValues: keys.map { (ExactString($0.keyID), $0.key) })
    let ids = keys.map { ExactString($0.keyID) }
    var role = RoleKeys(keyIDs: ids, threshold: 2, people: [ids[0]: "ada", ids[1]: "ada", ids[2]: "bob"])
    let content = try #require(repository.targets["targets"])
    let sameTwice = try repository.signed(content, by: [keys[0], keys[1]])
    #expect(sameTwice.tally(role, keys: table).count == 1)
    #expect(!sameTwice.tally(role, keys: table).isMet)
    let two = try repository.signed(content, by: [keys[0], keys[2]])
    #expect(two.tally(role, keys: table).isMet)
    // A key of nobody's does not count.
    role.people = [ids[0]: "ada"]
    #expect(!two.tally(role, keys: table).isMet)
    role.people = nil
    #expect(sameTwice.tally(role, keys: table).isMet)
  }

  @Test(arguments: PrivateKey.Kind.allCases) func signaturesAreOfTheirKeyAndMessage(_ kind: PrivateKey.Kind)
    throws
  {
    let key = try PrivateKey.generate(kind)
    let message = Array("message".utf8)
    var signature = try key.signature(over: message)
    #expect(key.key.isValidSignature(signature, for: message))
    #expect(!key.key.isValidSignature(signature, for: Array("another".utf8)))
    let stranger = try PrivateKey.generate(kind)
    #expect(!stranger.key.isValidSignature(signature, for: message))
    #expect(!key.key.isValidSignature([], for: message))
    #expect(!key.key.isValidSignature(Array(signature.dropLast()), for: message))
    signature[signature.count - 1] ^= 1
    #expect(!key.key.isValidSignature(signature, for: message))
  }

  @Test func aKeyOfAnotherKindThanItSaysIsNone() throws {
    let p256 = try PrivateKey.generate(.ecdsaP256).key.material
    let ed25519 = try PrivateKey.generate(.ed25519).key.material
    for (type, scheme, material) in [
      ("rsa", "rsassa-pss-sha256", p256), ("ecdsa", "ecdsa-sha2-nistp384", p256),
      ("ed25519", "ed25519", p256),
      ("ecdsa", "ecdsa-sha2-nistp256", ed25519), ("ecdsa", "ed25519", p256), ("new", "new", p256),
      ("ecdsa", "ecdsa-sha2-nistp256", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
      ("ed25519", "ed25519", "00"),
      ("ecdsa", "ecdsa-sha2-nistp256", "04" + String(repeating: "00", count: 64)),
    ] {
      #expect(!VerificationKey(type: type, scheme: scheme, material: material).isUsable)
    }
  }
}
