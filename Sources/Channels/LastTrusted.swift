package import Transfers
package import UpdateFramework

/// Answers from what was trusted last, and opens no socket: whoever has lost the way to a repository goes on with that until it
/// expires, every check made anew.
package struct LastTrusted: Fetcher {
  private let local: LocalMetadata

  package init(_ local: LocalMetadata) { self.local = local }

  /// - Throws: `notAvailable` for anything but the timestamp: the other roles are taken from the local metadata, or not at all.
  package func fetch(_ url: String, limit: Int, into sink: any TransferSink) async throws {
    guard url.hasSuffix("/timestamp.json"), let bytes = local.trusted("timestamp", limit: limit) else {
      throw UpdateError(.notAvailable, "\(url) was not trusted before, and nobody is asked for it now")
    }
    try bytes.withUnsafeBytes { try sink.receive($0) }
  }
}
