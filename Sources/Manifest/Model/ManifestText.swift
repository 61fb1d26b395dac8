/// The forms of a few texts in manifests, for those who take them elsewhere too.
package struct ManifestText: Sendable {
  private let format: TextFormat

  /// A name of a device, a group or a site.
  package static let name = ManifestText(format: .name)
  package static let label = ManifestText(format: .label)
  package static let labelValue = ManifestText(format: .labelValue)
  /// An address with a port.
  package static let listenAddress = ManifestText(format: .listenAddress)

  package func accepts(_ text: String) -> Bool { format.accepts(text) }

  /// What is allowed, as a clause for messages.
  package var rule: String { format.rule }
}
