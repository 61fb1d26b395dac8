import Bytes
import Foundation
import Glibc
import Signing
import TestSupport
import Testing

@testable import SecureBoot

@Suite("Secure Boot keys on disk")
struct SecureBootKeySetTests {
  private static let owner = "3a324802-40b4-4038-907e-9f6ce0c74b57"

  private func request(
    _ protection: SecretKeyFile.Protection = .none, under: SecureBootKeySigner? = nil
  ) throws -> SecureBootKeySet.Request {
    SecureBootKeySet.Request(
      owner: try EFIGUID(Self.owner), time: Keys.time, protection: protection, keyExchange: under)
  }

  private func passphrase(_ text: String = "sesame") throws -> SecretBytes { try SecretBytes(utf8: text) }

  private struct Unexpected: Error {}

  @Test("a set has the three keys and all that enrols them, private and complete")
  func make() async throws {
    try await Workshop.with { shop in
      let ring = KeyRing(directory: shop.path("keys"))
      let keys = try SecureBootKeySet("lab", in: ring)
      #expect(!keys.exists)
      try await keys.make(request())
      let names = try FileManager.default.contentsOfDirectory(atPath: keys.directory).sorted()
      let expected = ["PK", "KEK", "db"].flatMap { role in
        ["key", "crt", "cer", "esl", "auth"].map { "\(role).\($0)" }
      }
      #expect(names == (expected + ["db.add.auth", "noPK.auth", "owner"]).sorted())
      for name in names {
        var status = stat()
        #expect(stat("\(keys.directory)/\(name)", &status) == 0)
        #expect(status.st_mode & 0o777 == (name.hasSuffix(".key") ? 0o600 : 0o644), "\(name)")
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: ring.directory) == ["lab.secure-boot"])
      #expect(keys.roles == [.platform, .keyExchange, .database])
      #expect(try keys.owner().description == Self.owner)
      for role in SecureBootRole.allCases {
        let certificate = try keys.certificate(role)
        #expect(certificate.name == "lab \(role.rawValue)")
        let read = try shop.read("keys/lab.secure-boot/\(role.rawValue).cer")
        #expect(read == certificate.der)
        let signer = try keys.signer(role) { throw Unexpected() }
        #expect(signer.certificate == certificate)
      }
      #expect(try SecureBootKeySet.list(in: ring).map(\.name) == ["lab"])
      #expect(await code { try await keys.make(try request()) } == .exists)
    }
  }

  @Test("each write is signed by the key above, in the firmware's order")
  func chain() async throws {
    try await Workshop.with { shop in
      let keys = try SecureBootKeySet("lab", in: KeyRing(directory: shop.path("keys")))
      try await keys.make(request())
      let parents: [(String, SecureBootRole, SecureBootRole, Bool)] = [
        ("PK", .platform, .platform, false), ("KEK", .keyExchange, .platform, false),
        ("db", .database, .keyExchange, false), ("db.add", .database, .keyExchange, true),
      ]
      for (file, role, parent, isAppended) in parents {
        let list = try shop.read("keys/lab.secure-boot/\(role.rawValue).esl")
        let expected = try await AuthenticatedVariable.encode(
          role, list, isAppended: isAppended,
          // Replacing db comes after adding to it, and must be newer.
          time: CivilTime(seconds: file == "db" ? Keys.time + 1 : Keys.time),
          signer: keys.signer(parent) { throw Unexpected() })
        #expect(try shop.read("keys/lab.secure-boot/\(file).auth") == expected, "\(file)")
      }
    }
  }

  @Test("secret halves are encrypted, and open with the passphrase alone")
  func encrypted() async throws {
    try await Workshop.with { shop in
      let keys = try SecureBootKeySet("lab", in: KeyRing(directory: shop.path("keys")))
      try await keys.make(
        request(.passphrase(passphrase(), cost: Argon2id(passes: 1, memoryKiB: 8))))
      #expect(try keys.signer(.database) { try passphrase() }.certificate == keys.certificate(.database))
      for role in SecureBootRole.allCases {
        let error = #expect(throws: SigningError.self) { try keys.signer(role) { try passphrase("other") } }
        #expect(error?.code == .wrongPassphrase)
        let text = String(decoding: try shop.read("keys/lab.secure-boot/\(role.rawValue).key"), as: UTF8.self)
        #expect(text.contains("argon2id+xchacha20poly1305") && !text.contains("\"rsa\""))
      }
    }
  }

  @Test("files of different keys beside each other are noticed, and so is a secret that is elsewhere")
  func mixed() async throws {
    try await Workshop.with { shop in
      let ring = KeyRing(directory: shop.path("keys"))
      let (one, other) = (try SecureBootKeySet("one", in: ring), try SecureBootKeySet("other", in: ring))
      try await one.make(request())
      try await other.make(request())
      let secret = try shop.read("keys/one.secure-boot/db.key")
      for wrong in ["keys/other.secure-boot/db.key", "keys/one.secure-boot/KEK.key"] {
        try shop.write(try shop.read(wrong), "keys/one.secure-boot/db.key")
        #expect(code { _ = try one.signer(.database) { throw Unexpected() } } == .mismatch)
      }
      try shop.write(secret, "keys/one.secure-boot/db.key")
      chmod(shop.path("keys/one.secure-boot/db.key"), 0o644)
      let error = #expect(throws: SigningError.self) { try one.signer(.database) { throw Unexpected() } }
      #expect(error?.code == .permissions)
      unlink(shop.path("keys/one.secure-boot/db.key"))
      #expect(code { _ = try one.signer(.database) { throw Unexpected() } } == .notFound)
      #expect(!one.hasSecret(.database) && one.hasSecret(.platform))
      let none = try SecureBootKeySet("none", in: ring)
      #expect(code { _ = try none.signer(.database) { throw Unexpected() } } == .notFound)
    }
  }

  @Test("a db key under another's KEK: its writes are signed by that KEK")
  func under() async throws {
    try await Workshop.with { shop in
      let ring = KeyRing(directory: shop.path("keys"))
      let (lab, next) = (try SecureBootKeySet("lab", in: ring), try SecureBootKeySet("next", in: ring))
      try await lab.make(request())
      let exchange = try lab.signer(.keyExchange) { throw Unexpected() }
      try await next.make(request(under: exchange))
      #expect(next.roles == [.database])
      let list = try shop.read("keys/next.secure-boot/db.esl")
      for (file, isAppended) in [("db.auth", false), ("db.add.auth", true)] {
        let expected = try await AuthenticatedVariable.encode(
          .database, list, isAppended: isAppended,
          time: CivilTime(seconds: isAppended ? Keys.time : Keys.time + 1), signer: exchange)
        #expect(try shop.read("keys/next.secure-boot/\(file)") == expected)
      }
    }
  }

  @Test("a directory that cannot be written leaves nothing behind")
  func unwritable() async throws {
    try await Workshop.with { shop in
      try shop.write([], "file")
      let keys = try SecureBootKeySet("lab", in: KeyRing(directory: shop.path("file")))
      await #expect(throws: (any Error).self) { try await keys.make(try request()) }
      #expect(try FileManager.default.contentsOfDirectory(atPath: shop.directory.path) == ["file"])
    }
  }
}
