import FoundationEssentials
import TestSupport
import Testing

@testable import GitSync

/// Whose key a host has, and what an address says.
@Suite struct KnownHostsTests {
  private static let one = "AAAAC3NzaC1lZDI1NTE5AAAAIDUhXZmPMawQF7G96uZz5K1zmiuo/+lpxyt2AsNom9gF"
  private static let two = "AAAAC3NzaC1lZDI1NTE5AAAAICUhXZmPMawQF7G96uZz5K1zmiuo/+lpxyt2AsNom9gF"

  private func bytes(_ text: String) throws -> [UInt8] {
    [UInt8](try #require(Data(base64Encoded: text)))
  }

  private func verdict(_ list: String, _ host: String, _ port: Int? = nil, key: String = one) throws
    -> KnownHosts.Verdict
  {
    try KnownHosts(Array(list.utf8), file: "f").verdict(host: host, port: port, key: bytes(key))
  }

  @Test func aHostIsKnownByItsNamePortAndKey() throws {
    let plain = "git.example.org,192.0.2.7 ssh-ed25519 \(Self.one) comment\n"
    #expect(try verdict(plain, "git.example.org") == .known)
    #expect(try verdict(plain, "192.0.2.7", 22) == .known)
    #expect(try verdict(plain, "git.example.org", 2222) == .unknown)
    #expect(try verdict(plain, "git.example.org", key: Self.two) == .different(["ssh-ed25519"]))
    #expect(try verdict("[git.example.org]:2222 ssh-ed25519 \(Self.one)", "git.example.org", 2222) == .known)
    let wild = "*.example.org,!bad.example.org ssh-ed25519 \(Self.one)\r\n"
    #expect(try verdict(wild, "a.example.org") == .known)
    #expect(try verdict(wild, "bad.example.org") == .unknown)
    #expect(try verdict(wild, "example.org") == .unknown)
    #expect(try verdict("git?.example.org ssh-ed25519 \(Self.one)", "git1.example.org") == .known)
    #expect(try verdict("\(plain)@revoked * ssh-ed25519 \(Self.one)", "git.example.org") == .revoked)
    // Who could sign for any host is nobody here.
    #expect(try verdict("@cert-authority * ssh-ed25519 \(Self.one)\nx ssh-rsa AAAA\n", "a") == .unknown)
    for list in ["", "# nothing\n", "host\n", "host ssh-ed25519 ***\n", "@other * ssh-rsa AAAA\n"] {
      #expect(throws: GitSyncError.self, "\(list)") { try KnownHosts(Array(list.utf8), file: "f") }
    }
  }

  @Test(.enabled(if: findTool("ssh-keygen") != nil, "ssh-keygen is missing"))
  func hashedNamesOfOpenSSHAreFound() async throws {
    try await withScratchDirectory { scratch in
      let path = scratch.path + "/known_hosts"
      try Data(
        "git.example.org ssh-ed25519 \(Self.one)\n[git.example.org]:2222 ssh-ed25519 \(Self.two)\n".utf8
      ).write(to: URL(fileURLWithPath: path))
      #expect(try run(["ssh-keygen", "-q", "-H", "-f", path]).status == 0)
      let list = try String(contentsOf: URL(fileURLWithPath: path), encoding: .utf8)
      #expect(!list.contains("example"))
      #expect(try verdict(list, "git.example.org") == .known)
      #expect(try verdict(list, "git.example.org", 2222, key: Self.two) == .known)
      #expect(try verdict(list, "git.example.org", 2222) == .different(["ssh-ed25519"]))
      #expect(try verdict(list, "other.example.org") == .unknown)
    }
  }

  @Test func addressesAreReadAsGitReadsThem() throws {
    let cases: [(String, GitAddress.Scheme, String?, String, Int?)] = [
      ("ssh://git@Example.org:2222/a/b.git", .ssh, "git", "example.org", 2222),
      ("git@example.org:a/b.git", .ssh, "git", "example.org", nil),
      ("git@example.org:a[1]:b.git", .ssh, "git", "example.org", nil),
      ("example.org:a", .ssh, nil, "example.org", nil),
      ("ssh://git@[::1]:22/x", .ssh, "git", "::1", 22), ("git@[::1]:x", .ssh, "git", "::1", nil),
      ("https://me@example.org/x?y@z:1", .https, "me", "example.org", nil),
      ("HTTP://example.org", .http, nil, "example.org", nil), ("file:///srv/x@y:z", .file, nil, "", nil),
      ("/srv/fleet:1", .file, nil, "", nil), ("./a:b", .file, nil, "", nil), ("fleet", .file, nil, "", nil),
    ]
    for (text, scheme, user, host, port) in cases {
      let address = try GitAddress(text)
      #expect(
        address.scheme == scheme && address.user == user && address.host == host && address.port == port,
        "\(text)")
    }
    for text in [
      "https://me:secret@example.org/x", "ssh://:@h/x", "ftp://h/x", "ssh:///x",
      "ssh://@h/x",
      "https://h:0/x", "https://h:99999/x", "https://[::1/x", "://h",
    ] {
      #expect(throws: GitSyncError.self, "\(text)") { try GitAddress(text) }
      do { try GitAddress.check(text) } catch { #expect(!"\(error)".contains("secret")) }
    }
  }
}
