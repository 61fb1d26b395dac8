extension ServerKeys {
  static let gitFrom = Key(
    "from", .text(.hostPath), "The git repository: a directory, or its address (http, https, git or file).",
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
  static let gitInterval = Key(
    "interval", .duration, "How often it is looked at.", example: "10s", fallback: "30s")

  static let gitSettings = ValueType<GitSettings>.object(
    "FleetRepository", "A git repository with the fleet's manifest, which is followed in place of a file.",
    keys: [gitFrom, branch, gitFile, gitProposals, allowedSigners, gitInterval]
  ) { fields, _ in
    guard let from = fields[gitFrom], let allowed = fields[allowedSigners] else { return nil }
    var git = GitSettings(from: from, allowedSigners: allowed)
    if let branch = fields[branch] { git.branch = branch }
    if let file = fields[gitFile] { git.file = file }
    git.proposals = fields[gitProposals]
    if let interval = fields[gitInterval] { git.interval = max(1, interval) }
    return git
  }
}
