internal import Transfers

extension Fetcher {
  /// Fetches a small file whose content is not known beforehand from one mirror, into memory.
  /// - Parameters:
  ///   - path: a safe path below the mirror's base.
  ///   - limit: the most bytes to accept.
  /// - Throws: `tooLarge`, `unreachable` or `cancelled`.
  func fetchSmall(_ path: String, from mirror: MirrorURL, limit: Int) async throws(ArchiveError) -> [UInt8] {
    var reason = ""
    for round in 0..<max(1, policy.rounds) {
      if round > 0 {
        do { try await pause(round) } catch { throw Self.cancelled }
      }
      let sink = MemorySink(limit: limit)
      switch await engine.perform(address: mirror.address(of: path), offset: 0, limit: limit, into: sink) {
      case .complete: return sink.bytes
      case .cancelled: throw Self.cancelled
      case .tooLarge, .sinkFailed:
        throw ArchiveError(
          .tooLarge,
          "\(mirror): \(path) is larger than \(limit) bytes; that cannot be right, use another mirror")
      case .status(let status) where status < 500 && status != 429 && status != 408:
        throw ArchiveError(
          .unreachable, "\(mirror): HTTP status \(status) for \(path); check the mirror and the suite's name")
      case .status(let status): reason = "HTTP status \(status) for \(path)"
      case .failed(let message), .timedOut(let message): reason = message
      }
    }
    throw ArchiveError(.unreachable, "\(mirror): \(reason); try again later, or use another mirror")
  }
}
