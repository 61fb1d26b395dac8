import Foundation
import Glibc
import Signing
import TestSupport
import Testing

@Suite struct KeyRingTests {
  func withRing(_ body: (KeyRing) async throws -> Void) async throws {
    try await withScratchDirectory { directory in
      try await body(KeyRing(directory: directory.appending(path: "config/keys").path))
    }
  }

  func mode(_ path: String) -> mode_t {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
  }

  @Test func keepsBothHalvesWithTheirModes() async throws {
    try await withRing { ring in
      #expect(try ring.list() == [])
      let pair = try keyPair(1, name: "build")
      let entry = try ring.add(pair, protection: .passphrase(SecretBytes(utf8: "p"), cost: cheap()))
      #expect(entry.secretPath == "\(ring.directory)/build.key")
      #expect(try ring.list() == [entry])
      #expect(mode(ring.directory) == 0o700)
      #expect(mode(try ring.secretPath("build")) == 0o600)
      #expect(mode(try ring.publicPath("build")) == 0o644)
      #expect(
        try Data(contentsOf: URL(filePath: ring.publicPath("build")))
          == Data((pair.publicKey.line + "\n").utf8))
      let file = try SecretKeyFile.read(ring.secretPath("build"))
      #expect(try file.unlock(passphrase: SecretBytes(utf8: "p")).publicKey == pair.publicKey)
    }
  }

  @Test func neverReplacesAKey() async throws {
    try await withRing { ring in
      try ring.add(keyPair(1, name: "a"), protection: .none)
      let before = try Data(contentsOf: URL(filePath: ring.secretPath("a")))
      #expect(signingError { try ring.add(keyPair(2, name: "a"), protection: .none) }?.code == .exists)
      #expect(try Data(contentsOf: URL(filePath: ring.secretPath("a"))) == before)
      // Only a public half, of somebody else perhaps: it stays, and no secret half appears beside it.
      try keyPair(3, name: "theirs").publicKey.write(ring.publicPath("theirs"))
      #expect(signingError { try ring.add(keyPair(4, name: "theirs"), protection: .none) }?.code == .exists)
      #expect(try ring.find("theirs").secretPath == nil)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: ring.directory).sorted() == [
          "a.key", "a.pub", "theirs.pub",
        ])
    }
  }

  @Test func listsSortedAndIgnoresStrangers() async throws {
    try await withRing { ring in
      for name in ["prod", "build", "dev"] {
        try ring.add(keyPair(UInt8(name.utf8.count), name: name), protection: .none)
      }
      for name in ["README", ".key", "notes.txt", "-x.pub"] {
        try Data("x".utf8).write(to: URL(filePath: "\(ring.directory)/\(name)"))
      }
      #expect(unlink(try ring.publicPath("dev")) == 0)
      #expect(try ring.list().map(\.publicKey.name) == ["build", "dev", "prod"])
    }
  }

  @Test func findsByNameOrIdentifier() async throws {
    try await withRing { ring in
      let a = try ring.add(keyPair(1, name: "a"), protection: .none)
      let b = try ring.add(keyPair(2, name: "b"), protection: .none)
      #expect(try ring.find("b") == b)
      #expect(try ring.find(String(a.publicKey.keyID.prefix(8))) == a)
      #expect(try ring.find(a.publicKey.keyID.uppercased()) == a)
      #expect(signingError { _ = try ring.find(String(a.publicKey.keyID.prefix(7))) }?.code == .notFound)
      let error = try #require(signingError { _ = try ring.find("c") })
      #expect(error.code == .notFound)
      #expect(error.description.hasSuffix("it has a, b"))
      // The same key under two names: its identifier does not say which.
      try ring.add(keyPair(1, name: "twin"), protection: .none)
      #expect(signingError { _ = try ring.find(a.publicKey.keyID) }?.code == .ambiguous)
      #expect(try ring.find("twin").publicKey.name == "twin")
    }
  }

  @Test func aFileUnderAnotherNameIsSeen() async throws {
    try await withRing { ring in
      try ring.add(keyPair(1, name: "a"), protection: .none)
      #expect(rename(try ring.publicPath("a"), try ring.publicPath("b")) == 0)
      let error = try #require(signingError { _ = try ring.list() })
      #expect(error.code == .malformed)
      #expect(error.description.contains("b.pub"))
    }
  }

  @Test func namesCannotLeaveTheDirectory() {
    let ring = KeyRing(directory: "/keys")
    for name in ["../x", "a/b", "", ".."] {
      #expect(signingError { _ = try ring.secretPath(name) }?.code == .invalidName)
      #expect(signingError { _ = try ring.publicPath(name) }?.code == .invalidName)
    }
  }

  @Test(arguments: [
    (["NETIMG_KEYS": "/k", "XDG_CONFIG_HOME": "/c", "HOME": "/h"], "/k"),
    (["NETIMG_KEYS": "", "XDG_CONFIG_HOME": "/c", "HOME": "/h"], "/c/netimg/keys"),
    (["XDG_CONFIG_HOME": "relative", "HOME": "/h"], "/h/.config/netimg/keys"),
  ])
  func theEnvironmentSaysWhere(environment: [String: String], expected: String) throws {
    #expect(try KeyRing.default(environment: environment).directory == expected)
  }

  @Test func anEmptyEnvironmentSaysWhatToSet() throws {
    let error = try #require(signingError { _ = try KeyRing.default(environment: ["HOME": ""]) })
    #expect(error.code == .noLocation)
    #expect(error.description.contains("set NETIMG_KEYS"))
  }
}
