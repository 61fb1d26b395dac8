import Bytes
import Foundation
import Glibc
import Signing
import TestSupport
import Testing

@Suite struct SecretKeyFileTests {
  let vector = Vector.all[0]

  /// A locked file and what opens it.
  func locked() throws -> (file: SecretKeyFile, passphrase: SecretBytes) {
    let passphrase = try SecretBytes(utf8: "correct horse")
    return (try SecretKeyFile(vector.pair(), protection: .passphrase(passphrase, cost: cheap())), passphrase)
  }

  @Test func roundTripsUnderAPassphrase() throws {
    let (file, passphrase) = try locked()
    let read = try SecretKeyFile(text: Array(file.text.utf8), source: "x.key")
    #expect(read.isEncrypted)
    #expect(read.publicKey == (try vector.pair().publicKey))
    #expect(Hex.encode(try read.unlock(passphrase: passphrase).sign([])) == vector.signature)
    #expect(read.text == file.text)
  }

  @Test func twoFilesOfOneKeyShareNothingThatIsRandom() throws {
    #expect(try locked().file.text != locked().file.text)
  }

  @Test func theDefaultCostIsModerate() throws {
    let file = try SecretKeyFile(vector.pair(), protection: .passphrase(SecretBytes(utf8: "x")))
    #expect(file.text.contains(#""kdf":{"memory_kib":262144,"passes":3,"#))
    #expect(try file.unlock(passphrase: SecretBytes(utf8: "x")).publicKey == file.publicKey)
  }

  @Test func aWrongPassphraseAndNoneAreToldApart() throws {
    let (file, _) = try locked()
    for wrong in ["correct horsf", "correct hors", "correct horse ", ""] {
      let error = try #require(signingError { _ = try file.unlock(passphrase: SecretBytes(utf8: wrong)) })
      #expect(error.code == .wrongPassphrase)
    }
    #expect(signingError { _ = try file.unlock(passphrase: nil) }?.code == .noPassphrase)
    let empty = try SecretBytes(utf8: "")
    #expect(
      signingError { _ = try SecretKeyFile(vector.pair(), protection: .passphrase(empty)) }?.code
        == .noPassphrase)
  }

  @Test func everyFlippedBitIsNoticed() throws {
    let (file, passphrase) = try locked()
    let good = Array(file.text.utf8)
    for bit in 0..<(good.count - 1) * 8 {
      var bad = good
      bad[bit / 8] ^= 1 << UInt8(bit % 8)
      let error = signingError {
        _ = try SecretKeyFile(text: bad, source: "x.key").unlock(passphrase: passphrase)
      }
      #expect(error != nil, "bit \(bit % 8) of byte \(bit / 8)")
    }
  }

  @Test func everyTruncationThrows() throws {
    let plain = try SecretKeyFile(vector.pair(), protection: .none)
    for text in [try locked().file.text, plain.text] {
      let good = Array(text.utf8)
      for count in 0..<good.count - 1 {
        let error = signingError { _ = try SecretKeyFile(text: Array(good.prefix(count)), source: "x") }
        #expect(error?.code == .malformed, "first \(count) bytes")
      }
    }
  }

  @Test(arguments: [
    (#""memory_kib":8"#, #""memory_kib":4194304"#),
    (#""memory_kib":8"#, #""memory_kib":9223372036854775807"#),
    (#""memory_kib":8"#, #""memory_kib":7"#), (#""memory_kib":8"#, #""memory_kib":-8"#),
    (#""passes":1"#, #""passes":1000000"#), (#""passes":1"#, #""passes":0"#),
    ("netimg-secret-key-1", "netimg-secret-key-2"), ("argon2id+xchacha20poly1305", "rot13"),
  ])
  func refusesBombsAndUnknownAlgorithms(what: String, by: String) throws {
    let text = try locked().file.text
    #expect(text.contains(what))
    let hostile = Array(text.replacingOccurrences(of: what, with: by).utf8)
    #expect(signingError { _ = try SecretKeyFile(text: hostile, source: "x") }?.code == .unsupported)
  }

  @Test(arguments: [
    (#""memory_kib":8"#, #""memory_kib":8.0"#), (#""memory_kib":8"#, #""memory_kib":1e99"#),
    (#""memory_kib":8"#, #""memory_kib":99999999999999999999"#), (#""memory_kib":8"#, #""memory_kib":"8""#),
    (#""name":"#, #""note":"","name":"#), (#""passes":1"#, #""passes":1,"lanes":4"#),
    (#""passes":1"#, #""passes":1,"passes":1"#), (#""keyid":"7"#, #""keyid":"8"#),
    (#""public":"d7"#, #""public":"D7"#), (#""nonce":""#, #""nonce":"AAAA"#),
    (#"{"ciphertext":"#, #"{"cipher":"#),
  ])
  func refusesOtherShapes(what: String, by: String) throws {
    let text = try locked().file.text
    #expect(text.contains(what))
    let hostile = Array(text.replacingOccurrences(of: what, with: by).utf8)
    #expect(signingError { _ = try SecretKeyFile(text: hostile, source: "x") }?.code == .malformed)
  }

  @Test func anUnencryptedFileSaysSo() throws {
    let file = try SecretKeyFile(vector.pair(), protection: .none)
    #expect(file.text.contains(#""encryption":"none""#))
    #expect(file.text.contains("whoever reads this file can sign"))
    let read = try SecretKeyFile(text: Array(file.text.utf8), source: "x")
    #expect(!read.isEncrypted)
    #expect(Hex.encode(try read.unlock(passphrase: nil).sign([])) == vector.signature)
    let unmarked = file.text.replacingOccurrences(of: "whoever", with: "nobody")
    #expect(
      signingError { _ = try SecretKeyFile(text: Array(unmarked.utf8), source: "x") }?.code == .malformed)
  }

  @Test func aSecretOfAnotherKeyIsRefused() throws {
    let seed = try Data(unhex(vector.seed)).base64EncodedString()
    let other = try Data(unhex(Vector.all[1].seed)).base64EncodedString()
    let text = try SecretKeyFile(vector.pair(), protection: .none).text
    #expect(text.contains(seed))
    let file = try SecretKeyFile(
      text: Array(text.replacingOccurrences(of: seed, with: other).utf8), source: "x")
    #expect(signingError { _ = try file.unlock(passphrase: nil) }?.code == .invalidKey)
  }

  @Test func theFileIsOursAloneAndNeverReplaced() async throws {
    try await withScratchDirectory { directory in
      let path = directory.appending(path: "x.key").path
      let (file, passphrase) = try locked()
      try file.write(path)
      var status = stat()
      #expect(stat(path, &status) == 0)
      #expect(status.st_mode & 0o7777 == 0o600)
      let error = try #require(signingError { try file.write(path) })
      #expect(error.code == .exists)
      #expect(error.description.contains(path))
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["x.key"])
      #expect(try SecretKeyFile.read(path).unlock(passphrase: passphrase).publicKey == file.publicKey)
      for mode: mode_t in [0o640, 0o604, 0o620, 0o601] {
        chmod(path, mode)
        #expect(signingError { _ = try SecretKeyFile.read(path) }?.code == .permissions)
      }
    }
  }

  @Test func aDanglingLinkIsNotFollowedWhenWriting() async throws {
    try await withScratchDirectory { directory in
      let path = directory.appending(path: "x.key").path
      #expect(symlink(directory.appending(path: "target").path, path) == 0)
      #expect(signingError { try locked().file.write(path) }?.code == .exists)
      #expect(!FileManager.default.fileExists(atPath: directory.appending(path: "target").path))
    }
  }

  @Test func whatIsNoKeyFileIsRefusedWithItsPath() async throws {
    try await withScratchDirectory { directory in
      #expect(signingError { _ = try SecretKeyFile.read("\(directory.path)/none") }?.code == .notFound)
      #expect(signingError { _ = try SecretKeyFile.read(directory.path) }?.code == .malformed)
      let big = directory.appending(path: "big").path
      try Data(count: 20_000).write(to: URL(filePath: big))
      chmod(big, 0o600)
      let error = try #require(signingError { _ = try SecretKeyFile.read(big) })
      #expect(error.code == .malformed)
      #expect(error.description.contains(big))
    }
  }

  @Test(.enabled(if: hasPyNaCl, "needs python3 with PyNaCl"))
  func anotherProgramOpensTheFileByItsDescription() async throws {
    try await withScratchDirectory { directory in
      let path = directory.appending(path: "x.key").path
      let file = try SecretKeyFile(
        vector.pair(),
        protection: .passphrase(SecretBytes(utf8: "pass"), cost: Argon2id(passes: 2, memoryKiB: 64)))
      try file.write(path)
      let script = """
        import base64, json, sys
        from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as decrypt
        from nacl.pwhash import argon2id
        f = json.load(open(sys.argv[1])); kdf = f["kdf"]
        c = base64.b64decode(f.pop("ciphertext"))
        salt = base64.b64decode(kdf["salt"])
        key = argon2id.kdf(32, b"pass", salt, kdf["passes"], kdf["memory_kib"] * 1024)
        header = json.dumps(f, sort_keys=True, separators=(",", ":")).encode()
        print(decrypt(c, header, base64.b64decode(f["nonce"]), key).hex())
        """
      let (status, output) = try run(testPython, ["-c", script, path])
      #expect(status == 0)
      #expect(String(decoding: output, as: UTF8.self) == vector.seed + "\n")
    }
  }
}
