import Foundation
import TestSupport
import Testing

/// A certificate authority of the test's own, and what it signs.
private struct Authority {
  let directory: String
  var root: String { "\(directory)/ca.pem" }

  init(_ directory: String) throws {
    self.directory = directory
    try openssl(
      [
        "req", "-x509", "-nodes", "-keyout", "\(directory)/ca.key", "-out", "\(directory)/ca.pem", "-days",
        "30",
      ]
        + Self.curve + ["-subj", "/CN=the test's authority"])
  }

  private static let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]

  private func openssl(_ arguments: [String]) throws {
    let result = try run(["openssl"] + arguments)
    guard result.status == 0 else { throw BenchError("\(arguments): \(result.errorText)") }
  }

  /// A new key, and a certificate for localhost with that number; both go where the server looks for them.
  func issue(_ number: Int, certificate: String, key: String) throws {
    let request = "\(directory)/\(number).csr"
    try Data("subjectAltName=DNS:localhost\n".utf8).write(to: URL(fileURLWithPath: "\(request).ext"))
    try openssl(
      ["req", "-new", "-nodes", "-keyout", key, "-out", request] + Self.curve + ["-subj", "/CN=x"])
    try openssl([
      "x509", "-req", "-in", request, "-CA", root, "-CAkey", "\(directory)/ca.key", "-set_serial",
      "\(number)",
      "-days", "10", "-extfile", "\(request).ext", "-out", certificate,
    ])
  }
}

@Suite(
  "HTTPS", .serialized, .enabled(if: Bench.isReady, Bench.whyNot),
  .enabled(
    if: ["curl", "openssl", "python3"].allSatisfy { findTool($0) != nil },
    "curl, openssl or python3 is missing"
  ),
  .timeLimit(.minutes(20)))
struct HTTPSTests {
  /// A server with a certificate, and the files that it reads.
  private struct Secured {
    let server: Server
    let authority: Authority
    let config: String
    let certificate: String
    let key: String
    let port: Int

    init(_ directory: String) throws {
      authority = try Authority(directory)
      (certificate, key) = ("\(directory)/https.pem", "\(directory)/https.key")
      config = "\(directory)/server.yaml"
      try authority.issue(1, certificate: certificate, key: key)
      try Data(
        """
        apiVersion: netimg/v1
        kind: Server
        http:
          listen: ["127.0.0.1:0"]
          listenSecure: ["127.0.0.1:0"]
          certificate: https.pem
          key: https.key
        tftp: {enabled: false}
        dhcp: {mode: off}

        """.utf8
      ).write(to: URL(fileURLWithPath: config))
      server = try Server(state: "\(directory)/state", arguments: ["--config", config])
      let found = server.log.firstMatch(of: #/serving https://[^ ]*:(\d+)\//#)
      guard let port = found.flatMap({ Int($0.output.1) }) else {
        throw BenchError("no port for HTTPS: \(server.log)")
      }
      self.port = port
    }

    func url(_ path: String) -> String { "https://localhost:\(port)/\(path)" }

    /// curl, which trusts the authority and nobody else.
    func curl(_ arguments: [String]) throws -> SubprocessResult {
      try run(
        [
          "curl", "-sS", "--max-time", "60", "--cacert", authority.root, "--resolve",
          "localhost:\(port):127.0.0.1",
        ]
          + arguments)
    }

    /// The number of the certificate that a new connection gets, in hexadecimal.
    func serial() throws -> String {
      let result = try run([
        "sh", "-c",
        "openssl s_client -connect 127.0.0.1:\(port) -CAfile \(authority.root) -verify_return_error </dev/null 2>/dev/null | openssl x509 -noout -serial",
      ])
      return result.text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
  }

  @Test func curlGetsWhatPlainHTTPGives() async throws {
    try await withServedLibrary("https") { directory, digest, release in
      let secured = try Secured(directory)
      let bytes = try release.bytes("uki.efi")
      let url = secured.url("boot/52-54-00-77-00-01/\(digest)/uki.efi")
      let whole = try secured.curl([url])
      #expect(whole.output == bytes, "\(whole.errorText)")
      #expect(try secured.curl(["-r", "1000-300000", url]).output == Array(bytes[1000...300_000]))
      #expect(try secured.curl(["-r", "-1000", url]).output == Array(bytes.suffix(1000)))
      let head = try secured.curl(["-I", url]).text
      #expect(head.hasPrefix("HTTP/1.1 200") && head.contains("Content-Length: \(bytes.count)\r\n"))
      #expect(head.contains("ETag: \""))
      // A transfer that broke off is taken up again.
      let part = "\(directory)/part"
      try Data(bytes.prefix(5_000_000)).write(to: URL(fileURLWithPath: part))
      #expect(try secured.curl(["-C", "-", "-o", part, url]).status == 0)
      #expect(try [UInt8](Data(contentsOf: URL(fileURLWithPath: part))) == bytes)
      // One connection for all of them.
      let kept = try secured.curl([
        "-w", "%{num_connects} ", "-o", "/dev/null", secured.url("healthz"), "-o", "/dev/null", url, "-o",
        "/dev/null", secured.url("healthz"),
      ])
      #expect(kept.text == "1 0 0 ")
      // It is HTTPS there and nothing else, and only for those who trust the authority.
      #expect(try run(["curl", "-sS", "http://127.0.0.1:\(secured.port)/healthz"]).status != 0)
      #expect(
        try run(["curl", "-sS", "--resolve", "localhost:\(secured.port):127.0.0.1", secured.url("healthz")])
          .status == 60)
      #expect(secured.server.stop() == 0, "\(secured.server.log)")
    }
  }

  @Test func oldVersionsOfTLSAreRefused() async throws {
    try await withServedLibrary("https-old") { directory, _, _ in
      let secured = try Secured(directory)
      func connect(_ version: String) throws -> SubprocessResult {
        // The client itself would refuse the old ones at its usual level.
        try run([
          "openssl", "s_client", "-connect", "127.0.0.1:\(secured.port)", "-CAfile", secured.authority.root,
          "-cipher", "DEFAULT@SECLEVEL=0", "-\(version)",
        ])
      }
      for version in ["tls1", "tls1_1"] {
        let old = try connect(version)
        #expect(old.status != 0 && old.errorText.contains("alert protocol version"), "\(old.errorText)")
      }
      for version in ["tls1_2", "tls1_3"] {
        let new = try connect(version)
        #expect(new.status == 0 && new.text.contains("Verify return code: 0"), "\(new.errorText)")
      }
      #expect(secured.server.stop() == 0)
    }
  }

  @Test func aCertificateIsRenewedWhileTransfersGoOn() async throws {
    try await withServedLibrary("https-renewed") { directory, digest, release in
      let secured = try Secured(directory)
      let server = secured.server
      #expect(try secured.serial() == "serial=01")
      let path = "boot/52-54-00-77-00-01/\(digest)/uki.efi"
      let slow = try HeldTransfer(
        path, from: server, to: "\(directory)/uki.efi", port: secured.port, authority: secured.authority.root)
      try secured.authority.issue(0x17, certificate: secured.certificate, key: secured.key)
      server.signal(SIGHUP)
      try server.wait(for: "the new certificate") { try secured.serial() == "serial=17" }
      #expect(
        try server.get("metrics").text.contains("netimg_https_certificate_expiry_timestamp_seconds 1"))
      // A key that is another certificate's changes nothing.
      try secured.authority.issue(0x18, certificate: "\(directory)/other.pem", key: secured.key)
      server.signal(SIGHUP)
      try server.wait(forLog: "nothing was changed, because the configuration is wrong: the certificate ")
      #expect(try secured.serial() == "serial=17")
      #expect(try secured.curl([secured.url("readyz")]).text == "ready\n")
      // The transfer has seen nothing of all this.
      #expect(slow.isRunning)
      try slow.finish()
      #expect(
        try [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(directory)/uki.efi")))
          == release.bytes("uki.efi"))
      #expect(server.stop() == 0, "\(server.log)")
    }
  }

  @Test func whatCannotBeACertificateIsRefusedAtTheStart() async throws {
    let directory = "\(Bench.scratch)/serve-https-wrong"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let authority = try Authority(directory)
    try authority.issue(1, certificate: "\(directory)/https.pem", key: "\(directory)/https.key")
    try authority.issue(2, certificate: "\(directory)/other.pem", key: "\(directory)/other.key")
    func refusal(_ certificate: String, _ key: String) throws -> SubprocessResult {
      let config = "\(directory)/server.yaml"
      try Data(
        """
        apiVersion: netimg/v1
        kind: Server
        http: {listen: ["127.0.0.1:0"], listenSecure: ["127.0.0.1:0"], certificate: \(certificate), key: \(key)}
        tftp: {enabled: false}
        dhcp: {mode: off}

        """.utf8
      ).write(to: URL(fileURLWithPath: config))
      return try Server.refused(["--config", config, "--state", "\(directory)/state"])
    }
    // Of another key; the two exchanged; not there; empty.
    try Data().write(to: URL(fileURLWithPath: "\(directory)/empty.pem"))
    for (certificate, key) in [
      ("https.pem", "other.key"), ("https.key", "https.pem"), ("none.pem", "https.key"),
      ("https.pem", "none.key"), ("empty.pem", "https.key"),
    ] {
      let result = try refusal(certificate, key)
      #expect(result.status == 65, "\(result.status): \(result.errorText)")
      #expect(
        result.errorText.contains(
          "\(directory)/\(certificate) with the key \(directory)/\(key) cannot be used"),
        "\(result.errorText)")
    }
  }
}
