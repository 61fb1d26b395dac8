import Bytes
import Foundation
import Signing
import TestSupport
import Testing

@Suite struct SecrecyTests {
  let vector = Vector.all[0]
  let passphrase = "open sesame 4711"

  /// Every way that the secrets might show in a text.
  func leaks(in text: String) throws -> [String] {
    let seed = try unhex(vector.seed)
    let forms = [
      vector.seed, vector.seed.uppercased(), Data(seed).base64EncodedString(), passphrase,
      Data(passphrase.utf8).base64EncodedString(), "\(seed[0]), \(seed[1])",
    ]
    return forms.filter { text.contains($0) }
  }

  @Test func secretsPrintAsTheirCount() throws {
    let pair = try vector.pair()
    let secret = try SecretBytes(utf8: passphrase)
    let file = try SecretKeyFile(pair, protection: .none)
    var shown =
      "\(secret) \(String(reflecting: secret)) \(pair) \(String(reflecting: pair)) \(FileSigner(pair))"
    shown += "\(file) \(SecretKeyFile.Protection.passphrase(secret))"
    dump(secret, to: &shown)
    dump(pair, to: &shown)
    dump(file, to: &shown)
    #expect(shown.contains("(16 secret bytes)"))
    #expect(try leaks(in: shown) == [])
    // The search itself works.
    #expect(try !leaks(in: file.text).isEmpty)
  }

  @Test func noErrorHoldsASecret() async throws {
    try await withScratchDirectory { directory in
      let secret = try SecretBytes(utf8: passphrase)
      let pair = try vector.pair()
      let plain = try SecretKeyFile(pair, protection: .none)
      let locked = try SecretKeyFile(pair, protection: .passphrase(secret, cost: cheap()))
      var errors: [String] = []
      func collect(_ body: () throws -> Void) {
        do { try body() } catch { errors.append("\(error) \(String(reflecting: error))") }
      }
      let good = Array(plain.text.utf8)
      for bit in 0..<good.count * 8 {
        var bad = good
        bad[bit / 8] ^= 1 << UInt8(bit % 8)
        collect { _ = try SecretKeyFile(text: bad, source: "x").unlock(passphrase: nil) }
      }
      for count in 0..<good.count {
        collect { _ = try SecretKeyFile(text: Array(good.prefix(count)), source: "x") }
      }
      collect { _ = try locked.unlock(passphrase: SecretBytes(utf8: passphrase + "!")) }
      let path = directory.appending(path: "file").path
      try Data((passphrase + "\nsecond line").utf8).write(to: URL(filePath: path))
      collect { _ = try Passphrase.read(file: path) }
      try plain.write(directory.appending(path: "x.key").path)
      collect { try plain.write(directory.appending(path: "x.key").path) }
      #expect(errors.count > 2500)
      for error in Set(errors).sorted() { #expect(try leaks(in: error) == [], "\(error)") }
    }
  }

  @Test func comparesWhole() throws {
    let one = try SecretBytes(utf8: "abc")
    #expect(one.isEqual(to: try SecretBytes(utf8: "abc")))
    #expect(!one.isEqual(to: try SecretBytes(utf8: "abd")))
    #expect(!one.isEqual(to: try SecretBytes(utf8: "ab")))
    #expect(try SecretBytes(utf8: "").isEqual(to: SecretBytes(utf8: "")))
  }

  @Test func whatFillThrowsComesOut() {
    #expect(throws: BadFixture.self) { try SecretBytes(count: 8) { _ in throw BadFixture() } }
  }
}
