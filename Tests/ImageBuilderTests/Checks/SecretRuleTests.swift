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
    "every private key that openssl makes, in both of its forms",
    .enabled(if: hostHas(["openssl"]), "openssl is missing"),
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

  @Test(
    "keys of ssh-keygen; its public halves are none",
    .enabled(if: hostHas(["ssh-keygen"]), "ssh-keygen is missing"))
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
      ("OPENAI=sk-proj-" + String(letters.prefix(45)) + "-9", "an OpenAI key"),
      ("hf_" + String(letters.prefix(33)) + "7", "a Hugging Face token"),
      (" neighbor 192.0.2.1 password s3cret\n", "a routing protocol's password"),
      (" ip ospf message-digest-key 1 md5 s3cret\n", "a routing protocol's password"),
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
      "sk_live_xxxxxxxxxxxxxxxxxxxxxxxx", "neighbor A.B.C.D$neighbor password WORD$password",
      "<message-digest-key (1-255) md5 KEY|authentication-key AUTH_KEY>", "neighbor <X:X::X:X> password LINE",
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

  @Test(
    "keys and tokens in other people's formats",
    arguments: [
      ("aws_secret_access_key = " + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzz123", "an AWS secret access key"),
      ("AWS_SECRET_ACCESS_KEY=\"" + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzz123\"", "an AWS secret access key"),
      ("AccountKey=" + String(repeating: "aB3/", count: 21) + "aB==;", "an Azure storage key"),
      ("dckr_pat_" + "aB3dE6hI9jK2lM5nO8pQ1rS4tU7", "a Docker token"),
      ("hvs." + "CAESIJlU9a2bC3dE4fG5hI6jK7lM8n", "a Vault token"),
      ("https://hooks.slack.com/services/T0123456/" + "B0123456/aB3dE6hI9jK2lM5nO8pQ1rS4", "a Slack webhook"),
      ("glrt-" + "aB3_dE6-hI9jK2lM5nO8", "a GitLab token"),
      ("tskey-" + "auth-k12345CNTRL-aB3dE6hI9jK2", "a Tailscale key"),
      (
        "Private-key-format: v1.3\nAlgorithm: 13\nPrivateKey: " + "aB3/aB3/aB3/aB3/aB3/aB3/aB3/aB3=\n",
        "a DNSSEC key"
      ),
      ("Key: (private-key" + "\n (ecc (curve Ed25519)(q #40AB#)(d #0011#)))", "an OpenPGP secret key"),
      (
        "Authorization: Bearer eyJhbGciOi" + "JIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0."
          + String(repeating: "aB3-_", count: 9), "a JSON Web Token"
      ),
    ] as [(String, String)])
  func formats(text: String, kind: String) {
    #expect(kinds(text) == [kind])
    #expect(kinds("x: y\n" + text + "\n") == [kind])
  }

  @Test(
    "forms without the secret are none",
    arguments: [
      "aws_secret_access_key = YOUR_KEY_HERE",
      "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
      "aws_secret_access_key", "AccountKey=...;", "hvs.", "eyJhbGciOi", "eyJhbGciOiJIUzI1NiJ9.e30.x",
      "Private-key-format: v1.2", "(protected-private-key %m)", "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
      "hooks.slack.com/services/T00000000/B00000000", "tskey-auth-",
    ])
  func empties(text: String) {
    #expect(kinds(text).isEmpty)
  }

  @Test("a key in base64, as Kubernetes has it", .enabled(if: hostHas(["openssl"]), "openssl is missing"))
  func encodedPEM() throws {
    let pem = try run(["openssl", "genpkey", "-algorithm", "ed25519"])
    let encoded = Data(pem.output).base64EncodedString()
    #expect(kinds("client-key-data: \(encoded)\n") == ["a private key (PEM in base64)"])
    let open = try run(["openssl", "pkey", "-pubout"], input: pem.output)
    #expect(kinds("data: \(Data(open.output).base64EncodedString())\n").isEmpty)
  }

  @Test("secrets that only their place gives away")
  func places() {
    func kinds(_ text: String, _ path: String) -> [String] {
      FileScan(Array(text.utf8), path: path).secrets.keys.sorted()
    }
    #expect(kinds("machine a login b password c\n", "/root/.netrc") == ["a password for a server"])
    #expect(kinds("# machine a login b password c\n", "/root/.netrc").isEmpty)
    #expect(kinds("host:5432:db:user:word\n", "/root/.pgpass") == ["a database password"])
    #expect(kinds("https://me:word@example.org\n", "/root/.git-credentials") == ["a password for a server"])
    #expect(kinds("# : PSK \"x\"\n: PSK \"word\"\n", "/etc/ipsec.secrets") == ["a pre-shared key"])
    #expect(kinds("me\t*\tword\t*\n", "/etc/ppp/chap-secrets") == ["a password of PPP"])
    #expect(kinds("guest host \"*\" -\n*\thost\t\"\"\t*\n", "/etc/ppp/pap-secrets").isEmpty)
    let key = String(repeating: "aB3/", count: 10) + "aB3=\n"
    #expect(kinds(key, "/etc/wireguard/wg0-private.key") == ["a WireGuard key"])
    #expect(kinds(key, "/etc/wireguard/public.key").isEmpty)
    #expect(kinds("word", "/usr/lib/credstore/passwd.plaintext-password.root") == ["a password"])
  }

  @Test(
    "compressed files are looked into, and the sentence says so",
    .enabled(if: hostHas(["gzip", "xz", "zstd", "bzip2"]), "gzip, xz, zstd or bzip2 is missing"),
    arguments: [["gzip", "-c"], ["xz", "-c"], ["zstd", "-q", "-c"], ["bzip2", "-c"]])
  func compressed(tool: [String]) async throws {
    let text =
      String(repeating: "#\n", count: 1 << 20) + "token=ghp_" + String(repeating: "aB3", count: 12) + "\n"
    let packed = try run(tool, input: Array(text.utf8))
    try #require(packed.status == 0)
    let fixture = CheckFixture([
      ("usr/share/app/old.conf.z", .program(packed.output, mode: 0o644)),
      ("usr/share/app/cut.z", .program(Array(packed.output.dropLast(9)), mode: 0o644)),
    ])
    let findings = try await fixture.findings(.secret)
    #expect(findings.count == 1)
    #expect(
      findings.first?.hasPrefix(
        "/usr/share/app/old.conf.z: holds a GitHub token at byte 2097158 of what it holds compressed, ")
        == true)
  }

  @Test(
    "secret keys of gpg and dropbear, and key stores of openssl",
    .enabled(if: hostHas(["openssl", "gpg"]), "openssl or gpg is missing"))
  func binaries() async throws {
    try await withScratchDirectory { scratch in
      let home = scratch.path
      let made = try run(
        [
          "gpg", "--homedir", home, "--batch", "--passphrase", "", "--quick-gen-key",
          "A Test <a@example.org>", "rsa2048",
        ])
      try #require(made.status == 0, "\(made.errorText)")
      let secret = try run(["gpg", "--homedir", home, "--batch", "--export-secret-keys"])
      let open = try run(["gpg", "--homedir", home, "--batch", "--export"])
      _ = try run(["gpgconf", "--homedir", home, "--kill", "all"])
      #expect(kinds(secret.output) == ["an OpenPGP secret key"])
      #expect(kinds(open.output).isEmpty)
      let stored = try FileManager.default.contentsOfDirectory(atPath: "\(home)/private-keys-v1.d")
      let file = try Data(
        contentsOf: URL(fileURLWithPath: "\(home)/private-keys-v1.d/\(try #require(stored.first))"))
      #expect(kinds([UInt8](file)) == ["an OpenPGP secret key"])
    }
    #expect(
      kinds([0, 0, 0, 7] + Array("ssh-rsa".utf8) + [0, 0, 0, 3, 1, 0, 1]) == ["a private key of dropbear"])
    let key = try run(["openssl", "genpkey", "-algorithm", "ed25519"])
    let store = try run(
      ["openssl", "pkcs12", "-export", "-nocerts", "-inkey", "/dev/stdin", "-passout", "pass:x"],
      input: key.output)
    #expect(store.status == 0, "\(store.errorText)")
    #expect(kinds(store.output) == ["a PKCS#12 key store"])
  }

  @Test("no input stops the scan: every prefix, and thousands of random changes, of what looks like a secret")
  func hostileBytes() {
    let samples: [[UInt8]] = [
      Array(SecretPattern.all.map(\.start).joined(separator: "\u{FF}= \"").utf8),
      Array("-----BEGIN PRIVATE KEY-----\nkey: value\n\\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwN".utf8),
      Array("$6$rounds=1$s$abc$2b$12$x$argon2id$v=19$m=1$$$y$j9T$".utf8),
      [0x30, 0x82, 0x01, 0x00, 0x02, 0x01, 0x03, 0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
      [0x30, 0x10, 0x02, 0x01, 0x00, 0x30, 0x7F, 0x04], [0x95, 0x01, 0x04, 0, 0, 0, 0, 1],
      [UInt8](repeating: 0xC5, count: 70), [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00, 0x00],
      [0x7F, 0x45, 0x4C, 0x46, 1, 1, 1] + [UInt8](repeating: 0xFF, count: 60),
    ]
    var state: UInt64 = 1
    func random(below limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % max(1, limit)
    }
    var scanned = 0
    for sample in samples {
      for end in 0...sample.count {
        scanned += FileScan(Array(sample[..<end]), path: "/root/.netrc").secrets.count + 1
      }
      for _ in 0..<500 {
        var bytes = sample
        for _ in 0...random(below: 8) { bytes[random(below: bytes.count)] = UInt8(random(below: 256)) }
        scanned += FileScan(bytes, path: "/etc/ppp/chap-secrets").secrets.count + 1
      }
    }
    #expect(scanned >= samples.count * 500)
  }
}
