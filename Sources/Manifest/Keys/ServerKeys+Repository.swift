extension ServerKeys {
  static let repositoryFrom = Key(
    "from", .text(.hostPath), "The repository: a directory, or its address.",
    example: "/srv/netimg/repository", required: true)
  static let repositoryRoot = Key(
    "root", .text(.hostPath),
    "The file with the root metadata to trust, as its key holders gave it to you; newer roots are followed from there.",
    example: "root.json", required: true)
  static let interval = Key(
    "interval", .duration,
    "How often a repository behind an address is asked; a directory is looked at all the time.",
    example: "10s", fallback: "30s")
  static let onlineKey = Key(
    "onlineKey", .text(.line),
    "Sign snapshot and timestamp with this key of the directory of keys, and merge proposals that all have signed; the repository must be a directory.",
    example: "server")
  static let keys = Key(
    "keys", .text(.hostPath), "The directory of keys; keys in the state directory if it is missing.",
    example: "/etc/netimg/keys")
  static let passphraseFile = Key(
    "passphraseFile", .text(.hostPath), "A file with the online key's passphrase.",
    example: "/run/credentials/netimg-serve.service/passphrase")
  static let proposals = Key(
    "proposals", .text(.hostPath),
    "The directory of proposals that wait for signatures; proposals in the repository if it is missing.",
    example: "/srv/netimg/proposals")
  static let warnDays = Key(
    "warnDays", .integer(0...3650),
    "Warn so many days before metadata expire, or at half of their lifetime if that is later; 14 if it is missing.",
    example: "30")

  static let repositorySettings = ValueType<RepositorySettings>.object(
    "ServedRepository", "The repository whose channels groups of devices follow.",
    keys: [
      repositoryFrom, repositoryRoot, interval, onlineKey, keys, passphraseFile, proposals, warnDays,
    ]
  ) { fields, context in
    guard let from = fields[repositoryFrom], let root = fields[repositoryRoot] else { return nil }
    var repository = RepositorySettings(from: from, root: root)
    if let interval = fields[interval] { repository.interval = max(1, interval) }
    repository.onlineKey = fields[onlineKey]
    repository.keys = fields[keys]
    repository.passphraseFile = fields[passphraseFile]
    repository.proposals = fields[proposals]
    if let days = fields[warnDays] { repository.warnDays = days }
    if !repository.isLocal, let key = fields.located(onlineKey) {
      context.report(
        .conflict, at: key.location, "a repository behind an address cannot be signed here",
        suggestion: "name its directory in from, or run netimg repo refresh where the directory is")
    }
    return repository
  }
}
