/// The git repository with the fleet's manifest, and perhaps with proposals.
package struct GitSettings: Sendable, Hashable {
  /// A directory, or a URL.
  package var from: String
  package var branch = "main"
  /// The manifest's path in the repository.
  package var file = "fleet.yaml"
  /// The directory of proposals in the repository; `nil` for none.
  package var proposals: String?
  /// The file with the keys of those who may sign commits.
  package var allowedSigners: String
  /// The private key for SSH, and the list of hosts whose keys are known: both are needed for an SSH address.
  package var key: String?
  package var knownHosts: String?
  /// The file with a token for an HTTPS address.
  package var tokenFile: String?
  /// The file with the certificates that an HTTPS server's must come from; `nil` for the machine's.
  package var authority: String?
  /// Seconds between two looks.
  package var interval = 30

  /// Whether it is somewhere else, and no directory of this machine.
  package static func isAddress(_ from: String) -> Bool {
    if from.contains("://") { return true }
    // As git reads it: a colon before the first slash is that of user@host:path.
    guard let colon = from.utf8.firstIndex(of: UInt8(ascii: ":")) else { return false }
    return !from[..<colon].utf8.contains(UInt8(ascii: "/"))
  }

  package init(from: String, allowedSigners: String) {
    self.from = from
    self.allowedSigners = allowedSigners
  }
}
