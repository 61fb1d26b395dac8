import Bytes
import Foundation
import ImageFormat
import SecureBoot
import Signing
import TestSupport
import Testing

@testable import ImageBuilder

@Suite(
  "signing releases for Secure Boot",
  .enabled(if: TinyImage.isPossible, "missing: \(TinyImage.missingTools.joined(separator: ", "))"))
struct ReleaseSecureBootTests {
  private func signer(_ name: String) throws -> SecureBootKeySigner {
    let key = try RSAPrivateKey.generate()
    return try SecureBootKeySigner(
      key: key, certificate: X509Certificate(selfSigned: key, name: name, validFrom: 1_700_000_000))
  }

  @Test("the release stays what it is; the signed file is its UKI, and verification shows who signed")
  func sign() async throws {
    let one = try signer("one")
    try await ReleaseFixture.with { release in
      let before = try digests(release)
      let uki = try release.read(ReleaseFile.uki)
      let outcome = try await ReleaseSecureBoot.sign(release.directory, by: one, alone: false)
      #expect(outcome.isChanged && outcome.signers == [one.certificate])
      let bytes = try release.read(ReleaseFile.signedUKI)
      #expect(outcome.digest == SHA256.digest(of: bytes).hex && outcome.size == bytes.count)
      var after = try digests(release)
      #expect(after.removeValue(forKey: ReleaseFile.signedUKI) != nil)
      #expect(after == before)
      // Without its signatures, it is the very file that release.json names.
      let image = try PEImage(ByteRope(bytes))
      #expect(try image.replacingCertificates([]).flattened() == uki)
      #expect(PCR11.expected(of: image).hex == release.built.release.pcr11.boot)
      let verified = try await ReleaseVerifier(release.directory)
        .verify(keys: [release.key.publicKey], threshold: 1, secureBoot: [one.certificate])
      #expect(verified.findings == [] && verified.secureBoot == [one.certificate])
      #expect(verified.digest == SHA256.digest(of: release.built.manifest).hex)
    }
  }

  @Test("a second key adds its signature, the same key none; --only leaves one")
  func rotation() async throws {
    let (one, two) = (try signer("one"), try signer("two"))
    try await ReleaseFixture.with { release in
      func sign(_ signer: SecureBootKeySigner, alone: Bool = false) async throws -> ReleaseSecureBoot.Outcome
      {
        try await ReleaseSecureBoot.sign(release.directory, by: signer, alone: alone)
      }
      _ = try await sign(one)
      let once = try release.read(ReleaseFile.signedUKI)
      #expect(try await !sign(one).isChanged)
      #expect(try release.read(ReleaseFile.signedUKI) == once)
      #expect(try await sign(two).signers == [one.certificate, two.certificate])
      let both = try release.read(ReleaseFile.signedUKI)
      let again = try await sign(one)
      #expect(!again.isChanged && again.signers.count == 2)
      #expect(try await sign(two, alone: true).signers == [two.certificate])
      #expect(try await sign(one, alone: true).signers == [one.certificate])
      #expect(try release.read(ReleaseFile.signedUKI) == once)
      _ = try await sign(two)
      #expect(try release.read(ReleaseFile.signedUKI) == both)
      #expect(try await release.findings() == [])
    }
  }

  @Test("somebody whose signature is demanded and missing is a finding")
  func demanded() async throws {
    let (one, two) = (try signer("one"), try signer("two"))
    try await ReleaseFixture.with { release in
      func findings() async throws -> [String] {
        try await ReleaseVerifier(release.directory)
          .verify(keys: [], threshold: 1, secureBoot: [one.certificate]).findings
      }
      #expect(try await findings().count == 1)
      _ = try await ReleaseSecureBoot.sign(release.directory, by: two, alone: false)
      let found = try await findings()
      #expect(found.count == 1 && found[0].contains("by one (sha256:\(one.certificate.fingerprint.hex))"))
      _ = try await ReleaseSecureBoot.sign(release.directory, by: one, alone: false)
      #expect(try await findings() == [])
    }
  }

  @Test("a signed file that was changed, cut, unsigned or another program is a finding")
  func damaged() async throws {
    let one = try signer("one")
    try await ReleaseFixture.with { release in
      _ = try await ReleaseSecureBoot.sign(release.directory, by: one, alone: false)
      let good = try release.read(ReleaseFile.signedUKI)
      let uki = try release.read(ReleaseFile.uki)
      for offset in [2, uki.count / 2, uki.count - 1, good.count - 200] {
        try release.flip(ReleaseFile.signedUKI, at: offset)
        let found = try await release.findings()
        #expect(found.count == 1 && found[0].contains(ReleaseFile.signedUKI), "byte \(offset): \(found)")
        try release.write(good, to: ReleaseFile.signedUKI)
      }
      for bytes in [uki, [], Array(good.dropLast(8)), good + [0], Array(good[..<1000])] {
        try release.write(bytes, to: ReleaseFile.signedUKI)
        #expect(try await release.findings().count == 1)
      }
      // A good signature by the right key, but of another program.
      let other = try await Authenticode.sign(
        PEImage(ByteRope(uki + [UInt8](repeating: 1, count: 8))), by: one)
      try release.write(other.flattened(), to: ReleaseFile.signedUKI)
      #expect(try await release.findings().contains { $0.contains("is another program than uki.efi") })
      await #expect(throws: BuildError.self) {
        try await ReleaseSecureBoot.sign(release.directory, by: one, alone: false)
      }
      #expect(try await ReleaseSecureBoot.sign(release.directory, by: one, alone: true).isChanged)
      #expect(try release.read(ReleaseFile.signedUKI) == good)
    }
  }

  @Test("a UKI that is not the release's is never signed, and a signer that fails changes nothing")
  func refused() async throws {
    struct Broken: SecureBootSigner {
      let certificate: X509Certificate
      let answer: [UInt8]?

      func sign(_ message: [UInt8]) async throws -> [UInt8] {
        guard let answer else { throw SecureBootError(.system, "no token") }
        return answer
      }
    }
    let one = try signer("one")
    try await ReleaseFixture.with { release in
      _ = try await ReleaseSecureBoot.sign(release.directory, by: one, alone: false)
      let files = try digests(release)
      let two = try signer("two").certificate
      for broken in [
        Broken(certificate: two, answer: nil),
        Broken(certificate: two, answer: [UInt8](repeating: 1, count: 256)),
      ] {
        await #expect(throws: SecureBootError.self) {
          try await ReleaseSecureBoot.sign(release.directory, by: broken, alone: false)
        }
      }
      #expect(try digests(release) == files)
      try release.flip(ReleaseFile.uki, at: 5000)
      let error = await #expect(throws: BuildError.self) {
        try await ReleaseSecureBoot.sign(release.directory, by: one, alone: true)
      }
      #expect(error?.code == .verification)
      try release.flip(ReleaseFile.uki, at: 5000)
      #expect(try digests(release) == files)
    }
  }

  @Test("two who sign at once both stay")
  func concurrent() async throws {
    let signers = try (0..<4).map { try signer("signer \($0)") }
    try await ReleaseFixture.with { release in
      let directory = release.directory
      try await withThrowingTaskGroup(of: Void.self) { group in
        for signer in signers {
          group.addTask { _ = try await ReleaseSecureBoot.sign(directory, by: signer, alone: false) }
        }
        try await group.waitForAll()
      }
      let found = try ReleaseSecureBoot.signers(of: ReleaseReader(directory))
      #expect(Set(found) == Set(signers.map(\.certificate)))
      #expect(try await release.findings() == [])
    }
  }

  /// SHA-256 of every file but frames, by name.
  private func digests(_ release: ReleaseFixture) throws -> [String: String] {
    var digests: [String: String] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: release.directory) where name != "frames"
    {
      digests[name] = SHA256.digest(of: try release.read(name)).hex
    }
    return digests
  }
}
