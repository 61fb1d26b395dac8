package import ServerCore
internal import Synchronization

/// What is counted of the repository whose channels are served.
package final class ChannelMetrics: Sendable {
  package let refreshes: LabelledCounter
  package let imports: LabelledCounter
  private let values: ChannelValues

  package init(_ registry: MetricsRegistry) {
    refreshes = registry.counter(
      "netimg_repository_refreshes_total", label: "end", "Looks at the repository, by how they ended.")
    imports = registry.counter(
      "netimg_repository_imports_total", label: "end",
      "Releases that were brought from the repository, by how that ended.")
    let values = ChannelValues()
    self.values = values
    registry.gauge(
      "netimg_repository_valid", "Whether the repository can be trusted and has not expired: 1 or 0."
    ) { values.read { $0.isValid ? 1 : 0 } }
    registry.gauge("netimg_repository_proposals", "Proposals that wait for signatures or a merge.") {
      values.read { Double($0.pending) }
    }
    registry.gauge(
      "netimg_repository_expiry_timestamp_seconds", label: "role", "When a role's metadata expire."
    ) { values.read { $0.expiries.map { ($0.role, $0.at) } } }
    registry.gauge("netimg_channel_version", label: "channel", "The version of a channel's metadata.") {
      values.read { $0.versions.map { ($0.channel, $0.version) } }
    }
  }

  func set(
    isValid: Bool, expiries: [(role: String, at: Int)], versions: [(channel: String, version: Int)]
  ) {
    values.write {
      $0.isValid = isValid
      $0.expiries = expiries.map { ($0.role, Double($0.at)) }
      $0.versions = versions.map { ($0.channel, Double($0.version)) }
    }
  }

  func set(isValid: Bool) { values.write { $0.isValid = isValid } }
  func set(pending: Int) { values.write { $0.pending = pending } }
}

/// The numbers of now.
private final class ChannelValues: Sendable {
  struct Values: Sendable {
    var expiries: [(role: String, at: Double)] = []
    var versions: [(channel: String, version: Double)] = []
    var isValid = false
    var pending = 0
  }

  private let values = Mutex(Values())

  func read<Result: Sendable>(_ body: (Values) -> Result) -> Result { values.withLock { body($0) } }
  func write(_ body: (inout Values) -> Void) { values.withLock { body(&$0) } }
}
