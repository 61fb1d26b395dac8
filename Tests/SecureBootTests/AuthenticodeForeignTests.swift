import Bytes
import Foundation
import ImageFormat
import TestSupport
import Testing

@testable import SecureBoot

/// What other people's tools make of our signatures, and we of theirs.
@Suite(
  "Authenticode beside sbsigntool and OpenSSL",
  .enabled(
    if: findTool("sbsign") != nil && findTool("openssl") != nil && !SamplePE.stubPaths.isEmpty,
    "sbsigntool, openssl or systemd-boot-efi is missing"))
struct AuthenticodeForeignTests {
  private func program() throws -> [UInt8] {
    try UnifiedKernelImage.assemble(
      stub: SamplePE.stub(SamplePE.stubPaths[0]),
      sections: [(".cmdline", ByteRope(Array("quiet".utf8))), (".linux", ByteRope([1, 2, 3]))]
    ).flattened()
  }

  private func prepare(_ shop: Workshop) throws {
    for (name, pair) in [("one", try Keys.one.get()), ("other", try Keys.other.get())] {
      try shop.write(pair.pem().utf8, "\(name).key")
      try shop.write(pair.certificate.pem.utf8, "\(name).crt")
    }
    try shop.write(program(), "program.efi")
  }

  @Test("sbverify accepts each of our signatures, and none of somebody else")
  func sbverify() async throws {
    try await Workshop.with { shop in
      try prepare(shop)
      try shop.write(await signed(try program(), by: [Keys.one.get()]), "once.efi")
      let once = try shop.succeed("sbverify", "--cert", "one.crt", "once.efi")
      #expect(!(once.text + once.errorText).contains("warning"), "\(once.errorText)")
      #expect(try run(["sbverify", "--cert", shop.path("other.crt"), shop.path("once.efi")]).status != 0)
      try shop.write(await signed(try program(), by: [Keys.one.get(), Keys.other.get()]), "both.efi")
      try shop.succeed("sbverify", "--cert", "one.crt", "both.efi")
      try shop.succeed("sbverify", "--cert", "other.crt", "both.efi")
      let list = try shop.succeed("sbverify", "--list", "both.efi").text
      #expect(
        list.contains("signature 2") && list.contains("/CN=one") && list.contains("/CN=other"), "\(list)")
      var changed = try shop.read("both.efi")
      changed[changed.count / 2] ^= 1
      try shop.write(changed, "changed.efi")
      #expect(try run(["sbverify", "--cert", shop.path("one.crt"), shop.path("changed.efi")]).status != 0)
    }
  }

  @Test("sbattach and OpenSSL take our signature apart, and the digest inside is the program's")
  func openssl() async throws {
    try await Workshop.with { shop in
      try prepare(shop)
      try shop.write(await signed(try program(), by: [Keys.one.get()]), "signed.efi")
      try shop.succeed("sbattach", "--detach", "signature.p7", "signed.efi")
      let parsed = try shop.succeed("openssl", "asn1parse", "-inform", "DER", "-in", "signature.p7").text
      let digest = try PEImage(ByteRope(program())).authenticodeDigest().hex.uppercased()
      #expect(parsed.contains("[HEX DUMP]:\(digest)"))
      #expect(parsed.contains(":1.3.6.1.4.1.311.2.1.4") || parsed.contains("Microsoft Individual"))
      let certificates = try shop.succeed(
        "openssl", "pkcs7", "-inform", "DER", "-in", "signature.p7", "-print_certs"
      ).text
      #expect(try certificates.contains(Keys.one.get().certificate.pem.dropLast()))
      // OpenSSL verifies attributes and signature itself; the content's tag and length are not part of its digest.
      var reader = DERReader(try shop.read("signature.p7")[19...], "test")
      let content = try #require(
        try SignedData(try reader.next(DER.Tag.sequence, "SignedData"), source: "test").content)
      try shop.write(content.dropFirst(2), "content")
      try shop.succeed(
        "openssl", "smime", "-verify", "-inform", "DER", "-in", "signature.p7", "-content", "content",
        "-binary",
        "-CAfile", "one.crt", "-purpose", "any", "-out", "verified")
      #expect(try shop.read("verified") == Array(content.dropFirst(2)))
    }
  }

  @Test("we accept what sbsign signs, add to it, and lay out the file as sbsign does, CheckSum included")
  func sbsign() async throws {
    try await Workshop.with { shop in
      try prepare(shop)
      try shop.succeed(
        "sbsign", "--key", "one.key", "--cert", "one.crt", "--output", "theirs.efi", "program.efi")
      let theirs = try shop.read("theirs.efi")
      let one = try Keys.one.get().certificate
      #expect(try signers(theirs) == [one])
      let image = try PEImage(ByteRope(theirs))
      #expect(image.isSameProgram(as: try PEImage(ByteRope(program()))))
      #expect(try image.replacingCertificates(image.certificateEntries()).flattened() == theirs)
      try shop.write(await signed(theirs, by: [Keys.other.get()]), "both.efi")
      try shop.succeed("sbverify", "--cert", "one.crt", "both.efi")
      try shop.succeed("sbverify", "--cert", "other.crt", "both.efi")
      // And the other way round.
      try shop.write(await signed(try program(), by: [Keys.other.get()]), "ours.efi")
      try shop.succeed("sbsign", "--key", "one.key", "--cert", "one.crt", "--output", "mixed.efi", "ours.efi")
      #expect(try signers(shop.read("mixed.efi")) == [try Keys.other.get().certificate, one])
    }
  }

  @Test("a key by RSA of 1024 bits, or an elliptic one, is refused")
  func otherKeys() async throws {
    try await Workshop.with { shop in
      for (name, kind) in [("short", "rsa:1024"), ("curve", "ec")] {
        var words = ["openssl", "req", "-x509", "-nodes", "-subj", "/CN=\(name)", "-newkey", kind]
        if kind == "ec" { words += ["-pkeyopt", "ec_paramgen_curve:P-256"] }
        let made = try run(
          words + ["-keyout", shop.path("\(name).key"), "-out", shop.path("\(name).crt")])
        try #require(made.status == 0, "\(made.errorText)")
        let bytes = try shop.read("\(name).crt")
        #expect(code { _ = try X509Certificate(file: bytes, source: "it") } == .unsupported)
      }
    }
  }
}
