import Bytes
import Foundation
import TestSupport
import Testing

@testable import SecureBoot

@Suite("certificates")
struct X509CertificateTests {
  @Test("DER and PEM come back as they were")
  func roundTrip() throws {
    let certificate = try Keys.one.get().certificate
    #expect(certificate.name == "one")
    #expect(certificate.keyBits == 2048)
    #expect(try X509Certificate(der: certificate.der, source: "it") == certificate)
    #expect(try X509Certificate(file: certificate.der, source: "it") == certificate)
    #expect(try X509Certificate(file: Array(certificate.pem.utf8), source: "it") == certificate)
    let chatty =
      "Bag Attributes\n  friendlyName: one\n" + certificate.pem.replacingOccurrences(of: "\n", with: "\r\n")
    #expect(try X509Certificate(file: Array(chatty.utf8), source: "it") == certificate)
  }

  @Test("two certificates have different serial numbers")
  func serial() throws {
    let key = try Keys.one.get().key
    let again = try X509Certificate(selfSigned: key, name: "one", validFrom: Keys.time)
    #expect(again != (try Keys.one.get().certificate))
    #expect(again.publicKey == (try Keys.one.get().certificate.publicKey))
  }

  @Test("every cut and every changed byte is refused or harmless")
  func hostile() throws {
    let certificate = try Keys.one.get().certificate
    for count in 0..<certificate.der.count {
      #expect(
        code { _ = try X509Certificate(der: Array(certificate.der[..<count]), source: "it") } == .malformed)
    }
    #expect(code { _ = try X509Certificate(der: certificate.der + [0], source: "it") } == .malformed)
    var refused = 0
    for offset in certificate.der.indices {
      for value: UInt8 in [0, 0x7F, 0x80, 0x84, 0xFF] {
        var changed = certificate.der
        changed[offset] = value
        do { _ = try X509Certificate(der: changed, source: "it") } catch { refused += 1 }
      }
    }
    #expect(refused > 200)
    let big = [UInt8](repeating: 0x30, count: 20_000)
    #expect(code { _ = try X509Certificate(der: big, source: "it") } == .malformed)
    for text in [
      "", "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----", "x-y",
    ] {
      #expect(code { _ = try X509Certificate(file: Array(text.utf8), source: "it") } == .malformed, "\(text)")
    }
  }

  @Test("a name that could fool a terminal is not shown")
  func names() throws {
    let key = try Keys.one.get().key
    for name in ["a\u{1b}[31m", "a\nb", "a\u{202e}b", "\u{9b}1m", ""] {
      let certificate = try X509Certificate(selfSigned: key, name: name, validFrom: 0)
      #expect(certificate.name == certificate.fingerprint.hex)
    }
    #expect(try X509Certificate(selfSigned: key, name: "Prüflabor", validFrom: 0).name == "Prüflabor")
  }

  @Test(
    "OpenSSL reads and verifies what we make, and we what it makes",
    .enabled(if: findTool("openssl") != nil, "openssl is missing"))
  func openssl() async throws {
    try await Workshop.with { shop in
      let one = try Keys.one.get()
      try shop.write(one.certificate.der, "one.cer")
      try shop.write(one.certificate.pem.utf8, "one.crt")
      try shop.write(one.pem().utf8, "one.key")
      try shop.succeed("openssl", "verify", "-check_ss_sig", "-x509_strict", "-CAfile", "one.crt", "one.crt")
      let shown = try shop.succeed(
        "openssl", "x509", "-inform", "DER", "-in", "one.cer", "-noout", "-subject", "-issuer", "-dates",
        "-ext", "basicConstraints", "-fingerprint", "-sha256"
      ).text
      let fingerprint = one.certificate.fingerprint.bytes.map { Hex.encode([$0]).uppercased() }
      for words in [
        "subject=CN = one", "issuer=CN = one", "notBefore=Feb 29 12:34:56 2024 GMT",
        "notAfter=Dec 31 23:59:59 2049 GMT", "CA:TRUE", fingerprint.joined(separator: ":"),
      ] {
        #expect(shown.contains(words), "\(words): \(shown)")
      }
      try shop.succeed(
        "openssl", "req", "-x509", "-key", "one.key", "-subj", "/O=Lab/CN=theirs", "-out", "theirs.crt")
      let theirs = try X509Certificate(file: shop.read("theirs.crt"), source: "it")
      #expect(theirs.name == "theirs")
      #expect(theirs.publicKey == one.certificate.publicKey)
      let again = try SecureBootKeySigner(key: one.key, certificate: theirs)
      #expect(again.certificate == theirs)
      let other = try Keys.other.get().certificate
      #expect(code { _ = try SecureBootKeySigner(key: one.key, certificate: other) } == .mismatch)
    }
  }

  @Test("dates are those of date(1)", .enabled(if: findTool("date") != nil, "date is missing"))
  func dates() throws {
    for seconds: Int64 in [
      0, 951_782_399, 951_782_400, 951_868_800, 1_078_012_799, 1_735_689_599, 1_735_689_600, 2_524_607_999,
      Keys.time,
    ] {
      let expected = try run(["date", "-u", "-d", "@\(seconds)", "+%y%m%d%H%M%SZ"]).text
      #expect(CivilTime(seconds: seconds).utcTime + "\n" == expected)
    }
    #expect(CivilTime(seconds: -1) == CivilTime(seconds: 0))
    #expect(CivilTime(seconds: .max).year == 2049)
  }
}
