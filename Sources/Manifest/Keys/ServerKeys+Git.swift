extension ServerKeys {
  static let gitFrom = Key(
    "from", .text(.hostPath),
    "The git repository: a directory, or its address (ssh, https, http, git or file; or user@host:path).",
    example: "https://example.org/fleet.git", required: true)
  static let branch = Key(
    "branch", .text(.branch), "The branch that is followed, forward only.", example: "main", fallback: "main")
  static let gitFile = Key(
    "file", .text(.sourcePath), "The fleet's manifest in it.", example: "fleet.yaml", fallback: "fleet.yaml")
  static let gitProposals = Key(
    "proposals", .text(.sourcePath),
    "A directory in it whose proposals are shown, and merged once all have signed if the server holds repository.onlineKey.",
    example: "proposals")
  static let allowedSigners = Key(
    "allowedSigners", .text(.hostPath),
    "Who may sign commits: a file as ssh-keygen -Y takes it, with Ed25519 keys.", example: "allowed_signers",
    required: true)
  static let gitKey = Key(
    "key", .text(.hostPath),
    "With an SSH address: the private key that reads the repository (without a passphrase, readable by nobody else).",
    example: "fleet-deploy-key")
  static let gitKnownHosts = Key(
    "knownHosts", .text(.hostPath),
    "With an SSH address: the keys of its host, as ssh-keyscan writes them; no other host is talked to.",
    example: "known_hosts")
  static let gitTokenFile = Key(
    "tokenFile", .text(.hostPath),
    "With an HTTPS address: a file with a token that reads the repository; it is sent to that host alone.",
    example: "fleet-token")
  static let gitAuthority = Key(
    "authority", .text(.hostPath),
    "With an HTTPS address: the certificates (PEM) that its host's must come from, in place of the machine's.",
    example: "ca.pem")
  static let gitInterval = Key(
    "interval", .duration, "How often it is looked at.", example: "10s", fallback: "30s")

  static let gitSettings = ValueType<GitSettings>.object(
    "FleetRepository", "A git repository with the fleet's manifest, which is followed in place of a file.",
    keys: [
      gitFrom, branch, gitFile, gitProposals, allowedSigners, gitKey, gitKnownHosts, gitTokenFile,
      gitAuthority,
      gitInterval,
    ]
  ) { fields, _ in
    guard let from = fields[gitFrom], let allowed = fields[allowedSigners] else { return nil }
    var git = GitSettings(from: from, allowedSigners: allowed)
    if let branch = fields[branch] { git.branch = branch }
    if let file = fields[gitFile] { git.file = file }
    git.proposals = fields[gitProposals]
    git.key = fields[gitKey]
    git.knownHosts = fields[gitKnownHosts]
    git.tokenFile = fields[gitTokenFile]
    git.authority = fields[gitAuthority]
    if let interval = fields[gitInterval] { git.interval = max(1, interval) }
    return git
  }
}
