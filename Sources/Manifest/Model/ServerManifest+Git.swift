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
  /// Seconds between two looks.
  package var interval = 30

  package init(from: String, allowedSigners: String) {
    self.from = from
    self.allowedSigners = allowedSigners
  }
}
