/// One rule that a finished root has to keep. Each is in a file of its own.
struct Rule: Sendable {
  /// What exceptions call it.
  let name: String
  /// Finds what breaks the rule: (path without leading slash, message).
  let find: @Sendable (CheckedRoot) -> [(path: String, message: String)]

  /// Every rule about the root, in the order of their names.
  static let all: [Rule] = [
    .capabilities, .danglingLink, .elfNeeded, .elfVersion, .fileSize, .login, .moduleDependency,
    .passwordHash,
    .secret, .setuid, .shell, .ssh, .unitProgram, .worldWritable,
  ]

  /// The names that a manifest's exceptions may use.
  static let names: [String] = (all.map(\.name) + ReleaseChecks.ruleNames).sorted()

  func findings(in root: CheckedRoot) -> [Finding] {
    find(root).map { Finding(rule: name, path: "/\($0.path)", message: $0.message) }
  }
}
