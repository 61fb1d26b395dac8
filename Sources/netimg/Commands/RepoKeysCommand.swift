internal import ArgumentParser
internal import Channels
internal import UpdateFramework

/// `netimg repo keys`
struct RepoKeysCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys", abstract: "List whose keys hold which roles, and how many must sign.",
    discussion: flowing(
      """
      For a ceremony, and for the day on which a key is lost: what still can be signed without it.

      Examples:
        netimg repo keys --repo repository
        netimg repo keys --json
      """))

  @OptionGroup var repository: RepositoryOptions
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let roles = try await repository.open().state.keyHolders()
    if common.json { return Console.json(roles.map(Report.init)) }
    for role in roles {
      Console.out(
        "\(role.name)  \(role.threshold) of \(role.possible) \(role.countsPeople ? "people" : "keys") must sign"
      )
      for key in role.keys {
        let person = key.person.map { ", counts as \($0)" } ?? ""
        Console.out(
          "  \(key.id)  \(key.name ?? "?")\(person)\(key.scheme == "ed25519" ? "" : "  (\(key.scheme))")")
      }
    }
  }

  private struct Report: Encodable {
    struct Key: Encodable {
      let id: String
      let name: String?
      let person: String?
      let scheme: String
    }

    let role: String
    let threshold: Int
    let counts: String
    let keys: [Key]

    init(_ role: KeyHolders) {
      self.role = role.name
      threshold = role.threshold
      counts = role.countsPeople ? "people" : "keys"
      keys = role.keys.map { Key(id: $0.id, name: $0.name, person: $0.person, scheme: $0.scheme) }
    }
  }
}
