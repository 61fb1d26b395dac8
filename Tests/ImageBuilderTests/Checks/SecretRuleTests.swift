import Foundation
import Testing
import TestSupport

@testable import ImageBuilder

@Suite("rules: secrets")
struct SecretRuleTests {
  private func kinds(_ bytes: [UInt8]) -> [String] { FileScan(bytes, path: "/x").secrets.keys.sorted() }
  private func kinds(_ text: String) -> [String] { kinds(Array(text.utf8)) }
  private static let pem = ["a private key (PEM)"]

  @Test(
    "every private key that openssl makes, in both of its forms", .enabled(if: hostHas(["openssl"])),
    arguments: [
      ["genpkey", "-algorithm", "ed25519"], ["genpkey", "-algorithm", "RSA"],
      ["genrsa", "-traditional", "2048"],
      ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
      ["ecparam", "-genkey", "-noout", "-name", "prime256v1"],
      ["genpkey", "-algorithm", "ed25519", "-aes-256-cbc", "-pass", "pass:x"],
      ["genrsa", "-traditional", "-aes256", "-passout", "pass:x", "2048"],
    ])
  func openssl(arguments: [String]) throws {
    let pem = try run(["openssl"] + arguments)
    #expect(pem.status == 0)
    #expect(kinds(pem.output) == Self.pem)
    #expect(kinds(Array("key: |\n".utf8) + pem.output + Array("other: 1\n".utf8)) == Self.pem)
    // As a JSON string has it, and with a mail program's line ends.
    #expect(kinds(pem.text.replacing("\n", with: "\\n")) == Self.pem)
    #expect(kinds(pem.text.replacing("\n", with: "\r\n")) == Self.pem)
    let isEncrypted = arguments.contains { $0.hasPrefix("-aes") }
    if isEncrypted { return }
    let der = try run(["openssl", "pkey", "-outform", "DER"], input: pem.output)
    #expect(kinds(der.output).count == 1)
    #expect(kinds(der.output.dropLast().map(\.self)).isEmpty)
    let traditional = try run(["openssl", "pkey", "-traditional", "-outform", "DER"], input: pem.output)
    #expect(kinds(traditional.output).count == 1)
    let certificate = try run(["openssl", "pkey", "-pubout"], input: pem.output)
    #expect(kinds(certificate.output).isEmpty)
    let publicDER = try run(["openssl", "pkey", "-pubout", "-outform", "DER"], input: pem.output)
    #expect(kinds(publicDER.output).isEmpty)
  }

  @Test("keys of ssh-keygen; its public halves are none", .enabled(if: hostHas(["ssh-keygen"])))
  func openSSH() async throws {
    try await withScratchDirectory { scratch in
      let path = scratch.appendingPathComponent("key").path
      let made = try run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path])
      #expect(made.status == 0)
      let secret = try Data(contentsOf: URL(fileURLWithPath: path))
      let open = try Data(contentsOf: URL(fileURLWithPath: path + ".pub"))
      #expect(kinds([UInt8](secret)) == Self.pem)
      #expect(kinds([UInt8](open)).isEmpty)
    }
  }

  private static let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

  @Test(
    "tokens of the usual makers",
    arguments: [
      ("AGE-SECRET-KEY-1" + String(repeating: "Q7", count: 29), "an age secret key"),
      ("key=AKIA" + "Z7VRSQGOM2XXFAKE", "an AWS access key"),
      ("ASIA" + "Z7VRSQGOM2XXFAKE\n", "an AWS access key"),
      ("token ghp_" + String(letters.prefix(34)) + "01", "a GitHub token"),
      (
        "github_pat_" + String(letters.prefix(22)) + "_" + String(repeating: "a1Z", count: 19) + "00",
        "a GitHub token"
      ),
      ("glpat-" + "aB3_dE6-hI9jK2lM5nO8", "a GitLab token"),
      ("xoxb-" + "123456789012-abcdefghijklmn", "a Slack token"),
      ("\"AIza" + "SyA1234567890abcdefghijklmnopqrstuv\"", "a Google API key"),
      ("sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc", "a Stripe key"),
      ("npm_" + String(letters.prefix(35)) + "7", "an npm token"),
      ("PuTTY-User-Key-File-3: ssh-ed25519", "a PuTTY private key"),
      ("PrivateKey = " + String(repeating: "aB3/", count: 10) + "aB3=", "a WireGuard key"),
      ("PresharedKey=" + String(repeating: "aB3+", count: 10) + "aB3=", "a WireGuard key"),
    ] as [(String, String)])
  func tokens(text: String, kind: String) {
    #expect(kinds(text) == [kind])
    #expect(kinds("before " + text + " after") == [kind])
    // A prefix is no secret, and neither is a word that merely has the shape in its middle.
    #expect(kinds(String(text.dropLast(12))).isEmpty)
    if !kind.contains("WireGuard"), !kind.contains("PuTTY"), text.first?.isLetter == true {
      #expect(kinds(text.contains(" ") || text.contains("=") ? "" : "x" + text).isEmpty)
    }
  }

  @Test(
    "mentions of secrets in libraries and manuals are none",
    arguments: [
      "-----BEGIN RSA PRIVATE KEY-----\0-----END RSA PRIVATE KEY-----\0",
      "-----BEGIN OPENSSH PRIVATE KEY-----\n",
      "-----BEGIN CERTIFICATE-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA",
      "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n",
      "-----BEGIN PRIVATE KEY-----\n(your key here)",
      "-----BEGIN PRIVATE KEY", "-----BEGIN ", "AKIAIOSFODNN7EXAMPLE", "AKIAAAAAAAAAAAAAAAAAAAAAA", "ghp_",
      "xoxb-your-token-goes-here-please",
      "AGE-SECRET-KEY-1", "PrivateKey=", "PrivateKey = <base64>", "netimg-secret-key-1",
      "PuTTY-User-Key-File-%d: ",
      "sk_live_xxxxxxxxxxxxxxxxxxxxxxxx",
    ])
  func mentions(text: String) {
    #expect(kinds(text).isEmpty)
  }

  @Test("a secret key of netimg itself")
  func ownKeys() {
    #expect(
      kinds("{\"encryption\":\"none\",\"format\":\"netimg-secret-key-1\"}") == ["a secret key of netimg"])
  }

  @Test("this host's TLS and SSH libraries hold none, although they know how keys begin")
  func libraries() throws {
    let directory = "/usr/lib/x86_64-linux-gnu"
    let names = [
      "libcrypto.so.3", "libssl.so.3", "libgcrypt.so.20", "libcurl.so.4", "libgit2.so.1.5", "libsodium.so.23",
      "libgnutls.so.30",
    ]
    for name in names {
      guard let data = try? Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)")) else { continue }
      #expect(kinds([UInt8](data)).isEmpty, "\(name)")
    }
  }

  @Test("the rule names the file, the kind and the place, and never the secret")
  func finding() async throws {
    let token = "ghp_" + String(repeating: "aB3", count: 12)
    let fixture = CheckFixture([("etc/app.conf", .text("token=\(token)\n"))])
    let findings = try await fixture.findings(.secret)
    #expect(findings.count == 1)
    #expect(findings.first?.hasPrefix("/etc/app.conf: holds a GitHub token at byte 6, ") == true)
    #expect(findings.first?.contains(token) == false)
  }
}
