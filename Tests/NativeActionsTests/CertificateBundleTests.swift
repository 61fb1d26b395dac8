import Foundation
import TestSupport
import Testing

@testable import NativeActions

@Suite struct CertificateBundleTests {
  /// A self-signed P-256 certificate for `CN=netimg test`, made by `openssl req -x509 -newkey ec`, good for 100 years.
  static let pem = """
    -----BEGIN CERTIFICATE-----
    MIIBhDCCASmgAwIBAgIUOGe5uOU6nQ5Hfzq2KEA/Rss/kmMwCgYIKoZIzj0EAwIw
    FjEUMBIGA1UEAwwLbmV0aW1nIHRlc3QwIBcNMjYxMTIzMTUxODE3WhgPMjEyNjEw
    MzAxNTE4MTdaMBYxFDASBgNVBAMMC25ldGltZyB0ZXN0MFkwEwYHKoZIzj0CAQYI
    KoZIzj0DAQcDQgAEoMUvgn6eblWSNyEHp1/0wwS3g1GzVp+/bnIsFnIBhSYxIANQ
    swAa8gBVF71nVwhCtt89fQre/Oxied2HYSZiVqNTMFEwHQYDVR0OBBYEFOs5wVz9
    una0JgEwPY5+hFL0mUl8MB8GA1UdIwQYMBaAFOs5wVz9una0JgEwPY5+hFL0mUl8
    MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhAOKKmYkCCA+vY5IT
    0Lud2NVkPvos9klNmxiwyxFvX9T5AiEAsrhHd5eTrgGiV27oNyXG1L+X2SP5rRF6
    VRc3FTLjwf8=
    -----END CERTIFICATE-----
    """
  private static let bytes = [UInt8]((pem + "\n").utf8)
  private static let store = "/usr/share/ca-certificates/mozilla"

  private func bundle(_ sources: [(String, [UInt8])]) throws -> CertificateBundle {
    try CertificateBundle(sources.map { CertificateBundle.Source(path: $0.0, pem: $0.1) })
  }

  @Test func oneCertificateGivesItsTextAndTwoLinks() throws {
    let bundle = try bundle([("/usr/share/ca-certificates/A (b), c.crt", Self.bytes)])
    #expect(bundle.text == Self.bytes)
    #expect(bundle.links.map(\.name) == ["60ba4c6a.0", "A_=b=__c.pem"])
    #expect(bundle.links.map(\.target) == ["A_=b=__c.pem", "/usr/share/ca-certificates/A (b), c.crt"])
    #expect(try self.bundle([]).text.isEmpty)
  }

  @Test func explanationsAndOtherLineEndsStayBehind() throws {
    let noisy = [UInt8](
      ("Issuer: evil\n-----\n" + Self.pem.replacing("\n", with: "\r\n") + "\r\ntrailing").utf8)
    #expect(try bundle([("/a.crt", noisy)]).text == Self.bytes)
  }

  @Test func theSameCertificateTwiceHasOneHash() throws {
    let bundle = try bundle([("/b.crt", Self.bytes), ("/a.crt", Self.bytes)])
    #expect(bundle.text == Self.bytes + Self.bytes)
    #expect(bundle.links.map(\.name).filter { $0.hasSuffix(".0") || $0.hasSuffix(".1") }.count == 1)
    #expect(bundle.links.first?.target == "a.pem")
  }

  @Test func clashingLinkNamesConflict() {
    #expect(code { _ = try bundle([("/x/a.crt", Self.bytes), ("/y/a.crt", Self.bytes)]) } == .conflict)
  }

  @Test func everyTruncatedPrefixIsRefusedByName() {
    for count in 0..<Self.pem.utf8.count {
      do {
        _ = try bundle([("/evil.crt", [UInt8](Self.pem.utf8.prefix(count)))])
        Issue.record("a prefix of \(count) bytes passed")
      } catch let error as NativeActionError {
        #expect(error.code == .malformed)
        #expect(error.origin == "/evil.crt")
      } catch {
        Issue.record("another error: \(error)")
      }
    }
  }

  @Test func hostileBlocksAreRefused() throws {
    let der = try PEMCertificate.decode(Self.bytes, path: "x")
    var attacks: [String: [UInt8]] = [
      "two blocks": Self.bytes + Self.bytes,
      "a key beside it": Self.bytes
        + [UInt8]("-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n".utf8),
      "a trusted certificate": [UInt8](Self.pem.replacing("CERTIFICATE", with: "TRUSTED CERTIFICATE").utf8),
      "bytes behind the certificate": PEMCertificate.encode(der + [0]),
      "two in one body": PEMCertificate.encode(der + der),
      "an empty body": [UInt8]("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n".utf8),
      "headers in the body": [UInt8](
        Self.pem.replacing(
          "-----BEGIN CERTIFICATE-----\n", with: "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n\n"
        ).utf8),
    ]
    // The outer length claims gigabytes.
    attacks["a length without end"] = PEMCertificate.encode(
      [0x30, 0x84, 0x7F, 0xFF, 0xFF, 0xFF] + der.dropFirst(4))
    for (name, attack) in attacks {
      #expect(code { _ = try bundle([("/evil.crt", attack)]) } == .malformed, "\(name)")
    }
    let huge = [UInt8](repeating: 0x0A, count: 1 << 20 + 1)
    #expect(code { _ = try bundle([("/evil.crt", huge)]) } == .limitExceeded)
  }

  @Test func base64RoundTrip() {
    for count in 0..<70 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
      let digits = Base64.encode(bytes)
      #expect(digits == [UInt8](Data(bytes).base64EncodedString().utf8))
      #expect(Base64.decode(digits) == bytes)
    }
  }

  @Test(
    .enabled(
      if: HostProgram.exists("update-ca-certificates") && FileManager.default.fileExists(atPath: store),
      "ca-certificates is missing"))
  func equalsUpdateCACertificates() async throws {
    let program = try #require(HostProgram("update-ca-certificates"))
    let openssl = try #require(HostProgram("openssl"))
    try await withScratchDirectory { scratch in
      let (sources, result, local) = (
        "\(scratch.path)/source", "\(scratch.path)/certs", "\(scratch.path)/local"
      )
      for directory in [result, local] {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      }
      for name in try FileManager.default.contentsOfDirectory(atPath: Self.store) where name.hasSuffix(".crt")
      {
        try write(try contents("\(Self.store)/\(name)"), to: "\(sources)/\(name)")
      }
      // Two more of one name, so that numbers are given out.
      for name in ["Z one", "A(two)"] {
        _ = try openssl.succeed([
          "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
          "/CN=same name",
          "-keyout", "\(scratch.path)/key", "-out", "\(sources)/\(name).crt",
        ])
      }
      try write("", to: "\(scratch.path)/none.conf")
      _ = try program.succeed([
        "--default", "--certsconf", "\(scratch.path)/none.conf", "--certsdir", sources, "--etccertsdir",
        result,
        "--localcertsdir", local, "--hooksdir", "",
      ])
      let names = try FileManager.default.contentsOfDirectory(atPath: sources)
      let ours = try bundle(try names.map { ("\(sources)/\($0)", try contents("\(sources)/\($0)")) })
      #expect(names.count > 50)
      #expect(try contents("\(result)/ca-certificates.crt") == ours.text)
      var theirs: [String: String] = [:]
      for name in try FileManager.default.contentsOfDirectory(atPath: result)
      where name != "ca-certificates.crt" {
        theirs[name] = try FileManager.default.destinationOfSymbolicLink(atPath: "\(result)/\(name)")
      }
      #expect(Dictionary(uniqueKeysWithValues: ours.links.map { ($0.name, $0.target) }) == theirs)
    }
  }
}
