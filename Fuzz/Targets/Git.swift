@testable internal import GitSync

extension FuzzTarget {
  static let gitTargets = [
    FuzzTarget("ssh-signature", maximumLength: 1024, seeds: { ["git": Array(signature.utf8)] }) { bytes in
      let signature = try SSHSignature(armored: String(decoding: bytes, as: UTF8.self))
      require(!signature.isValid(for: Array("another message".utf8)), "a signature is for one message")
    },
    FuzzTarget("allowed-signers", maximumLength: 1024, seeds: { ["two": Array(list.utf8)] }) { bytes in
      let signers = try AllowedSigners(bytes, file: "fuzz")
      let signer = try signers.signer(of: Array("another message".utf8), signature: signature)
      require(signer == nil, "nobody signed that")
    },
    FuzzTarget("known-hosts", maximumLength: 1024, seeds: { ["four": Array(hosts.utf8)] }) { bytes in
      let known = try KnownHosts(bytes, file: "fuzz")
      for (host, port) in [("git.example.org", nil), ("git.example.org", 2222), ("", 1)] as [(String, Int?)] {
        require(known.verdict(host: host, port: port, key: []) != .known, "no host has no key")
      }
    },
    FuzzTarget(
      "git-address", maximumLength: 256,
      seeds: {
        [
          "ssh": Array("ssh://git@[::1]:2222/fleet.git".utf8), "scp": Array("git@example.org:fleet.git".utf8),
          "https": Array("https://example.org/fleet.git".utf8), "path": Array("/srv/fleet".utf8),
        ]
      }
    ) { bytes in
      let address = try GitAddress(String(decoding: bytes, as: UTF8.self))
      require(address.user?.contains(":") != true, "no address holds a password")
      require(address.scheme == .file || !address.host.isEmpty, "somebody is asked")
    },
  ]

  private static let hosts = """
    # hosts
    git.example.org,192.0.2.7 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDUhXZmPMawQF7G96uZz5K1zmiuo/+lpxyt2AsNom9gF
    @revoked *.example.org,!git.example.org ssh-rsa AAAA
    |1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA
    [git.example.org]:2222 ecdsa-sha2-nistp256 AAAA comment

    """

  // ssh-keygen -Y sign -n git, over "tree\n".
  private static let signature = """
    -----BEGIN SSH SIGNATURE-----
    U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgNSFdmY8xrBAXsb3q5nPkrXOaK6
    j/6WnHK3YCw2ib2AUAAAADZ2l0AAAAAAAAAAZzaGE1MTIAAABTAAAAC3NzaC1lZDI1NTE5
    AAAAQInQOSJfgOHkFKLpQJ5OR0l1N3lHqcuL0jfqzvj95wgaHNj0QAvexb57Ybm5DiQ7ER
    5VkZEV2PLgh/R8HcOJ+gs=
    -----END SSH SIGNATURE-----

    """

  private static let list = """
    # who may sign
    ada@example.org namespaces="git" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDUhXZmPMawQF7G96uZz5K1zmiuo/+lpxyt2AsNom9gF a laptop
    bob@example.org ssh-rsa AAAA

    """
}
